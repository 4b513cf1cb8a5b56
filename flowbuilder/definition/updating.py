"""A flow that is in an account already, and the next version of it: what can be changed in its place, in which order,
or why it takes a new flow beside the old one. Pure; read by the publisher and by whoever shows what would change.

    plan = plan_update(sent, wanted, steps)     steps: key -> {"action": id, "message": id}
    plan.changes     first what comes in, then what changes, last what goes: nobody meets a message without its wait
    plan.reasons     sentences; where there is one there are no changes

Klaviyo lets one insert a step that leads to one other, change a step's settings, and delete one. Not a trigger, a
filter, re-entry, a split, an experiment or the order of steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from flowbuilder.definition.platform import SENDER, in_one_form
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph, Link, Step
from flowbuilder.graph.values import NEXT, Path
from flowbuilder.kinds.asks import get_at, set_at
from flowbuilder.kinds.registry import ACTIONS, action_kind

EXPERIMENTS = ("ab-test", "content-experiment")
OPAQUE = ("code", "internal-service")  # nobody outside Klaviyo can write one
TEMPLATE: Path = ("message", "template_id")
Definition = Mapping[str, Any]
Steps = Mapping[str, Mapping[str, Any]]
Way = tuple[str | None, str]  # out of a step, or of the trigger (None), by a port


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a new step, exactly one of three: on one way out of a step, before a step whatever leads there,
    or as the first step of a flow that has none."""

    after: str | None = None
    port: str = NEXT
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One call. `action`: the account's id, None for a step that comes in. `body`: the action as it is wanted, without
    links; `was`: its settings as they were sent before, for a patch."""

    kind: Literal["insert", "patch", "delete"]
    key: str
    action: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    was: Mapping[str, Any] = field(default_factory=dict)
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def is_in_place(self) -> bool:
        return not self.reasons


def plan_update(
    sent: Definition, wanted: Definition, steps: Steps, names: Mapping[str, str] | None = None
) -> Plan:
    """`sent` and `wanted` name their steps by the same keys, in `temporary_id`; `names`: key -> what people call it."""
    old, new = graph_in(sent), graph_in(wanted)
    say = _Names(old, new, names or {})
    if reasons := list(dict.fromkeys(_reasons(old, new, steps, say))):
        return Plan(reasons=tuple(reasons))
    inserts = _insertions(old, new)
    if inserts is None:
        return Plan(reasons=("Branches meet at another step: no single step can be put in there.",))
    patches = [
        Change("patch", step.key, str(steps[step.key]["action"]), _body(step), old.by_key[step.key].config)
        for step in new.steps
        if step.key in old.by_key and list(edits(step.type, old.by_key[step.key].config, step.config))
    ]
    gone = [step for step in old.steps if step.key not in new.by_key]
    # What a wait held back goes before the wait.
    gone.sort(key=lambda step: action_kind(step.type).FAMILY == "timing")
    deletes = [Change("delete", step.key, str(steps[step.key]["action"])) for step in gone]
    return Plan((*inserts, *patches, *deletes))


def graph_in(definition: Definition) -> Graph:
    return read_document({"definition": definition}).graph


def _body(step: Step) -> dict[str, Any]:
    written = action_kind(step.type).write_links(step.config, {})
    return {**step.extra, "type": step.type, "data": written.get("data", {})}


# --- Why not in place ------------------------------------------------------------------------------------------


class _Names:
    """What a step is called in a sentence."""

    def __init__(self, old: Graph, new: Graph, names: Mapping[str, str]) -> None:
        self.old, self.new, self.names = old, new, names

    def __getitem__(self, key: str) -> str:
        step = self.new.by_key.get(key) or self.old.by_key[key]
        own = get_at(step.config, ("message", "name")) or step.config.get("name")
        return f"“{self.names.get(key) or own or action_kind(step.type).LABEL}”"


def _reasons(old: Graph, new: Graph, steps: Steps, say: _Names) -> Iterator[str]:
    yield from _of_the_flow(old, new)
    for key in dict.fromkeys([*old.by_key, *new.by_key]):
        was, now = old.by_key.get(key), new.by_key.get(key)
        if was and not (steps.get(key) or {}).get("action"):
            if now is None or list(edits(was.type, was.config, now.config)):
                yield f"Which step of the account's flow {say[key]} is, is not known."
        elif was and now:
            yield from _of_a_step(was, now, say)
        elif now and not _is_insertable(now):
            yield f"{say[key]} is new, and no step of its kind can be put into a flow that is there."
        elif was and not is_linear(was):
            yield f"{say[key]} is gone, and a split cannot be taken out of a flow that is there."
    yield from _of_the_order(old, new, say)


def _of_the_flow(old: Graph, new: Graph) -> Iterator[str]:
    if (old.trigger and old.trigger.type) != (new.trigger and new.trigger.type):
        yield "The flow starts with another kind of trigger."
    elif old.trigger and new.trigger and not same(old.trigger.config, new.trigger.config):
        yield "The settings of the trigger changed."
    if not same(old.profile_filter, new.profile_filter):
        yield "Whom the flow is for changed: its profile filter is another one."
    if not same(old.reentry, new.reentry):
        yield "How often somebody may enter the flow changed."
    if not same(old.extra, new.extra):
        yield "Settings of the whole flow changed."


def _of_a_step(was: Step, now: Step, say: _Names) -> Iterator[str]:
    name = say[now.key]
    if was.type != now.type:
        yield f"{name} is a step of another kind now."
    elif was.ports != now.ports:
        yield f"{name} has other branches."
    elif not same(was.extra, now.extra):
        yield f"{name} has other settings that are not known here."
    elif list(edits(was.type, was.config, now.config)):
        if not is_linear(was):
            yield f"{name} sends people by other conditions: a split stays as it is in a flow that is there."
        elif was.type in EXPERIMENTS:
            yield f"{name} is an experiment, and what it compares changed."


def _of_the_order(old: Graph, new: Graph, say: _Names) -> Iterator[str]:
    """Past steps that only one of the two has, each way must lead to the same step."""
    for source in (None, *(key for key in old.by_key if key in new.by_key)):
        ports = (NEXT,) if source is None else new.by_key[source].ports
        for port in ports:
            before = onward(old, old.out.get(source, {}).get(port), new)
            after = onward(new, new.out.get(source, {}).get(port), old)
            if before != after:
                yield f"{say[after or before or '']} stands in another place."


def onward(graph: Graph, key: str | None, other: Graph) -> str | None:
    """The first step from here on that the other flow has as well."""
    while key is not None and key not in other.by_key:
        key = graph.out.get(key, {}).get(NEXT)
    return key


def is_linear(step: Step) -> bool:
    return step.ports == (NEXT,)


def _is_insertable(step: Step) -> bool:
    return is_linear(step) and step.type in ACTIONS and step.type not in (*EXPERIMENTS, *OPAQUE)


# --- What comes in ---------------------------------------------------------------------------------------------


def _insertions(old: Graph, new: Graph) -> list[Change] | None:
    """Each new step after all that lead to it. None where branches would have to meet at a new step otherwise than
    one insertion can make them."""
    found: list[Change] = []
    now = old
    for key in new.reached:
        if key in old.by_key:
            continue
        where = _place(now, new, key)
        if where is None:
            return None
        change = Change("insert", key, None, {"temporary_id": key, **_body(new.by_key[key])}, where=where)
        found.append(change)
        now = with_step(now, _step(change), where)
    for gone in [step.key for step in now.steps if step.key not in new.by_key]:
        now = without(now, gone)
    return found if _ways(now) == _ways(new) else None


def _place(now: Graph, new: Graph, key: str) -> Where | None:
    ways: list[Way] = [(link.source, link.port) for link in new.into[key]]
    if len(ways) == 1 and ways[0][0] is not None:
        return Where(after=ways[0][0], port=ways[0][1])
    if ways == [(None, NEXT)]:
        return Where(before=now.entry) if now.entry else Where()
    following = {onward(now, now.out.get(source, {}).get(port), new) for source, port in ways}
    meets = following.pop()
    return Where(before=meets) if meets and not following else None


def _ways(graph: Graph) -> dict[Way, str]:
    return {(link.source, link.port): link.target for link in graph.links}


def with_step(graph: Graph, step: Step, where: Where) -> Graph:
    """With one more step, of one way out."""
    after, port, before = where.after, where.port, where.before
    ways = _ways(graph)
    if after is not None:
        taken: list[Way] = [(after, port)]
        following = ways.get((after, port))
    elif before is not None:
        taken = [way for way, target in ways.items() if target == before]
        following = before
    else:
        taken, following = [(None, NEXT)], None
    ways |= dict.fromkeys(taken, step.key)
    if following is not None:
        ways[step.key, NEXT] = following
    return replace(graph, steps=(*graph.steps, step), links=_links(ways))


def without(graph: Graph, key: str) -> Graph:
    """What led there leads to what came after it."""
    ways = _ways(graph)
    following = ways.pop((key, NEXT), None)
    led = [way for way, target in ways.items() if target == key]
    for way in led:
        if following is None:
            del ways[way]
        else:
            ways[way] = following
    return replace(graph, steps=tuple(one for one in graph.steps if one.key != key), links=_links(ways))


def _links(ways: Mapping[Way, str]) -> tuple[Link, ...]:
    return tuple(Link(source, port, target) for (source, port), target in ways.items())


def _step(change: Change) -> Step:
    extra = {key: one for key, one in change.body.items() if key not in ("temporary_id", "type", "data")}
    return Step(change.key, change.body["type"], dict(change.body["data"]), extra=extra)


def applied(definition: Definition, change: Change) -> dict[str, Any]:
    """The definition with this change made: what the account holds then, but for what Klaviyo fills in."""
    graph = graph_in(definition)
    if change.kind == "insert":
        assert change.where is not None
        graph = with_step(graph, _step(change), change.where)
    elif change.kind == "delete":
        graph = without(graph, change.key)
    else:
        fresh = dict(change.body["data"])
        steps = (replace(one, config=fresh) if one.key == change.key else one for one in graph.steps)
        graph = graph.with_steps(steps)
    return to_definition(graph)


def advanced(base: Definition, offered: Definition, change: Change) -> dict[str, Any]:
    """What was sent, after a change of an account's flow: what of the offer is there now. Edits of the account's own
    are not in it."""
    old, new = graph_in(base), graph_in(offered)
    key = change.key
    if change.kind == "delete":
        old = without(old, key) if key in old.by_key else old
    elif key in old.by_key and key in new.by_key:
        old = old.with_steps(new.by_key[key] if one.key == key else one for one in old.steps)
    elif key in new.by_key:
        where = _place(old, new, key)
        old = with_step(old, new.by_key[key], where) if where else old
    return to_definition(old)


# --- Settings --------------------------------------------------------------------------------------------------


def edits(action_type: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Path]:
    """Where the settings of a step differ, status apart: that is the account's own. A list is one value."""
    for path in _differing(in_one_form(action_type, old), in_one_form(action_type, new), ()):
        if path != ("status",):
            yield path
    for path in (TEMPLATE, *emails_inside(new).values()):
        was, now = get_at(old, path), get_at(new, path)
        if was and now and was != now:
            yield path


