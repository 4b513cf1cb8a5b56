"""A second person's yes, and the guards that nothing goes without it."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from flowbuilder import guards

# The table of flowbuilder/publisher/states.py as it was when this was written.
MOVES = {
    "asked": ("approved", "preparing", "verifying", "waiting", "failed", "cancelled"),
    "approved": ("asked", "preparing", "verifying", "waiting", "failed", "cancelled"),
    "preparing": ("sending", "waiting", "refused", "failed"),
    "sending": ("verifying", "waiting", "refused", "failed", "unknown"),
    "unknown": ("verifying", "waiting", "unknown"),
    "verifying": ("published", "waiting", "verifying"),
    "waiting": ("asked", "preparing", "verifying", "waiting", "cancelled", "failed"),
    "failed": ("asked",),
    "refused": (),
    "published": (),
    "cancelled": (),
}


def install(apps, schema_editor):
    """Those of moves too: SQLite drops them with the table that gets columns here."""
    guards.install_moves(schema_editor, MOVES)
    guards.install_approvals(schema_editor)


def remove(apps, schema_editor):
    guards.drop_approvals(schema_editor)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_second_person'),
        ('flowbuilder', '0013_history'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='publication',
            name='approved_hash',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='publication',
            name='needs_approval',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='templateflow',
            name='needs_approval',
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name='Approval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_hash', models.CharField(max_length=64)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('verdict', models.CharField(blank=True, choices=[('yes', 'Approved'), ('no', 'Refused'), ('lapsed', 'Lapsed'), ('withdrawn', 'Withdrawn')], max_length=10)),
                ('reason', models.TextField(blank=True)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('asked_in', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.workspace')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('publication', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='flowbuilder.publication')),
                ('rollout', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='flowbuilder.rollout')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='approvals', to='accounts.workspace')),
            ],
            options={
                'ordering': ('-pk',),
                'indexes': [models.Index(fields=['workspace', 'verdict'], name='flowbuilder_workspa_67875a_idx'), models.Index(fields=['asked_in', 'verdict'], name='flowbuilder_asked_i_f81141_idx')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('verdict', '')), fields=('publication', 'workspace'), name='one_open_approval_a_publication'), models.UniqueConstraint(condition=models.Q(('verdict', '')), fields=('rollout', 'workspace'), name='one_open_approval_a_rollout'), models.CheckConstraint(condition=models.Q(models.Q(('publication', None), ('rollout__isnull', False)), models.Q(('publication__isnull', False), ('rollout', None)), _connector='OR'), name='an_approval_is_of_one_thing'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('verdict', '')), models.Q(models.Q(('verdict', ''), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='approval_decided_with_a_verdict'), models.CheckConstraint(condition=models.Q(('decided_by', models.F('asked_by')), ('verdict__in', ('yes', 'no')), _negated=True), name='nobody_approves_their_own')],
            },
        ),
        migrations.RunPython(install, remove),
    ]
