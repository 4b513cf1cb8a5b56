"""Every move of a publication is written down, and the database knows which moves there are (guards.py)."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from flowbuilder import guards

# The table of flowbuilder/publisher/states.py as it was when this was written.
MOVES = {
    "asked": ("approved", "preparing", "verifying", "waiting", "failed", "cancelled"),
    "approved": ("preparing", "verifying", "waiting", "failed", "cancelled"),
    "preparing": ("sending", "waiting", "refused", "failed"),
    "sending": ("verifying", "waiting", "refused", "failed", "unknown"),
    "unknown": ("verifying", "waiting", "unknown"),
    "verifying": ("published", "waiting", "verifying"),
    "waiting": ("preparing", "verifying", "waiting", "cancelled", "failed"),
    "failed": ("asked",),
    "refused": (),
    "published": (),
    "cancelled": (),
}
STATES = [("asked", "Asked"), ("approved", "Approved"), ("preparing", "Preparing"), ("sending", "Sending"), ("verifying", "Checking"), ("published", "Published"), ("waiting", "Waiting"), ("refused", "Refused"), ("failed", "Failed"), ("unknown", "Being looked up"), ("cancelled", "Cancelled")]
OPEN = ["asked", "approved", "preparing", "sending", "verifying", "waiting", "unknown"]


def install(apps, schema_editor):
    guards.install_moves(schema_editor, MOVES)


class Migration(migrations.Migration):
    dependencies = [
        ("flowbuilder", "0005_lanes_and_rollouts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AlterField(
            model_name="publication",
            name="state",
            field=models.CharField(choices=STATES, default="asked", max_length=12),
        ),
        migrations.RemoveConstraint(model_name="publication", name="one_open_publication_an_install"),
        migrations.AddConstraint(
            model_name="publication",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", OPEN)),
                fields=("install",),
                name="one_open_publication_an_install",
            ),
        ),
        migrations.CreateModel(
            name="Move",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("from_state", models.CharField(choices=STATES, max_length=12)),
                ("to_state", models.CharField(choices=STATES, max_length=12)),
                ("reason", models.TextField(blank=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("until", models.DateTimeField(blank=True, null=True)),
                ("attempt_number", models.PositiveIntegerField(default=0)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="moves",
                        to="flowbuilder.publication",
                    ),
                ),
            ],
            options={"ordering": ("number",)},
        ),
        migrations.AddConstraint(
            model_name="move",
            constraint=models.UniqueConstraint(fields=("publication", "number"), name="one_move_a_number"),
        ),
        migrations.RunPython(install, guards.remove_moves),
    ]
