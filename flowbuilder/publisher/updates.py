"""The next version in the place of the one that is there, change by change; or the one that is there once more, to
put back what was changed in Klaviyo. Called by after.py.

Before the first change the flow is read and brought together with what is asked (definition/merging.py). From then on
everything known stands in `wanted`: the account's definition as it is NOW and its STEPS after each change, so that
whoever goes on plans again from there. An insertion is as little repeatable as a new flow: when its answer was lost the
flow is looked at first, and the step adopted if it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from accounts.budget import MustWait
from accounts.clock import now as right_now
from accounts.klaviyo.errors import ConnectionLost, MissingScope, NotAuthorized, NotFound, Refused
from flowbuilder.definition.drifting import THEIRS
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.updating import (
    Change,
    Plan,
    Where,
    advanced,
    applied,
    drifted,
    merged,
    plan_update,
)
from flowbuilder.definition.writing import place_of
from flowbuilder.graph.values import NEXT, Path
from flowbuilder.kinds.asks import get_at
from flowbuilder.kinds.registry import action_kind
from flowbuilder.models import Publication
from flowbuilder.publisher import made
from flowbuilder.publisher.before import CHANGED, DRIFT, KEPT, NEW, NOW, TARGET, WORDS, begin, drift_in
from flowbuilder.publisher.calls import Calls
from flowbuilder.publisher.held import THEN, Held, Outcome, keep, read_flow
from flowbuilder.publisher.recipe import recipe_of
from flowbuilder.publisher.reconcile import quiet_until
from flowbuilder.publisher.standing import BASE, FLOW, OFFERED, STEPS
from flowbuilder.publisher.states import S, move
from flowbuilder.publisher.stops import Stop


def update(publication: Publication, calls: Calls) -> Outcome | None:
    """None where Klaviyo refused a change: what was made before it stays, and is known."""
    held: Held | None = None  # as it was read last, None when its links are others by now
    if TARGET not in publication.wanted:
        held = begin(publication, calls)
    while (plan := _plan(publication)).changes:
        change = plan.changes[0]
        held = held or read_flow(publication, calls, "read-before")
        try:
            if change.kind == "patch":
                _patch(publication, calls, change, held)
            else:
                (_insert if change.kind == "insert" else _delete)(publication, calls, change, held)
                held = None
        except (ConnectionLost, MissingScope, NotAuthorized):
            raise
        except Refused as error:
            _refuse(publication, change, error)
            return None
    return _verified(publication, calls)


def _plan(publication: Publication) -> Plan:
    wanted = publication.wanted
    plan = plan_update(wanted[NOW], wanted[TARGET], wanted[STEPS])
    if plan.reasons:
        raise Stop(
            f"It can no longer be changed in its place. {' '.join(plan.reasons)} Put a new flow beside it."
        )
    return plan


# --- One change ------------------------------------------------------------------------------------------------


def _patch(publication: Publication, calls: Calls, change: Change, held: Held) -> None:
    action = held.actions.get(str(change.action))
    if action is None:
        raise Stop(
            f"The step “{change.key}” was deleted in Klaviyo meanwhile. Put a new flow beside this one."
        )
    data, kept = merged(action["type"], change.was, change.body["data"], action.get("data") or {})
    attributes = {"definition": {**action, "data": data}}
    body = {"data": {"type": "flow-action", "id": change.action, "attributes": attributes}}
    calls.call(f"patch-{change.key}", "PATCH", f"/api/flow-actions/{change.action}", json=body)
    _done(publication, change, publication.wanted[STEPS], kept)


def _delete(publication: Publication, calls: Calls, change: Change, held: Held) -> None:
    with suppress(NotFound):
        calls.call(f"delete-{change.key}", "DELETE", f"/api/flow-actions/{change.action}")
    steps = {key: one for key, one in publication.wanted[STEPS].items() if key != change.key}
    _done(publication, change, steps)


def _insert(publication: Publication, calls: Calls, change: Change, held: Held) -> None:
    """Once. What was sent before is looked for, when nothing of it can come any more."""
    step = f"insert-{change.key}"
    sent_at = calls.sent_at(step)
    if sent_at and (quiet := quiet_until(sent_at)) > right_now():
        raise MustWait(quiet, "An answer of Klaviyo was lost. We look whether the step is in the flow.")
    made_now = _found(publication, change, held) if sent_at else None
    if made_now is None:
        body = _insertion(publication, change, held)
        answer = calls.call(step, "POST", "/api/flow-actions", json=body)
        made.id_of(answer.body)
        made_now = get_at(answer.body, ("data", "attributes", "definition")) or {}
    ids = {"action": str(made_now["id"]), "message": get_at(made_now, ("data", "message", "id"))}
    if origin := recipe_of(publication).origins.get(change.key):
        ids["of"] = origin
    _done(publication, change, {**publication.wanted[STEPS], change.key: ids})


def _insertion(publication: Publication, change: Change, held: Held) -> dict[str, Any]:
    """Facts: https://developers.klaviyo.com/en/reference/create_flow_action, revision 2026-10-15."""
    where, steps = change.where or Where(), publication.wanted[STEPS]
    definition = dict(change.body)
    attributes: dict[str, Any] = {"definition": definition}
    data: dict[str, Any] = {"type": "flow-action", "attributes": attributes}
    if where.after is not None:
        attributes["anchor-action"] = {"data": _anchor(publication, change, held, where)}
    elif where.before is not None:
        definition["links"] = {"next": steps[where.before]["action"]}
    else:
        data["relationships"] = {"flow": {"data": {"type": "flow", "id": publication.wanted[FLOW]}}}
    if held.status == "live" and action_kind(change.body["type"]).FAMILY == "timing":
        attributes["allow_live_action"] = True  # a wait has no status: it is what the person asked for
    return {"data": data}


