"""What a person sent from the inspector, put into the flow: settings, questions, an email, one act. All or nothing.

The form was drawn from the flow as it was at some revision. What the person changed is what differs from that; it
is put into the flow as it is now. Where somebody else changed the same setting since, theirs stays, and both values
come back as clashes for the person to choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core import signing
from django.db import transaction

from accounts.models import User
from flowbuilder.graph import Trigger, surgery
from flowbuilder.graph.change import Change, Clash, Conflict, Draft, apply, compare, entry
from flowbuilder.graph.surgery import UnableToChange, UnableToFind
from flowbuilder.graph.values import Path
from flowbuilder.kinds import form
from flowbuilder.kinds.asks import CONTENT, get_at, is_content, set_at
from flowbuilder.kinds.base import Kind
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.marking import mark_of
from flowbuilder.kinds.messages import MessageKind, SendEmail
from flowbuilder.kinds.registry import action_kind, trigger_kind
from flowbuilder.models import Edit, Email, Flow
from flowbuilder.operations.acts import lock, perform
from flowbuilder.operations.designs import title_of
from flowbuilder.operations.emails import blank_email, start_email
from flowbuilder.operations.questions import FLOW_KEY as FLOW_KEY
from flowbuilder.operations.questions import ask_for, ask_same, stop_asking, word_question
from flowbuilder.queries import edits
from flowbuilder.queries.design import draft_of, ports_of_type

SAME = "same."  # before the path of a setting: the question that is asked there
TEMPLATE = ("message", "template_id")
NOTE_LIMIT = 2000
Posted = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the inspector shows: a step, the trigger, or the flow as a whole."""

    key: str
    kind: type[Kind]
    config: dict[str, Any]
    name: str = ""
    note: str = ""

    @property
    def has_own_name(self) -> bool:
        """Messages carry their name in their settings; Klaviyo has none for other steps, so it is ours."""
        return self.key not in (FLOW_KEY, TRIGGER_KEY) and not issubclass(self.kind, MessageKind)


@dataclass(frozen=True, slots=True)
class Disputed:
    """A setting that two people changed: both values, both names. `token` puts mine in place of theirs."""

    path: str
    label: str
    theirs: str
    their_name: str
    mine: str
    my_name: str
    token: str


@dataclass(frozen=True, slots=True)
class Applied:
    """`refused`: path -> (what was typed, why it could not be read)."""

    refused: Mapping[Path, tuple[str, str]] = field(default_factory=dict)
    clashes: tuple[Disputed, ...] = ()
    edit: Edit | None = None


def subject_of(draft: Draft, key: str) -> Subject:
    graph = draft.graph
    if key == FLOW_KEY:
        settings = {"profile_filter": graph.profile_filter, "reentry": graph.reentry}
        return Subject(key, FlowSettings, settings)
    if key == TRIGGER_KEY:
        if graph.trigger is None:
            raise UnableToChange("This flow has no trigger yet.")
        config = dict(graph.trigger.config)
        return Subject(key, trigger_kind(graph.trigger.type, config), config)
    step = surgery.step_of(graph, key)
    return Subject(key, action_kind(step.type), dict(step.config), step.name, step.note)


