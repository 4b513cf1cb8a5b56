"""An install that was begun goes on with another version: which one, and which answers come along. Writes nothing."""

from __future__ import annotations

from typing import Any

from flowbuilder.definition.answering import as_text, options_of
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.shaping import UnableToShape, shape
from flowbuilder.models import Install, Version


def version_to_take(install: Install) -> Version | None:
    """The version that this install could go on with; None where all were withdrawn."""
    return install.template_flow.offered_to(install.workspace_id)


def answers_lost(install: Install) -> list[str]:
    """The questions that were answered, and that the version to go on with asks otherwise or not at all."""
    version = version_to_take(install)
    if version is None:
        return []
    kept = _carried(install, version)
    return [
        one.question for one in _questions(install.version) if one.key in install.answers.keys() - kept.keys()
    ]


def move_on(install: Install, version: Version) -> None:
    if install.version_id != version.pk:
        install.answers = _carried(install, version) if install.version_id else {}
        install.version = version
        install.shape = _still_fits(install)


def _carried(install: Install, version: Version) -> dict[str, Any]:
    """The answers to questions that this version still asks."""
    before, now = _asked(install.version), _asked(version)
    return {key: one for key, one in install.answers.items() if key in now and now[key] == before.get(key)}


def _still_fits(install: Install) -> dict[str, bool]:
    """How it is built, where the version can be built so."""
    try:
        shape(Frozen(install.version.document).graph, install.shape)
    except UnableToShape:
        return {}
    return dict(install.shape)


def _asked(version: Version) -> dict[str, tuple[str, ...]]:
    """Key -> what decides which answers fit: a question that is only worded anew keeps its answer."""
    return {
        one.key: (
            *(one.kind, one.looks_for, one.integration, one.role),
            *(as_text(value) for value, _ in options_of(one)),
        )
        for one in _questions(version)
    }


def _questions(version: Version) -> tuple[Question, ...]:
    return Frozen(version.document).questions
