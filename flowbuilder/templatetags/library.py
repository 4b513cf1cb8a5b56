"""{{ template.categories|categories }}: the labels of a template flow's categories, and of its languages."""

from __future__ import annotations

from typing import Any

from django import template

from flowbuilder.models import TemplateFlow

register = template.Library()


def _labels(choices: Any, words: str) -> list[str]:
    known = dict(choices.choices)
    return [known[one] for one in words.split() if one in known]


@register.filter
def categories(words: str) -> list[str]:
    return _labels(TemplateFlow.Category, words)


@register.filter
def languages(words: str) -> list[str]:
    return _labels(TemplateFlow.Language, words)
