"""The audit log, and the guards that it is only ever added to."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts import guards


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_second_person'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditDoor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('act', models.CharField(choices=[('signed-in', 'Signed in'), ('sign-in-failed', 'A sign-in failed'), ('signed-out', 'Signed out'), ('refused', 'Tried what they may not'), ('workspace', 'Made a workspace'), ('role', 'Gave, changed or took a role'), ('settings', 'Changed settings'), ('token', 'Made or ended an API token'), ('connected', 'Connected an account'), ('disconnected', 'Disconnected an account'), ('version', 'Published a version'), ('offered', 'Offered a template flow'), ('withdrew', 'Withdrew a version'), ('reviewed', 'Reviewed a template flow'), ('answered', 'Answered a question'), ('asked', 'Asked for a publication'), ('removed', 'Asked for a removal'), ('cancelled', 'Cancelled a publication'), ('retried', 'Asked again'), ('decided', 'Said which flow it is'), ('approved', 'Approved'), ('disapproved', 'Refused to approve'), ('recalled', 'Withdrew a request for approval'), ('rollout', 'Acted on a rollout'), ('exported', 'Exported'), ('cleared', 'Old entries were cleared away')], max_length=16)),
                ('kind', models.CharField(blank=True, max_length=40)),
                ('thing_id', models.BigIntegerField(blank=True, null=True)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('detail', models.TextField(blank=True)),
                ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.workspace')),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'ordering': ('-at', '-pk'),
                'indexes': [models.Index(fields=['-at', '-id'], name='accounts_au_at_a78707_idx'), models.Index(fields=['workspace', '-at', '-id'], name='accounts_au_workspa_b6f9af_idx'), models.Index(fields=['person', '-at', '-id'], name='accounts_au_person__61471b_idx'), models.Index(fields=['act', '-at', '-id'], name='accounts_au_act_20a85d_idx')],
            },
        ),
        migrations.RunPython(guards.install, guards.remove),
    ]
