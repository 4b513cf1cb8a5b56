"""Template tags of the editor: the input of a form node, choices in groups, a problem with its press."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from flowbuilder.definition.frozen import Question
from flowbuilder.definition.metric_names import ROLES
from flowbuilder.graph import Problem
from flowbuilder.kinds.describe import TRIGGER_KEY, Card
from flowbuilder.kinds.form import Node, Option
from flowbuilder.kinds.marking import Mark
from flowbuilder.kinds.picks import FREE, NOUNS, PICKERS
from flowbuilder.kinds.registry import trigger_kind
from flowbuilder.models import Flow, Trigger
from flowbuilder.operations.questions import may_stand_for
from flowbuilder.queries import Design

register = template.Library()


WIDE = frozenset(
    {"group", "rows", "pairs", "conditions", "choice", "pickers", "checks", "lines", "textarea", "asked"}
)
SHORT = frozenset({"number", "percent", "time", "moment", "select"})


@register.filter
def starts_with(trigger: Trigger | None) -> str:
    """What starts a flow, in the words of the palette."""
    return trigger_kind(trigger.type, trigger.config).LABEL if trigger else "Nothing yet"


@register.filter
def is_short(node: Node) -> bool:
    """Whether two such fields fit beside each other."""
    return node.widget in SHORT


@register.filter
def advanced(nodes: list[Node]) -> list[Node]:
    """Those that few people need."""
    return [node for node in nodes if node.hint.advanced]


@register.filter
def has_said(nodes: list[Node]) -> bool:
    """Whether something is said about one of them, so that it must be seen."""
    return any(inner.errors or inner.notes for node in nodes for inner in node.walk())


@register.filter
def is_one_field(node: Node) -> bool:
    """Whether a choice has a single simple field, which fits beside it."""
    return len(node.nodes) == 1 and node.nodes[0].widget not in WIDE and not node.nodes[0].hint.advanced


def _describes(node: Node) -> str:
    parts = (
        ("picked", node.widget in PICKERS and any(one.label for one in node.options)),
        ("count", node.sentence),
        ("help", node.hint.help),
        ("errors", node.errors),
        ("notes", node.notes),
    )
    return " ".join(f"{node.id}-{part}" for part, is_there in parts if is_there)


@register.simple_tag
def described(node: Node) -> SafeString:
    """The attributes that tie a field to its help and its errors."""
    ids = _describes(node)
    return format_html(
        "{}{}",
        format_html(' aria-describedby="{}"', ids) if ids else "",
        SafeString(' aria-invalid="true"' if node.errors else ""),
    )


@register.simple_tag
def field_input(node: Node) -> SafeString:
    """The input, select or textarea of a simple node."""
    common = format_html('id="{}" name="{}"{}', node.id, node.name, described(node))
    value = node.text if node.text is not None else _as_text(node)
    match node.widget:
        case "select":
            open_choice = node.optional or not any(one.chosen for one in node.options)
            blank = SafeString('<option value=""></option>') if open_choice else ""
            return format_html("<select {}>{}{}</select>", common, blank, _options(node.options))
        case "textarea":
            return format_html('<textarea {} rows="4">\n{}</textarea>', common, value)
        case "lines":
            return format_html('<textarea {} rows="3">\n{}</textarea>', common, value)
        case "number":
            return format_html('<input {} inputmode="decimal" autocomplete="off" value="{}">', common, value)
        case "percent":
            return format_html(
                '<span class="with-unit"><input {} inputmode="decimal" autocomplete="off" value="{}"><span>%</span>'
                "</span>",
                common,
                value,
            )
        case "time":
            return format_html('<input type="time" {} value="{}">', common, value[:5])
        case "moment":
            return format_html('<input type="date" {} value="{}">', common, value[:10])
    return format_html('<input {} value="{}">', common, value)


@register.simple_tag(takes_context=True)
def picker_input(context: Mapping[str, Any], node: Node) -> SafeString:
    """The field of a picker: an id or a text by hand; with script a combobox that looks for it as one types."""
    kind = "email" if node.widget == "email" else node.hint.picks
    flow, edited = context.get("flow"), context.get("edited")
    where = format_html(
        ' role="combobox" aria-expanded="false" aria-autocomplete="list" aria-haspopup="listbox" data-url="{}"'
        ' data-step="{}" hx-sync="this:replace"',
        reverse("editor:pick", args=[flow.pk, kind]) if flow else "",
        edited.subject.key if flow and edited else "",
    )
    is_free = kind in FREE
    return format_html(
        '<input id="{}" name="{}" value="{}" class="input" autocomplete="off" spellcheck="false" placeholder="{}"'
        "{}{}{}>",
        node.id,
        node.name,
        "" if node.widget == "pickers" else node.text if node.text is not None else _as_text(node),
        "Search or write a name" if is_free else f"Search {NOUNS.get(kind, 'names')} or write an id",
        SafeString(" data-free") if is_free else "",
        where if flow else "",
        described(node),
    )


def _as_text(node: Node) -> str:
    if node.value is None:
        return ""
    if isinstance(node.value, list):
        return "\n".join(str(one) for one in node.value)
    return f"{node.value:g}" if isinstance(node.value, float) else str(node.value)


def _options(options: list[Option]) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((one.value, SafeString(" selected" if one.chosen else ""), one.label) for one in options),
    )


@register.simple_tag
def grouped_options(node: Node) -> SafeString:
    """The choices of a union, in groups where they have them; “choose” where none fits."""
    parts = []
    if not any(one.chosen for one in node.options):
        parts.append(SafeString('<option value="">Choose…</option>'))
    for group, members in groupby(node.options, key=lambda one: one.group):
        inner = _options(list(members))
        parts.append(format_html('<optgroup label="{}">{}</optgroup>', group, inner) if group else inner)
    return format_html_join("", "{}", ((part,) for part in parts))


@register.simple_tag
def question_of(design: Design, node: Node) -> Question | None:
    return design.requirements.get(node.asked)


@register.simple_tag
def same_questions(design: Design, node: Node) -> list[Question]:
    """Other questions of the flow whose answer could stand there as well."""
    own = design.requirements.get(node.asked)
    if own is None or own.switches:
        return []
    mark = Mark(own.kind, {}, limits=own.limits, options=own.options)
    asked = design.draft.requirements
    return [
        one
        for key, one in design.requirements.items()
        if key != node.asked and may_stand_for(asked[key], mark)
    ]


@register.simple_tag
def metric_roles() -> list[tuple[str, str]]:
    return list(ROLES.items())


@register.simple_tag
def way_ends(design: Design, source: str, port: str) -> bool:
    """Whether nothing comes on this way yet."""
    ways = design.graph.out.get(None if source == TRIGGER_KEY else source, {})
    return port not in ways


@register.inclusion_tag("editor/_problem.html", takes_context=True)
def problem_line(
    context: Mapping[str, Any],
    flow: Flow,
    problem: Problem,
    cards: Mapping[str, Card],
    revision: int,
    shown: str = "",
) -> dict[str, Any]:
    """One problem with its repair; where its step is not `shown` beside it, its name and the press that goes there."""
    card = cards.get(problem.step or "") if not shown else None
    editor = reverse("editor:editor", args=[flow.pk])
    return {
        "csrf_token": context.get("csrf_token"),
        "flow": flow,
        "one": problem,
        "revision": revision,
        "step": card.title if card else "",
        "url": f"{editor}?step={problem.step}" if card else "",
        "act": reverse("editor:repair", args=[flow.pk, problem.step or "flow"]),
        "path": ".".join(str(one) for one in problem.path),
        "back": shown,
    }