@transaction.atomic
def apply_form(
    *, flow: Flow, key: str, posted: Posted, by: User | None = None, revision: int | None = None
) -> Applied:
    """Put a posted inspector form into the flow. What could not be read is left as it was, and said."""
    lock(flow)
    later = [] if revision in (None, flow.revision) else edits.since(flow, int(revision or 0))
    now = draft_of(flow)
    subject_of(now, key)  # a step that somebody deleted meanwhile is said before anything else
    base = edits.draft_at(flow, int(revision or 0), later) if later else now
    if base is None or (key not in (FLOW_KEY, TRIGGER_KEY) and key not in base.graph.by_key):
        base = now
    subject = subject_of(base, key)
    refused: Mapping[Path, tuple[str, str]] = {}
    try:
        config, refused = form.read(subject.kind, subject.config, posted)
        config = _put_content(flow, by, subject, config, posted)
        questions = dict(base.requirements)
        for name in _questions_in(posted):
            if name in questions:
                questions = _word(questions, name, posted)
        for name in posted:
            if name.startswith(SAME) and (key_now := posted[name][-1]):
                config = ask_same(questions, config, form.parse_path(name.removeprefix(SAME)), key_now)
        for command in posted.get("act", [])[-1:]:
            config, questions = _act(subject, config, questions, command)
    except (ValueError, KeyError, IndexError):
        raise UnableToChange("The form does not fit the flow as it is now. Look at it again.") from None
    mine = _put(replace(base, requirements=questions), subject, config, posted)
    change = compare(base, mine)
    clashes: tuple[Disputed, ...] = ()
    if base is not now:
        try:
            apply(now, change, ports_of_type)
        except Clash as clash:
            disputed = {one.path for one in clash.conflicts}
            clashes = tuple(_disputed(flow, by, subject, one, later) for one in clash.conflicts)
            change = [one for one in change if tuple(one["path"]) not in disputed]
    title = title_of(now.graph, key) if key != FLOW_KEY else "the flow"
    edit = perform(
        flow=flow,
        by=by,
        name=_name(subject, config, change, title),
        do=lambda draft: mine if draft is base else apply(draft, change, ports_of_type),
    )
    return Applied(refused, clashes, edit)


def settle(*, flow: Flow, by: User | None, token: str) -> Edit | None:
    """Put one's own value in place of the other's, as the token of a clash says."""
    try:
        said = signing.loads(token, salt="clash", max_age=7 * 24 * 3600)
    except signing.BadSignature:
        raise UnableToChange("That choice is too old. Look at the setting as it is now.") from None
    if said["flow"] != flow.pk:
        raise UnableToChange("That choice belongs to another flow.")
    change: Change = [said["entry"]]
    if said["step"] not in (FLOW_KEY, TRIGGER_KEY):
        surgery.step_of(draft_of(flow).graph, said["step"])

    def do(draft: Draft) -> Draft:
        try:
            return apply(draft, change, ports_of_type, force=True)
        except Clash:
            raise UnableToFind("What the choice was about is not there any more.") from None

    return perform(flow=flow, by=by, name=said["name"], do=do)


# --- The pieces of a form --------------------------------------------------------------------------------------


def _put(draft: Draft, subject: Subject, config: dict[str, Any], posted: Posted) -> Draft:
    graph = draft.graph
    config = subject.kind.tidy(config)
    if subject.key == FLOW_KEY:
        settings = {"profile_filter": config["profile_filter"], "reentry": config["reentry"]}
        return replace(draft, graph=replace(graph, **settings))
    if subject.key == TRIGGER_KEY and graph.trigger:
        return replace(draft, graph=replace(graph, trigger=Trigger(graph.trigger.type, config)))
    step = graph.by_key[subject.key]
    name, note = posted.get("step_name", [None])[-1], posted.get("note", [None])[-1]
    changed = replace(
        step,
        config=config,
        ports=ports_of_type(step.type, config),
        name=name.strip()[:200] if name is not None and subject.has_own_name else step.name,
        note=note.replace("\r\n", "\n").strip()[:NOTE_LIMIT] if note is not None else step.note,
    )
    return replace(draft, graph=surgery.change(graph, changed))


