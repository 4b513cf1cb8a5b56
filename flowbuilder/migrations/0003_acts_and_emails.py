import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from flowbuilder import guards


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('flowbuilder', '0002_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # SQLite rebuilds tables and would lose the triggers: taken away first, put back in 0004.
        migrations.RunPython(guards.remove, guards.install),
        migrations.AddField(
            model_name='action',
            name='extra',
            field=models.JSONField(blank=True, default=dict, help_text='Keys of the action that nobody here knows.'),
        ),
        migrations.AddField(
            model_name='action',
            name='note',
            field=models.TextField(blank=True, help_text='What people wrote on it; never published.'),
        ),
        migrations.AddField(
            model_name='flow',
            name='extra',
            field=models.JSONField(blank=True, default=dict, help_text='Keys of the definition that nobody here knows.'),
        ),
        migrations.AddField(
            model_name='install',
            name='shape',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='publication',
            name='shape',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.CreateModel(
            name='Clip',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('document', models.JSONField()),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.workspace')),
            ],
        ),
        migrations.CreateModel(
            name='Edit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('act', 'Act'), ('undo', 'Undo'), ('redo', 'Redo')], default='act', max_length=4)),
                ('name', models.CharField(max_length=300)),
                ('change', models.JSONField(default=list)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('flow', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='edits', to='flowbuilder.flow')),
                ('of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='repeats', to='flowbuilder.edit')),
            ],
            options={
                'ordering': ('-number',),
            },
        ),
        migrations.CreateModel(
            name='Email',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=64)),
                ('name', models.CharField(max_length=200)),
                ('html', models.TextField(blank=True)),
                ('text', models.TextField(blank=True)),
                ('revision', models.PositiveIntegerField(default=0)),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('changed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='emails', to='accounts.workspace')),
            ],
            options={
                'ordering': ('name', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='Presence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.CharField(blank=True, max_length=64)),
                ('seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('flow', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='people', to='flowbuilder.flow')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddConstraint(
            model_name='edit',
            constraint=models.UniqueConstraint(fields=('flow', 'number'), name='one_edit_a_number'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.UniqueConstraint(fields=('workspace', 'key'), name='one_email_a_key'),
        ),
        migrations.AddConstraint(
            model_name='presence',
            constraint=models.UniqueConstraint(fields=('flow', 'user'), name='one_presence_a_person'),
        ),
    ]
