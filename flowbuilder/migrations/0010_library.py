"""What a template's page says and who may read it: categories, languages, share links, reviews, withdrawn versions."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from flowbuilder import guards

# What a message's type is called in a version's channels.
CHANNELS = ("send-email", "send-sms", "send-whatsapp", "send-mobile-push")


def fill(apps, schema_editor):
    """Channels of the versions that are there; and whatever stood open to the whole site asks for its review."""
    Version = apps.get_model("flowbuilder", "Version")
    for version in Version.objects.iterator(chunk_size=100):
        actions = version.document.get("definition", {}).get("actions", [])
        found = [one for one in CHANNELS if any(action.get("type") == one for action in actions)]
        if found:
            Version.objects.filter(pk=version.pk).update(channels=f" {' '.join(found)} ")
    Review = apps.get_model("flowbuilder", "Review")
    for template in apps.get_model("flowbuilder", "TemplateFlow").objects.filter(visibility="site"):
        version = Version.objects.get(pk=template.current_version_id)
        Review.objects.create(
            template_flow=template,
            version=version,
            content_hash=version.content_hash,
            description=template.description,
            asked_by_id=version.author_id,
        )


class Migration(migrations.Migration):

    dependencies = [
        ('flowbuilder', '0009_requirement_role'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='templateflow',
            name='categories',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='templateflow',
            name='languages',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='templateflow',
            name='link_number',
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='version',
            name='channels',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='version',
            name='label',
            field=models.CharField(blank=True, help_text='What people call it: “Shorter waits”.', max_length=80),
        ),
        migrations.AddField(
            model_name='version',
            name='withdrawn_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='version',
            name='withdrawn_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='version',
            name='withdrawn_reason',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AlterField(
            model_name='templateflow',
            name='description',
            field=models.TextField(blank=True, help_text='Empty: generated from the design.'),
        ),
        migrations.AlterField(
            model_name='templateflow',
            name='visibility',
            field=models.CharField(choices=[('site', "Everybody, after a reviewer's yes"), ('link', 'Whoever has the link'), ('workspace', 'Only this workspace')], default='site', max_length=10),
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_hash', models.CharField(max_length=64)),
                ('description', models.TextField(blank=True)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('verdict', models.CharField(blank=True, choices=[('yes', 'Yes'), ('no', 'No'), ('lapsed', 'Lapsed')], max_length=6)),
                ('reason', models.TextField(blank=True)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('template_flow', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='flowbuilder.templateflow')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='flowbuilder.version')),
            ],
            options={
                'ordering': ('-pk',),
            },
        ),
        migrations.AddField(
            model_name='templateflow',
            name='public',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='flowbuilder.review'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.UniqueConstraint(condition=models.Q(('verdict', '')), fields=('template_flow',), name='one_open_review_a_template'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('verdict', '')), models.Q(models.Q(('verdict', ''), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='decided_with_a_verdict'),
        ),
        migrations.RunPython(guards.install_reviews, guards.remove_reviews),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
