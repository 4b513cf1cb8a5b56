"""Invitations to a workspace, and their acts in the audit log: choices alone, so that its table is not rebuilt."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_audit'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditentry',
            name='act',
            field=models.CharField(choices=[('signed-in', 'Signed in'), ('sign-in-failed', 'A sign-in failed'), ('signed-out', 'Signed out'), ('refused', 'Tried what they may not'), ('workspace', 'Made a workspace'), ('role', 'Gave, changed or took a role'), ('invited', 'Invited somebody, or took it back'), ('joined', 'Joined a workspace'), ('settings', 'Changed settings'), ('token', 'Made or ended an API token'), ('connected', 'Connected an account'), ('disconnected', 'Disconnected an account'), ('version', 'Published a version'), ('offered', 'Offered a template flow'), ('withdrew', 'Withdrew a version'), ('reviewed', 'Reviewed a template flow'), ('answered', 'Answered a question'), ('asked', 'Asked for a publication'), ('removed', 'Asked for a removal'), ('cancelled', 'Cancelled a publication'), ('retried', 'Asked again'), ('decided', 'Said which flow it is'), ('approved', 'Approved'), ('disapproved', 'Refused to approve'), ('recalled', 'Withdrew a request for approval'), ('rollout', 'Acted on a rollout'), ('exported', 'Exported'), ('cleared', 'Old entries were cleared away')], max_length=16),
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('designer', 'Designer'), ('merchant', 'Merchant'), ('reviewer', 'Reviewer')], max_length=10)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='accounts.workspace')),
            ],
            options={
                'ordering': ('-created_at', '-pk'),
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('workspace', 'email'), name='one_open_invitation_an_address')],
            },
        ),
    ]
