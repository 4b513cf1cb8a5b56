"""What emails say moves from the flow to its workspace; settings that name an email follow. Then the guards again."""

from django.db import migrations

from flowbuilder import guards


def move(apps, schema_editor):
    old, new = apps.get_model("flowbuilder", "EmailContent"), apps.get_model("flowbuilder", "Email")
    for content in old.objects.select_related("flow").order_by("pk"):
        key = f"email-{content.pk}"
        new.objects.create(
            workspace_id=content.flow.workspace_id,
            key=key,
            name=content.name,
            html=content.html,
            text=content.text,
        )
        for action in content.flow.actions.all():
            config = renamed(action.config, content.key, f">{key}")
            if config != action.config:
                action.config = config
                action.save(update_fields=["config"])
    for action in apps.get_model("flowbuilder", "Action").objects.iterator():
        config = unmarked(action.config)
        if config != action.config:
            action.config = config
            action.save(update_fields=["config"])


def renamed(value, old, new):
    """A key that was renamed is marked by a “>”, which no key holds, so that another of the same name does not rename it again."""
    if isinstance(value, dict):
        if value.get("$content") == old:
            return {**value, "$content": new}
        return {key: renamed(child, old, new) for key, child in value.items()}
    return [renamed(child, old, new) for child in value] if isinstance(value, list) else value


def unmarked(value):
    if isinstance(value, dict):
        return {
            key: child.lstrip(">") if key == "$content" and isinstance(child, str) else unmarked(child)
            for key, child in value.items()
        }
    return [unmarked(child) for child in value] if isinstance(value, list) else value


class Migration(migrations.Migration):
    dependencies = [("flowbuilder", "0003_acts_and_emails")]
    operations = [
        migrations.RunPython(move, migrations.RunPython.noop),
        migrations.DeleteModel(name="EmailContent"),
        migrations.RunPython(guards.install, guards.remove),
        migrations.RunPython(guards.install_edits, guards.remove_edits),
    ]
