"""What a proposal holds: two definitions in the design's words. Those that wait are written so."""

import copy

from django.db import migrations, models


def write_documents(apps, schema_editor):
    Proposal = apps.get_model("flowbuilder", "Proposal")
    waiting = Proposal.objects.filter(state="open").select_related("reading__install__version")
    for proposal in waiting.iterator():
        version = proposal.reading.install.version
        proposal.document = document_of(version.number, version.document, proposal.changes)
        proposal.save(update_fields=["document"])


def document_of(number, frozen, changes):
    """From changes of settings, each {"key", "path", "after"}; the words of an email at path ["html"]."""
    if "definition" not in frozen:
        return {}
    offered = copy.deepcopy(frozen["definition"])
    actions = {one.get("temporary_id"): one for one in offered["actions"]}
    contents = {}
    for change in changes:
        action = actions.get(change.get("key"))
        path = change.get("path")
        if action is None or path is None:
            continue
        data = action.setdefault("data", {})
        if path == ["html"]:
            key = f"written-{change['key']}"
            message = data.setdefault("message", {})
            contents[key] = {"name": message.get("name") or "Email", "html": change["after"], "text": ""}
            message["template_id"] = {"$content": key}
        elif not path:
            action["data"] = change["after"]
        else:
            for name in path[:-1]:
                data = data.setdefault(name, {})
            data[path[-1]] = change["after"]
    return {
        "version": number,
        "base": frozen["definition"],
        "offered": offered,
        "requirements": frozen.get("requirements", []),
        "asked": [],
        "names": frozen.get("names", {}),
        "contents": contents,
        "hashes": {},
    }


class Migration(migrations.Migration):

    dependencies = [
        ('flowbuilder', '0019_letters'),
    ]

    operations = [
        migrations.AddField(
            model_name='proposal',
            name='document',
            field=models.JSONField(default=dict),
        ),
        migrations.RunPython(write_documents, migrations.RunPython.noop),
    ]
