"""An email made ready to be looked at: filled in, in the light that was asked for, open at the place one writes.

Pure texts. What a mail program does with an email's own dark look is done here by name, since a page cannot tell its
frames which light to prefer: `prefers-color-scheme` holds or does not, as chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.html import escape

from flowbuilder.kinds.rendering import render as fill_in
from flowbuilder.kinds.samples import with_pictures

HERE = "you-write-here"
STAYS = '<base target="_blank">'  # a sandboxed frame opens no windows: links that are pressed lead nowhere
_ASKED = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_OFFERED = re.compile(r"(?<![\w-])(color-scheme\s*:\s*)(?:light\s+dark|dark\s+light)\b", re.IGNORECASE)
_META = re.compile(r"<meta\b[^<>]*>", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:light\s+dark|dark\s+light)\b", re.IGNORECASE)
_HIDES = re.compile(r"<!--|<(style|script|head|title)\b", re.IGNORECASE)
_SEEN = re.compile(
    r"<(p|h[1-6]|table|tr|td|th|ul|ol|li|div|section|center|a|img|span|b|strong|i|em|br|hr)\b(?=[^<>]*>)(?![^<>]*\sid\s*=)",
    re.IGNORECASE,
)


def page(
    html: str,
    text: str,
    *,
    as_text: bool = False,
    data: Mapping[str, Any] | None = None,
    scheme: str = "light",
    at: int | None = None,
) -> str:
    """A whole page. `data`: what tags say, None to leave them as written; `at`: the character one is writing at."""
    if as_text or not html.strip():
        return _plain(text if data is None else fill_in(text, data, escape=False), scheme)
    marked = html if at is None else with_place(html, at)
    return in_light(marked if data is None else with_pictures(fill_in(marked, data)), scheme) + STAYS


def _plain(text: str, scheme: str) -> str:
    style = (
        "pre{font:15px/1.55 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:24px}"
    )
    return (
        f'<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="{escape(scheme)}"><title>Text</title>'
        f"<style>{style}</style><pre>{escape(text)}</pre>"
    )


def in_light(html: str, scheme: str) -> str:
    """As a reader shows it who prefers this light and lets the email choose its colours."""

    def asked(match: re.Match[str]) -> str:
        return "(min-width: 0px)" if match[1].lower() == scheme else "(max-width: 0px)"

    def named(match: re.Match[str]) -> str:
        return _BOTH.sub(scheme, match[0]) if "color-scheme" in match[0].lower() else match[0]

    html = _OFFERED.sub(rf"\g<1>{scheme}", _ASKED.sub(asked, html))
    return _META.sub(named, html)


def with_place(html: str, at: int) -> str:
    """The last thing that can be seen before a character is where the frame opens, in browsers that know how to.

    By CSS and not by the address: an address with a fragment takes the keyboard away from who is writing.
    """
    hidden = list(unseen(html))
    last = -1
    for match in _SEEN.finditer(
        html, 0, min(max(at, 0) + 40, len(html))
    ):  # the tag one is in may end after `at`
        if match.start() > at:
            break
        if not any(start <= match.start() < end for start, end in hidden):
            last = match.end()
    if last < 0:
        return html
    opens = f"<style>#{HERE}{{scroll-initial-target:nearest;scroll-margin:30vh 0}}</style>"
    return f'{html[:last]} id="{HERE}"{html[last:]}{opens}'


def unseen(html: str) -> Iterator[tuple[int, int]]:
    """Where comments, styles and the head stand. One pass: what is never closed goes on to the end."""
    lower = html.lower()
    lower = lower if len(lower) == len(html) else html  # a few letters grow
    at = 0
    while match := _HIDES.search(html, at):
        closing = f"</{match[1].lower()}" if match[1] else "-->"
        end = lower.find(closing, match.end())
        end = end if end < 0 or not match[1] else lower.find(">", end)
        at = len(html) if end < 0 else end + (1 if match[1] else len(closing))
        yield match.start(), at
