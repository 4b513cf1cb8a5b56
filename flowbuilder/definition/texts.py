"""What is wrong with the texts of a flow: Klaviyo's tags in subjects, bodies, and emails written here. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import Place
from flowbuilder.kinds.base import Finding
from flowbuilder.kinds.tags import check_tags, tag_findings

Contents = Mapping[str, tuple[str, str]] | Container[str]
_TEXTS = ("subject_line", "preview_text", "title", "body")
_CLOSINGS = (" }}", "}", " %}")
_variables_in = re.compile(r"\{\{[^{}\n]*\}\}").findall


def check_texts(messages: Sequence[tuple[Path, Mapping[str, Any]]]) -> list[Finding]:
    """What Klaviyo makes of the texts of messages, (path, message): their tags, and whether it takes them at all."""
    found: list[Finding] = []
    for path, message in messages:
        for name in _TEXTS:
            text = message.get(name)
            if isinstance(text, str) and "{" in text and (wrong := _in_text(text)):
                found += [one.below((*path, name)) for one in wrong]
        if message.get("transactional") is True:
            text = "Klaviyo stores this as not transactional until it has approved the message."
            found.append(Finding("transactional", text, (*path, "transactional"), blocks=False))
    return found


def check_contents(places: Sequence[Place], contents: Contents) -> Iterator[Finding]:
    """Emails written here: that they are there, and their tags."""
    for path, key, _ in places:
        if key not in contents:
            yield Finding("no-content", "The email's content is gone: write it again.", path)
        elif isinstance(contents, Mapping):
            for code, text, blocks in _in_email(*contents[key]):
                yield Finding(code, text, path, blocks)


def _in_text(text: str) -> tuple[Finding, ...]:
    """Most texts hold a few variables that many texts hold: those are judged once, and the text not at all."""
    variables = _variables_in(text)
    if text.count("{") == text.count("}") == 2 * len(variables) and all(map(_is_sound, variables)):
        return ()
    return _in_odd(text)


@lru_cache(maxsize=2048)
def _in_odd(text: str) -> tuple[Finding, ...]:
    return tuple(tag_findings(text, ()))


@lru_cache(maxsize=2048)
def _is_sound(variable: str) -> bool:
    return not any(tag_findings(variable, ()))


@lru_cache(maxsize=256)
def _in_email(html: str, text: str) -> tuple[tuple[str, str, bool], ...]:
    """(code, sentence, whether it blocks) of everything wrong with an email: its parts are large, and rarely change."""
    return tuple(
        (one.code, f"In the email's {part}, line {one.line}: {one.text}", one.blocks)
        for part, held in (("HTML", html), ("plain text", text))
        for one in check_tags(held)
    )


def forget() -> None:
    """Let go of what was read: for measuring."""
    _in_odd.cache_clear()
    _is_sound.cache_clear()
    _in_email.cache_clear()


def closed(text: Any) -> str | None:
    """A text whose last tag was never closed, with it closed; None where that is not all there is to it."""
    if not isinstance(text, str):
        return None
    fits = (text.rstrip() + end for end in _CLOSINGS)
    return next((one for one in fits if not any(found.blocks for found in check_tags(one))), None)
