"""Template tags of the editor: the input of a form node, choices in groups, a problem with its press."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from flowbuilder.graph import Problem
from flowbuilder.kinds.describe import Card
from flowbuilder.kinds.form import Node, Option
from flowbuilder.models import Flow, Requirement
from flowbuilder.queries import Design

register = template.Library()


@register.simple_tag
def field_input(node: Node) -> SafeString:
    """The input, select or textarea of a simple node."""
    described = " ".join(
        [f"{node.id}-help"] * bool(node.hint.help) + [f"{node.id}-errors"] * bool(node.errors)
    )
    common = format_html(
        'id="{}" name="{}"{}{}',
        node.id,
        node.name,
        format_html(' aria-describedby="{}"', described) if described else "",
        SafeString(' aria-invalid="true"' if node.errors else ""),
    )
    value = node.text if node.text is not None else _as_text(node)
    match node.widget:
        case "select":
            open_choice = node.optional or not any(one.chosen for one in node.options)
            blank = SafeString('<option value=""></option>') if open_choice else ""
            return format_html("<select {}>{}{}</select>", common, blank, _options(node.options))
        case "textarea":
            return format_html('<textarea {} rows="4">{}</textarea>', common, value)
        case "lines":
            return format_html('<textarea {} rows="3">{}</textarea>', common, value)
        case "number":
            return format_html('<input {} inputmode="decimal" value="{}">', common, value)
        case "time":
            return format_html('<input type="time" {} value="{}">', common, value[:5])
        case "moment":
            return format_html('<input type="date" {} value="{}">', common, value[:10])
        case "picker":
            return format_html(
                '<input {} list="{}-list" autocomplete="off" value="{}"><datalist id="{}-list">{}</datalist>',
                common,
                node.id,
                value,
                node.id,
                _options(node.options),
            )
    return format_html('<input {} value="{}">', common, value)


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
def question_of(design: Design, node: Node) -> Requirement | None:
    return design.requirements.get(node.asked)


@register.inclusion_tag("components/problem.html")
def problem_line(flow: Flow, problem: Problem, cards: Mapping[str, Card]) -> dict[str, Any]:
    """One problem, with the name of its step and the press that goes there."""
    card = cards.get(problem.step or "")
    url = reverse("editor:editor", args=[flow.pk]) + (f"?step={problem.step}" if card else "")
    return {
        "severity": "error" if problem.blocks else "warning",
        "text": problem.text,
        "step": card.title if card else "",
        "url": url,
    }
