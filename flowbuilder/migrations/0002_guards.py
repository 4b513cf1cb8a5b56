"""Install the triggers of flowbuilder/guards.py."""

from django.db import migrations

from flowbuilder import guards


class Migration(migrations.Migration):
    dependencies = [("flowbuilder", "0001_initial")]
    operations = [migrations.RunPython(guards.install, guards.remove)]
