"""What installed flows were found to be, proposals made from it; and what was read stays what was read."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from flowbuilder import guards


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_allowance'),
        ('flowbuilder', '0007_orphans'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='install',
            name='looked_at',
            field=models.DateTimeField(blank=True, db_index=True, null=True),
        ),
        migrations.CreateModel(
            name='Reading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('flow_id', models.CharField(max_length=40)),
                ('first_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('name', models.CharField(blank=True, max_length=300)),
                ('status', models.CharField(blank=True, max_length=10)),
                ('definition', models.JSONField(blank=True, null=True)),
                ('emails', models.JSONField(blank=True, default=dict)),
                ('verdict', models.CharField(choices=[('none', 'As it was left'), ('cosmetic', 'Names changed'), ('status', 'Statuses changed'), ('content', 'Content changed'), ('logic', 'Logic changed'), ('gone', 'Gone')], max_length=10)),
                ('differences', models.JSONField(blank=True, default=list)),
                ('since', models.DateTimeField(blank=True, null=True)),
                ('content_hash', models.CharField(max_length=64)),
                ('accepted_at', models.DateTimeField(blank=True, null=True)),
                ('accepted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('install', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='readings', to='flowbuilder.install')),
            ],
            options={
                'ordering': ('-at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('note', models.TextField(blank=True)),
                ('changes', models.JSONField(default=list)),
                ('state', models.CharField(choices=[('open', 'Open'), ('taken', 'Taken'), ('declined', 'Declined')], default='open', max_length=10)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('edit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='flowbuilder.edit')),
                ('template_flow', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='proposals', to='flowbuilder.templateflow')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='proposals', to='accounts.workspace')),
                ('reading', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='proposals', to='flowbuilder.reading')),
            ],
            options={
                'ordering': ('-at', '-pk'),
            },
        ),
        migrations.AddIndex(
            model_name='reading',
            index=models.Index(fields=['install', '-at'], name='flowbuilder_install_5d0de8_idx'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('reading',), name='one_open_proposal_a_reading'),
        ),
        migrations.RunPython(guards.install_readings, guards.remove_readings),
    ]