def actions_inside(config: Mapping[str, Any]) -> dict[str, Path]:
    """Place in an experiment ("main", "v0" for the first variation) -> where that action stands."""
    variations = get_at(config, ("current_experiment", "variations")) or []
    inner: dict[str, Path] = {"main": ("main_action",)}
    inner |= {f"v{index}": ("current_experiment", "variations", index) for index in range(len(variations))}
    return {name: path for name, path in inner.items() if isinstance(get_at(config, path), Mapping)}


def emails_inside(config: Mapping[str, Any]) -> dict[str, Path]:
    """Place in an experiment -> where the template of that email stands."""
    return {
        name: (*path, "data", *TEMPLATE)
        for name, path in actions_inside(config).items()
        if get_at(config, (*path, "type")) == "send-email"
    }


def _differing(old: Any, new: Any, path: Path) -> Iterator[Path]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _differing(old.get(key), new.get(key), (*path, key))
    elif not same(old, new):
        yield path


def same(one: Any, other: Any) -> bool:
    """Equal as Klaviyo means it: null is nothing, 30.0 is 30."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(same(one.get(key), other.get(key)) for key in {*one, *other})
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def merged(
    action_type: str, old: Mapping[str, Any], new: Mapping[str, Any], held: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """(settings to send, where the account's own were kept). From `old` to `new` in an account that holds `held`:
    its status, its ids and what was edited in Klaviyo stay."""
    result = as_sent(action_type, held)
    before, there = in_one_form(action_type, old), in_one_form(action_type, result)
    after = in_one_form(action_type, new)
    kept = []
    for path in edits(action_type, old, new):
        found = get_at(there, path)
        is_default = path[0] == "message" and path[-1] in SENDER and get_at(before, path) is None
        is_own = path != TEMPLATE and not is_default and not same(found, get_at(before, path))
        if is_own and not same(found, get_at(after, path)):
            kept.append(path)
        else:
            result = put_setting(result, path, get_at(new, path))
    return result, tuple(kept)


def drifted(action_type: str, meant: Mapping[str, Any], held: Mapping[str, Any]) -> list[Path]:
    """Where an account's settings are not as they were sent, but for what it fills in by itself."""
    return [
        path
        for path in edits(action_type, meant, as_sent(action_type, held))
        if path[-1] != TEMPLATE[-1]
        and path != ("message", "id")
        and not (path[0] == "message" and path[-1] in SENDER and get_at(meant, path) is None)
    ]


def as_sent(action_type: str, held: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that an account holds, without what it filled in by itself and refuses, or would keep from following."""
    fresh = dict(held)
    if action_type == "time-delay":
        if fresh.get("unit", "days") != "days":
            fresh.pop("delay_until_weekdays", None)
        if not fresh.get("secondary_value"):
            fresh.pop("secondary_value", None)
    message = fresh.get("message")
    if isinstance(message, Mapping) and message.get("reply_to_email") == message.get("from_email"):
        fresh["message"] = {key: one for key, one in message.items() if key != "reply_to_email"}
    return fresh


def put_setting(value: dict[str, Any], path: Path, new: Any) -> dict[str, Any]:
    if new is not None:
        return dict(set_at(value, path, new))
    outer = get_at(value, path[:-1])
    if not isinstance(outer, Mapping):
        return value
    without = {key: one for key, one in outer.items() if key != path[-1]}
    return dict(set_at(value, path[:-1], without))
