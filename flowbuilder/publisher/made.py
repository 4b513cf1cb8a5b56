"""What a publication makes in the account beside its flow: each once, found again after a lost answer, taken away
when the publication is given up.

Names are the only text of ours that Klaviyo can search, so those of templates are unique to their publication.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from accounts import rows
from accounts.budget import MustWait
from accounts.clock import now as right_now
from accounts.klaviyo.errors import KlaviyoError, NotAuthorized, NotFound, Refused, Unknown
from flowbuilder.definition.taken import asked_by, bound, missing_within
from flowbuilder.models import Install, Made, Publication
from flowbuilder.publisher.calls import Calls
from flowbuilder.publisher.reconcile import is_since, quiet_until, rows_named
from flowbuilder.publisher.stops import Stop

MAKE = "$make"  # an answer that is to be made: {"$make": "list", "name": "Newsletter"}
REMOVABLE = {
    Made.Kind.TEMPLATE: "/api/templates",
    Made.Kind.LIST: "/api/lists",
    Made.Kind.SEGMENT: "/api/segments",
}
MOST_TRIES = 4  # to take one thing away
LATER = timedelta(minutes=5)


def made_by(publication: Publication) -> dict[tuple[str, str], str]:
    """(kind, step) -> id of all that this publication made and that is still there."""
    standing = publication.made.filter(removed_at=None)
    return {(one.kind, one.step): one.klaviyo_id for one in standing}


def remember(publication: Publication, kind: str, step: str, klaviyo_id: str, name: str) -> str:
    """Once for each (kind, step): the database refuses a second one."""
    made = {"publication_id": publication.pk, "kind": kind, "step": step, "klaviyo_id": klaviyo_id}
    rows.insert(Made, {**made, "name": name[:300], "created_at": right_now(), "removed_at": None})
    return klaviyo_id


def id_of(body: Any) -> str:
    data = (body or {}).get("data")
    found = data.get("id") if isinstance(data, dict) else None
    if not isinstance(found, str) or not found:
        raise Unknown("Klaviyo's answer does not say what it made.")
    return found


def make_template(publication: Publication, calls: Calls, key: str, content: Mapping[str, str]) -> str:
    name = _template_name(publication, content["name"], key)
    attributes = {"name": name, "editor_type": "CODE", "html": content["html"]}
    if content.get("text"):
        attributes["text"] = content["text"]
    body = {"data": {"type": "template", "attributes": attributes}}
    return _once(publication, calls, Made.Kind.TEMPLATE, key, "/api/templates", name, body)


def clone_template(publication: Publication, calls: Calls, key: str, template_id: str) -> str:
    name = _template_name(publication, publication.flow_name, key)
    body = {"data": {"type": "template", "id": template_id, "attributes": {"name": name}}}
    return _once(publication, calls, Made.Kind.TEMPLATE, key, "/api/template-clone", name, body)


def make_answer(publication: Publication, calls: Calls, key: str, wanted: Mapping[str, Any]) -> str:
    """A list or segment that an answer asks for."""
    kind = Made.Kind(wanted[MAKE])
    attributes = {"name": wanted["name"]}
    if kind == Made.Kind.SEGMENT:
        attributes["definition"] = wanted["definition"]
    body = {"data": {"type": kind.value, "attributes": attributes}}
    return _once(publication, calls, kind, key, REMOVABLE[kind], wanted["name"], body)


def make_answers(
    publication: Publication, calls: Calls, there: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    """The answers, with what they ask for in its place: made now, unless it is `there` already. A segment that speaks
    of another answer comes after it."""
    answers = dict(publication.answers)
    if missing := missing_within(answers):
        raise Stop("Some questions have no answer: " + ", ".join(missing) + ".")
    wanted = {key: value for key, value in answers.items() if is_to_make(value)}
    for key, value in sorted(wanted.items(), key=lambda item: bool(asked_by(item[1]))):
        found = there.get((value[MAKE], key)) or made_for(publication.install, key, value)
        if not found:
            found = make_answer(publication, calls, key, _bound(value, answers))
        answers[key] = in_place(value, found)
    return answers


def _bound(wanted: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    return (
        {**wanted, "definition": bound(wanted["definition"], answers)} if asked_by(wanted) else dict(wanted)
    )


def made_for(install: Install | None, key: str, wanted: Mapping[str, Any]) -> str:
    """The list or segment that a publication of this install made for the same answer; empty where none did."""
    rows = Made.objects.filter(
        kind=wanted[MAKE], step=key, publication__install=install, removed_at=None, name=wanted["name"]
    )
    return (install and rows.order_by("-pk").values_list("klaviyo_id", flat=True).first()) or ""


def in_place(wanted: Mapping[str, Any], made: str) -> Any:
    """What was made, as the answer that it stands for; some questions are answered with several."""
    return [made] if wanted.get("many") else made


def is_to_make(value: Any) -> bool:
    return isinstance(value, Mapping) and MAKE in value


def _once(
    publication: Publication,
    calls: Calls,
    kind: Made.Kind,
    key: str,
    path: str,
    name: str,
    body: Mapping[str, Any],
) -> str:
    """Send it, unless an earlier call has made it already: its answer was lost, or named no id, or its worker died
    before that was written down."""
    step = f"make-{kind.value}-{key}"
    sent_at = calls.sent_at(step)
    if sent_at and (found := _look(publication, calls, kind, key, name, sent_at)):
        return found
    answer = calls.call(step, "POST", path, json=body)
    return remember(publication, kind, key, id_of(answer.body), name)


def _look(
    publication: Publication, calls: Calls, kind: Made.Kind, key: str, name: str, sent_at: datetime
) -> str | None:
    """What a call made that was sent then, now remembered; MustWait while that may still take effect unseen."""
    if (quiet := quiet_until(sent_at)) > right_now():
        raise MustWait(quiet, f"An answer of Klaviyo was lost. We look whether “{name}” was made.")
    taken = set(Made.objects.filter(kind=kind, name=name).values_list("klaviyo_id", flat=True))
    since = calls.first_at(f"make-{kind.value}-{key}")
    for row in rows_named(calls, f"look-make-{kind.value}-{key}", REMOVABLE[kind], name):
        if row["id"] not in taken and is_since(row, since):
            return remember(publication, kind, key, str(row["id"]), name)
    return None


def _template_name(publication: Publication, name: str, key: str) -> str:
    return f"{name[:120]} · {publication.pk}/{key}".translate({ord('"'): "”", ord("\\"): "/"})


# --- Taking away again -----------------------------------------------------------------------------------------


def give_back(publication: Publication, now: datetime) -> None:
    """From now on what it made is taken away: it was given up, and no flow uses it."""
    if not publication.klaviyo_flow_id and publication.attempts.filter(step__startswith="make-").exists():
        Publication.objects.filter(pk=publication.pk).update(tidy_at=now)


def tidy(publication: Publication, calls: Calls) -> None:
    """Take away what a given-up publication made. What cannot be reached is tried again later, a few times."""
    left = False
    _remember_lost(publication, calls)
    for one in publication.made.filter(removed_at=None, kind__in=REMOVABLE):
        step = f"remove-{one.kind}-{one.step}"
        try:
            calls.call(step, "DELETE", f"{REMOVABLE[Made.Kind(one.kind)]}/{one.klaviyo_id}")
        except NotFound:
            pass
        except NotAuthorized:
            break
        except Refused:
            continue  # it stays listed: a person may take it away in Klaviyo
        except KlaviyoError:
            left = left or publication.attempts.filter(step=step).count() < MOST_TRIES
            continue
        Made.objects.filter(pk=one.pk).update(removed_at=right_now())
    later = right_now() + LATER if left else None
    Publication.objects.filter(pk=publication.pk).update(tidy_at=later, lease_until=None)


def _remember_lost(publication: Publication, calls: Calls) -> None:
    """What calls made whose answers were lost is ours too, and nobody will look for it any more."""
    known = set(publication.made.values_list("kind", "step"))
    attempts = publication.attempts.filter(step__startswith="make-")
    sent: dict[str, Any] = {one.step: one.request for one in attempts}
    for step, request in sent.items():
        kind, _, key = step.removeprefix("make-").partition("-")
        sent_at = calls.sent_at(step)
        if kind in REMOVABLE and sent_at and (kind, key) not in known:
            name = request["data"]["attributes"]["name"]
            _look(publication, calls, Made.Kind(kind), key, name, sent_at)
