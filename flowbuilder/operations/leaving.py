"""All copies of a template flow in a workspace at once, paused and restored; and what an uninstall takes and leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from accounts import catalog
from accounts.models import User, Workspace
from flowbuilder.definition.drifting import THEIRS
from flowbuilder.definition.frozen import Frozen
from flowbuilder.models import Install, Made, Publication, TemplateFlow
from flowbuilder.operations import after
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.publisher import fits
from flowbuilder.publisher.before import WORDS
from flowbuilder.publisher.made import is_to_make
from flowbuilder.publisher.readings import last_reading, left_of

MOST = 500  # copies in one press


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one press: publications, and each copy that was left out with its reason."""

    done: tuple[Publication, ...]
    left: tuple[tuple[Install, str], ...]


def pause_all(*, template: TemplateFlow, workspace: Workspace, by: User) -> Asked:
    """Each copy by a publication of its own, so that each is restored exactly as it was."""
    return _all(template, workspace, lambda one: after.ask_for_pause(install=one, by=by))


def restore_all(*, template: TemplateFlow, workspace: Workspace, by: User) -> Asked:
    """Of those that are paused: each flow and step to its own status of before."""

    def restore(install: Install) -> Publication:
        if after.status_of(install) != "paused":
            raise UnableToAct("It is not paused.")
        return after.ask_for_restore(install=install, by=by)

    return _all(template, workspace, restore)


def _all(template: TemplateFlow, workspace: Workspace, act: Callable[[Install], Publication]) -> Asked:
    done: list[Publication] = []
    left: list[tuple[Install, str]] = []
    rows = Install.objects.filter(template_flow=template, workspace=workspace, state=Install.State.LIVE)
    for install in rows.select_related("account").order_by("pk")[:MOST]:
        try:
            done.append(act(install))
        except UnableToAct as error:
            left.append((install, str(error)))
    return Asked(tuple(done), tuple(left))


# --- Uninstalling ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaving:
    """`gone`: what we made and take away; `choices`: lists and segments that we made, taken where they are ticked;
    `lost`: what was changed inside the flow and goes with it; `stays`: what is the account's own."""

    gone: tuple[Made, ...]
    choices: tuple[Made, ...]
    lost: tuple[str, ...]
    stays: tuple[str, ...]


def leaving(install: Install) -> Leaving:
    rows = after.removable(install)
    sure = (Made.Kind.FLOW, Made.Kind.TEMPLATE)
    return Leaving(
        tuple(one for one in rows if one.kind in sure),
        tuple(one for one in rows if one.kind not in sure),
        tuple(_lost(install)),
        tuple(stays(install)),
    )


def _lost(install: Install) -> Iterator[str]:
    """What somebody put into the flow or wrote anew, as far as it was read; and what an upgrade kept of it before."""
    reading = last_reading(install)
    if reading is None or reading.definition is None:
        return
    left = left_of(install)
    own = {str(one["action"]) for one in left.standing.steps.values()} if left else set()
    count = sum(str(one.get("id")) not in own for one in reading.definition.get("actions") or [])
    if left and count:
        yield f"{count} step{'s' if count > 1 else ''} that somebody put in in Klaviyo"
    kept = left.standing.by.wanted.get(WORDS, []) if left else []
    found = [one["text"] for one in reading.differences if not one["key"].startswith(THEIRS)]
    yield from dict.fromkeys((*kept, *found))


def stays(install: Install) -> Iterator[str]:
    """What the flow used and nobody of us made."""
    questions = {one.key: one for one in Frozen(install.version.document).questions}
    values = {
        key: one["value"] for key, one in install.answers.items() if key in questions and not is_to_make(one["value"])
    }  # fmt: skip
    ids = {
        one
        for value in values.values()
        for one in (value if isinstance(value, list) else [value])
        if isinstance(one, str)
    }
    names = catalog.names(install.workspace, ids)
    for key, value in values.items():
        if questions[key].kind not in fits.CATALOG_KINDS:
            continue
        for one in value if isinstance(value, list) else [value]:
            kind = questions[key].kind
            what = "List or segment" if kind == "group" else kind.capitalize()
            yield f"{what} “{names.get(str(one), one)}”"
    yield "Copies of emails that were sent, which Klaviyo keeps with their numbers"
