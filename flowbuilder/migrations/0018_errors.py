"""What went wrong with its calls stands on a publication, in the order of the history's pages; and the indexes of its
pickers."""

from django.db import migrations, models

from flowbuilder import guards, worked_out

# Of flowbuilder/models/landing.py as they were when this was written.
ERRORS = ("refused", "access", "gone", "limits", "klaviyo", "lost")
OF_PUBLICATIONS = guards.Kept("flowbuilder_publication")


class Migration(migrations.Migration):
    dependencies = [("flowbuilder", "0017_alerts")]

    operations = [
        migrations.RunPython(OF_PUBLICATIONS.take, OF_PUBLICATIONS.put),
        *(
            migrations.AddField(
                model_name="publication",
                name=f"has_error_{error}",
                field=models.BooleanField(db_default=False, default=False, editable=False),
            )
            for error in ERRORS
        ),
        *(
            migrations.AddIndex(
                model_name="publication",
                index=models.Index(
                    condition=models.Q((f"has_error_{error}", True)),
                    fields=["-created_at", "-id"],
                    name=f"with_error_{error}",
                ),
            )
            for error in ERRORS
        ),
        migrations.AddIndex(
            model_name="publication",
            index=models.Index(fields=["asked_by", "-created_at", "-id"], name="by_person"),
        ),
        migrations.AddIndex(
            model_name="publication",
            index=models.Index(fields=["workspace", "asked_by"], name="by_workspace_and_person"),
        ),
        migrations.AddIndex(
            model_name="publication",
            index=models.Index(fields=["workspace", "account"], name="by_workspace_and_account"),
        ),
        migrations.RemoveIndex(model_name="attempt", name="attempts_that_went_wrong"),
        migrations.RunPython(OF_PUBLICATIONS.put, OF_PUBLICATIONS.take),
        migrations.RunPython(worked_out.install_errors, worked_out.remove_errors),
    ]