def _act(
    subject: Subject, config: dict[str, Any], questions: dict[str, Any], command: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    verb, _, name = command.partition(":")
    path = form.parse_path(name)
    if verb == "ask":
        return ask_for(questions, config, mark_of(subject.kind, config, path))
    if verb == "unask":
        return stop_asking(questions, config, path), questions
    return (form.act(subject.kind, config, command) if verb else config), questions


def _questions_in(posted: Posted) -> list[str]:
    return sorted({name.split(".")[1] for name in posted if name.startswith("ask.") and name.count(".") == 2})


def _word(questions: dict[str, Any], key: str, posted: Posted) -> dict[str, Any]:
    head = f"ask.{key}."
    said = {name.removeprefix(head): texts[-1] for name, texts in posted.items() if name.startswith(head)}
    return word_question(questions, key, said)


def _put_content(
    flow: Flow, by: User | None, subject: Subject, config: dict[str, Any], posted: Posted
) -> dict[str, Any]:
    """An email of the workspace's library, a new one, or a Klaviyo template that each account clones."""
    mode = posted.get("content.mode", [""])[-1]
    if subject.kind is not SendEmail or not mode:
        return config
    current = get_at(config, TEMPLATE)
    if mode == "write":
        chosen = posted.get("content.email", [""])[-1]
        if chosen in ("", "new"):
            if is_content(current) and not chosen:
                return config
            message = config.get("message") or {}
            name = message.get("name") or message.get("subject_line")
            begin = start_email if chosen else blank_email
            made = begin(workspace=flow.workspace, by=by, name=name if isinstance(name, str) else "Email")
            chosen = made.key
        elif not Email.objects.filter(workspace=flow.workspace_id, key=chosen).exists():
            raise UnableToChange("That email is not in the library any more. Choose another.")
        return dict(set_at(config, TEMPLATE, {CONTENT: chosen}))
    if mode == "clone":
        typed = posted.get("content.template", ["" if is_content(current) else current or ""])[-1]
        return dict(set_at(config, TEMPLATE, str(typed).strip() or None))
    return config


# --- Words -----------------------------------------------------------------------------------------------------


def _labels(subject: Subject, config: dict[str, Any], paths: Iterator[tuple[str, ...]]) -> list[str]:
    """The labels of the form for paths of a change, each once."""
    nodes = [inner for outer in form.build(subject.kind, config) for inner in outer.walk()]
    known = {tuple(map(str, node.path)): node.label for node in nodes}
    found = []
    for path in paths:
        while path and path not in known:
            path = path[:-1]
        found.append(known.get(path, "settings"))
    return list(dict.fromkeys(found))


def _own(subject: Subject, path: Sequence[str]) -> tuple[str, ...]:
    """The path of a setting inside the subject's settings."""
    if subject.key == FLOW_KEY:
        return tuple(path)
    return tuple(path[2:] if subject.key == TRIGGER_KEY else path[3:])


def _name(subject: Subject, config: dict[str, Any], change: Change, title: str) -> str:
    paths = [one["path"] for one in change]
    parts = {path[2] for path in paths if path[0] == "steps" and path[1] == subject.key and len(path) > 2}
    if parts == {"name"}:
        new = next(one.get("after") for one in change if one["path"][2:] == ["name"])
        return f"Rename {title} to “{new}”"
    if parts == {"note"}:
        return f"Write a note on {title}"
    if all(path[0] == "requirements" for path in paths):
        return f"Word a question of {title}"
    own = (_own(subject, path) for path in paths if path[0] not in ("requirements", "links"))
    labels = _labels(subject, config, own)
    return f"Change {labels[0].lower()} of {title}" if len(labels) == 1 else f"Change settings of {title}"


def _disputed(
    flow: Flow, by: User | None, subject: Subject, one: Conflict, later: Sequence[Edit]
) -> Disputed:
    author = next((edit.author for edit in later if _touches(edit.change, one.path)), None)
    labels = _labels(subject, subject.config, iter([_own(subject, one.path)]))
    own = {"name": "Name", "note": "Note"}
    is_ours = one.path[0] == "steps" and len(one.path) > 2 and one.path[2] in own
    label = own[one.path[2]] if is_ours else labels[0]
    token = signing.dumps(
        {
            "flow": flow.pk,
            "step": subject.key,
            "entry": entry(one.path, None, one.mine),
            "name": f"Change {label.lower()} again, to one's own value",
        },
        salt="clash",
    )
    return Disputed(
        ".".join(one.path),
        label,
        shown(one.theirs),
        str(author or "Somebody"),
        shown(one.mine),
        str(by or "You"),
        token,
    )


def _touches(change: Change, path: Sequence[str]) -> bool:
    return any(
        list(path)[: len(one["path"])] == one["path"] or one["path"][: len(path)] == list(path)
        for one in change
    )


def shown(value: Any) -> str:
    """A value for people: texts as they are, nothing as “nothing”, structures in short."""
    if value in (None, "", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(shown(one) for one in value)[:300]
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')}: {shown(one)}" for key, one in value.items())[:300]
    return str(value)[:300]