def _anchor(publication: Publication, change: Change, held: Held, where: Where) -> dict[str, Any]:
    id = publication.wanted[STEPS][where.after]["action"]
    if id not in held.actions:
        raise Stop(
            f"The step “{where.after}” was deleted in Klaviyo meanwhile. Put a new flow beside this one."
        )
    action = held.actions[id]
    own = next(one for one in publication.wanted[NOW]["actions"] if one["temporary_id"] == where.after)
    kind = action_kind(own["type"])
    ports = kind.ports(own.get("data") or {})
    index = [port.name for port in ports].index(where.port)
    shown: dict[str, Any] = {"type": action["type"], "links": {ports[index].key: change.key}}
    if branches := get_at(action, ("data", "branches")):
        branch = {"branch_id": branches[index]["branch_id"], "links": {"next": change.key}}
        shown = {"type": action["type"], "data": {"branches": [branch]}}
    return {"type": "flow-action", "id": id, "attributes": {"definition": shown}}


def _found(publication: Publication, change: Change, held: Held) -> Mapping[str, Any] | None:
    """The step that a lost call put in: new in the flow and nobody else's, with these settings or in this place."""
    wanted = publication.wanted
    known = {one["action"] for one in wanted[STEPS].values()}
    kind, meant = change.body["type"], change.body["data"]
    fresh = [one for id, one in held.actions.items() if id not in known and one["type"] == kind]
    alike = [one for one in fresh if not drifted(kind, meant, one.get("data") or {})]
    placed = [one for one in alike or fresh if _is_placed(publication, change, held, str(one["id"]))]
    if len(found := alike if len(alike) == 1 else placed) == 1:
        return found[0]
    if alike or placed:
        raise Stop(
            f"Several steps in the flow look like the new one, “{change.key}”. Delete those in Klaviyo that should "
            "not be there, then try again."
        )
    return None


def _is_placed(publication: Publication, change: Change, held: Held, id: str) -> bool:
    """Whether the step stands where the new one was put."""
    where, theirs = change.where or Where(), read_document({"definition": held.definition}).graph
    if where.after is None:
        before = publication.wanted[STEPS][where.before]["action"] if where.before else None
        return theirs.out.get(id, {}).get(NEXT) == before
    anchor = publication.wanted[STEPS][where.after]["action"]
    return (anchor, id) in {(link.source, link.target) for link in theirs.links}


def _done(
    publication: Publication, change: Change, steps: Mapping[str, Any], kept: Iterable[Path] = ()
) -> None:
    wanted = publication.wanted
    own = [[change.key, ".".join(map(str, path))] for path in kept]
    keep(
        publication,
        **{
            NOW: applied(wanted[NOW], change),
            BASE: advanced(wanted[BASE], wanted[OFFERED], change),
            STEPS: dict(steps),
            CHANGED: wanted[CHANGED] + 1,
            KEPT: wanted[KEPT] + own,
            NEW: wanted[NEW] + ([change.key] if change.kind == "insert" else []),
        },
    )


