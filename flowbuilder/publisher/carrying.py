"""A new flow that is put beside the old one takes along what was changed in the old one in Klaviyo: the same merge as
of an update in its place (before.py). Called by create.py.

What the version is without those changes stays in `wanted`: the version after the next is merged with that, so that
they are kept again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from accounts.klaviyo.errors import ConnectionLost, MissingScope, NotAllowed, NotAuthorized, NotFound, Refused
from flowbuilder.definition.drifting import emails_in
from flowbuilder.definition.writing import HEAD, Approved
from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import get_at, set_at
from flowbuilder.models import Made, Publication
from flowbuilder.publisher import made
from flowbuilder.publisher.before import CHOICES, WORDS, bring_together
from flowbuilder.publisher.calls import Calls
from flowbuilder.publisher.held import keep, read_flow
from flowbuilder.publisher.standing import EMAILS, OFFERED, adopting, hash_of_email, standing_of, target_of
from flowbuilder.publisher.stops import RefusedHere, Stop

Definition = dict[str, Any]
Template = Callable[[str, Path, Mapping[str, Any]], str]  # (step, where in its action, message) -> id


def is_asked(publication: Publication) -> bool:
    return publication.kind == Publication.Kind.CREATE and CHOICES in publication.wanted


def carried(
    publication: Publication, calls: Calls, templates: Mapping[str, str], answers: Mapping[str, Any]
) -> Definition:
    """What the new flow is to be. `templates`: content key -> the template that was made from it; `answers` with what
    was made in their place."""
    install = publication.install
    standing = standing_of(install) if install else None
    if install is None or standing is None:
        raise Stop("What was sent to this account is not known: install it anew.")
    target = target_of(install, publication.version, answers, publication.shape, standing)
    held = read_flow(publication, calls, "read-before", install.live_flow_id)
    standing = adopting(standing, target, install.live_flow_id, held.definition)
    both = bring_together(publication, calls, standing, target, held, is_new=True)
    fresh = {used: templates[key] for key, used in target.templates.items()}

    def own(step: str, path: Path, message: Mapping[str, Any]) -> str:
        if found := fresh.get(message["template_id"]):
            return found
        there = held.actions.get(str(both.steps[step]["action"])) if step in both.steps else None
        template = get_at(there, (*path, "template_id")) or message["template_id"]
        key = "-".join(("kept", step, *(str(part) for part in path if isinstance(part, int))))
        return _copied(publication, calls, key, str(template), str(message.get("name") or "Email"))

    drafted = Approved.of(both.merged.definition).definition
    whole = _filled(drafted, own)
    offered = _filled(target.definition, lambda step, path, message: fresh[message["template_id"]])
    keep(publication, **{OFFERED: offered, EMAILS: both.kept_emails, WORDS: both.words})
    return whole


def _filled(definition: Mapping[str, Any], template: Template) -> Definition:
    """With other templates in all of its messages."""
    fresh = dict(definition)
    for index, action in enumerate(definition["actions"]):
        for path, message in _messages(action, ()):
            new = template(str(action["temporary_id"]), path, message)
            fresh = set_at(fresh, ("actions", index, *path, "template_id"), new)
    return fresh


def _messages(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every message with a template, those inside an experiment too."""
    if isinstance(value, Mapping):
        if isinstance(value.get("template_id"), str) and value["template_id"]:
            yield path, value
        for key, child in value.items():
            yield from _messages(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _messages(child, (*path, index))


def _copied(publication: Publication, calls: Calls, key: str, template: str, name: str) -> str:
    """A template that says what the account's own copy says: that one belongs to the old flow."""
    if found := made.made_by(publication).get((Made.Kind.TEMPLATE, key)):
        return found
    try:
        body = calls.call(f"read-{key}", "GET", f"/api/templates/{template}").body
        about = get_at(body, ("data", "attributes")) or {}
        content = {"name": name, "html": about.get("html") or "", "text": about.get("text") or ""}
        return made.make_template(publication, calls, key, content)
    except NotFound:
        raise Stop(
            f"The email “{name}” of the old flow cannot be read in Klaviyo. Look at it there."
        ) from None
    except (ConnectionLost, MissingScope, NotAuthorized):
        raise
    except (NotAllowed, Refused) as error:
        raise RefusedHere(key, error) from error


def words_of(
    publication: Publication, calls: Calls, held: Mapping[str, Any], steps: Mapping[str, Any]
) -> list[str]:
    """What a person should know of the flow that landed. Klaviyo may write an email down otherwise than it was sent:
    what it says now is what the next look is compared with."""
    hashes = dict(publication.wanted[EMAILS])
    there = emails_in(get_at(held, HEAD) or {})
    for email in hashes:
        key, space, inner = email.partition(" ")
        template = there.get(f"{get_at(steps, (key, 'action'))}{space}{inner}")
        with suppress(NotFound):
            body = calls.call(f"read-email-{email}", "GET", f"/api/templates/{template}").body
            hashes[email] = hash_of_email(get_at(body, ("data", "attributes", "html")))
    keep(publication, **{EMAILS: hashes})
    words = publication.wanted[WORDS]
    return [f"Kept as it was edited in Klaviyo: {' '.join(words)}"] if words else []
