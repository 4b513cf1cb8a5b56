"""What ended is counted by day, so that sums over the history do not grow with it."""

from django.db import migrations, models

from flowbuilder import worked_out


class Migration(migrations.Migration):
    dependencies = [("flowbuilder", "0015_reports")]

    operations = [
        migrations.CreateModel(
            name="DayCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("of_workspace", models.PositiveBigIntegerField(default=0)),
                ("of_flow", models.PositiveBigIntegerField(default=0)),
                ("day", models.DateField()),
                ("state", models.CharField(max_length=12)),
                ("number", models.IntegerField(default=0)),
            ],
            options={"ordering": ("day",)},
        ),
        migrations.AddConstraint(
            model_name="daycount",
            constraint=models.UniqueConstraint(
                fields=("of_workspace", "of_flow", "day", "state"), name="a_count_once_a_day"
            ),
        ),
        migrations.AddIndex(
            model_name="publication",
            index=models.Index(
                condition=models.Q(("state", "published"), models.Q(("reason", ""), _negated=True)),
                fields=["-created_at", "-id"],
                name="landed_not_as_meant",
            ),
        ),
        migrations.RemoveIndex(model_name="publication", name="flowbuilder_flow_na_319491_idx"),
        migrations.RemoveIndex(model_name="publication", name="flowbuilder_workspa_067ed1_idx"),
        migrations.AddIndex(
            model_name="publication",
            index=models.Index(fields=["flow_name", "id", "state"], name="by_flow"),
        ),
        migrations.AddIndex(
            model_name="publication",
            index=models.Index(
                fields=["workspace", "flow_name", "id", "state"], name="by_workspace_and_flow"
            ),
        ),
        migrations.RunPython(worked_out.install_counts, worked_out.remove_counts),
    ]