def _refuse(publication: Publication, change: Change, error: Refused) -> None:
    """Said at the step; what was changed before it stays changed."""
    recipe = recipe_of(publication)
    origin = recipe.origins.get(change.key, change.key)
    refusals = []
    for one in error.errors:
        step, path = place_of({"actions": []}, one.pointer) if one.pointer else (None, ())
        path = (
            path[1:] if path[:1] == ("data",) and recipe.types.get(origin) == change.body.get("type") else ()
        )
        refusals.append(
            {"text": str(one), "pointer": one.pointer, "step": step or origin, "path": list(path)}
        )
    done = (
        "Nothing was changed."
        if not publication.wanted[CHANGED]
        else "What was changed before it stays: update it again or roll it back."
    )
    move(publication, S.REFUSED, f"{error} {done}", refusals=refusals)
    made.give_back(publication, right_now())


# --- Afterwards ------------------------------------------------------------------------------------------------


def _verified(publication: Publication, calls: Calls) -> Outcome:
    held = read_flow(publication, calls, "read-back")
    wanted, steps = publication.wanted, publication.wanted[STEPS]
    fresh = {
        key: {**one, "message": get_at(held.actions.get(one["action"]), ("data", "message", "id"))}
        for key, one in steps.items()
    }
    texts = list(_wrong(wanted, held))
    reasons = [f"Updated, but not quite as meant: {'; '.join(texts)}."] if texts else []
    own = [f"{path} of “{key}”." for key, path in wanted[KEPT]]
    if own or wanted[WORDS]:
        reasons.append(f"Kept as it was edited in Klaviyo: {' '.join((*wanted[WORDS], *own))}")
    drafts = [key for key in wanted[NEW] if _status(steps, key, held) == "draft"]
    if drafts and held.status != "draft":
        names = ", ".join(f"“{_name(steps, key, held)}”" for key in drafts)
        reasons.append(f"New steps arrive as drafts: set {names} live in Klaviyo when you have seen them.")
    ours = {key: one for key, one in fresh.items() if not key.startswith(THEIRS)}
    return Outcome(" ".join(reasons), {"version": publication.version, "step_map": ours}, wanted.get(THEN))


def _status(steps: Mapping[str, Any], key: str, held: Held) -> Any:
    return get_at(held.actions.get(steps[key]["action"]), ("data", "status"))


def _name(steps: Mapping[str, Any], key: str, held: Held) -> str:
    return get_at(held.actions.get(steps[key]["action"]), ("data", "message", "name")) or key


def _wrong(wanted: Mapping[str, Any], held: Held) -> Iterator[str]:
    steps = wanted[STEPS]
    for key, one in steps.items():
        if one["action"] not in held.actions:
            yield f"“{key}” is not in the flow"
    kept = {(key, path) for key, path in wanted[KEPT]}
    for key, paths in drift_in(wanted[TARGET], steps, held).items():
        for path in paths:
            if path not in wanted[DRIFT].get(key, ()) and (key, path) not in kept:
                yield f"{path} of “{key}” is another one"
    if lost := _elsewhere(wanted[TARGET], steps, held):
        yield f"{', '.join(lost)} lead elsewhere"


def _elsewhere(target: Mapping[str, Any], steps: Mapping[str, Any], held: Held) -> list[str]:
    """Steps after which the account's flow goes on with another one of ours."""
    ours = read_document({"definition": target}).graph
    theirs = read_document({"definition": held.definition}).graph
    key_of = {one["action"]: key for key, one in steps.items()}
    found = []
    for source in (None, *ours.by_key):
        id = None if source is None else (steps.get(source) or {}).get("action")
        if source is not None and id not in theirs.by_key:
            continue
        for (_, meant), (_, there) in zip(ours.targets(source), theirs.targets(id), strict=False):
            while there is not None and there not in key_of:
                there = theirs.out.get(there, {}).get(NEXT)
            if key_of.get(there or "") != meant:
                found.append(f"“{source or 'the trigger'}”")
    return list(dict.fromkeys(found))
