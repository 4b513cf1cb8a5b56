"""The two groups of a step on the canvas as text: its card, and its ways out. The only place where markup is put
together by hand: a thousand steps through the template engine would take half a second. Everything from outside goes
through `escape`; what is the same as before is not made again.

Nothing in a group knows where it stands: places are on the groups, so a step that only moves keeps its text.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from django.templatetags.static import static

from flowbuilder.drawing import TONES, lines_of, note_lines_of
from flowbuilder.graph.layout import CARD_WIDTH, EXIT_HEIGHT, EXIT_WIDTH, Shape, path_of
from flowbuilder.kinds.describe import Card

KEPT = 16384
_CURRENT = ' aria-current="true"'
LABEL_WIDTH, LABEL_HEIGHT = 160, 22
HINT_WIDTH, HINT_HEIGHT = 320, 96
LONG_TITLE = 24  # beyond, a title may be cut off on the card
END_CHARS, END_CHAR = 22, 6.4  # of the name of a step that a way goes on with: most of them, pixels of each


class Mark(NamedTuple):
    """The chip at the corner of a card with problems."""

    tone: str
    text: str


class Way(NamedTuple):
    """One way out of a step: where its wire runs, its name, and what stands at its end if it leads to no step."""

    port: str
    target: str | None
    shape: Shape
    plus: tuple[int, int]
    name: str
    label: tuple[int, int] | None
    end: str | None
    is_lit: bool
    is_open: bool


@lru_cache(maxsize=KEPT)
def card_group(card: Card, mark: Mark | None, note: str, height: int, base: str, is_selected: bool) -> str:
    key, title = escape(card.key), escape(card.title)
    state = f" has-{mark.tone}" if mark else ""
    whole = f' title="{title}"' if len(card.title) > LONG_TITLE else ""
    chips = "".join(_chip(tone, text) for tone, text in card.chips)
    chips = chips and f'<span class="chips">{chips}</span>'
    chip = _chip(f"{mark.tone} step-mark", mark.text) if mark else ""
    return (
        f'<foreignObject width="{CARD_WIDTH}" height="{height}"><a class="step{state}" id="step-{key}"'
        f' href="{base}?step={quote(card.key)}" data-family="{card.family}"'
        f'{_CURRENT if is_selected else ""}{whole}><span class="icon-tile">{_icon(card.icon)}</span>'
        f'<span class="step-text"><span class="step-name">{title}</span>'
        f'<span class="step-summary" data-lines="{lines_of(card)}">{escape(card.summary)}</span>{chips}</span>'
        f"{chip}{_note(note) if note else ''}</a></foreignObject>"
    )


def _chip(tone: str, text: str) -> str:
    return f'<span class="{escape(f"chip {tone}".strip())}">{escape(text)}</span>'


def _note(note: str) -> str:
    text = escape(note)
    return (
        f'<span class="step-note" data-lines="{note_lines_of(note)}" title="{text}">'
        f'<span class="sr-only">Note: </span>{text}</span>'
    )


@lru_cache(maxsize=KEPT)
def out_group(key: str, title: str, ways: tuple[Way, ...], base: str) -> str:
    return "".join(_way(key, title, way, base) for way in ways)


def _way(key: str, title: str, way: Way, base: str) -> str:
    name, port = escape(f"{key}-{way.port}"), escape(way.port)
    target = f' data-target="{escape(way.target)}"' if way.target else ""
    on = f", on {way.name}" if way.name else ""
    x, y = way.plus
    return (
        f'<path class="link{" lit" if way.is_lit else ""}" id="link-{name}" data-port="{port}"{target}'
        f' d="{path_of(way.shape)}"/>{_label(name, way)}{_end(name, way) if way.end is not None else ""}'
        f'<g id="plus-{name}" transform="translate({x} {y})"><a class="plus"'
        f' href="{base}?insert={quote(f"{key}:{way.port}", safe=":")}" data-source="{escape(key)}" data-port="{port}"'
        f'{_CURRENT if way.is_open else ""} aria-label="{escape(f"Add a step after {title}{on}")}">'
        '<circle r="12"/><path d="M-5 0H5M0-5V5"/></a></g>'
    )


def _label(name: str, way: Way) -> str:
    if not way.label or not way.name:
        return ""
    x, y = way.label[0] - LABEL_WIDTH // 2, way.label[1] - LABEL_HEIGHT // 2
    return (
        f'<foreignObject id="port-{name}" x="{x}" y="{y}" width="{LABEL_WIDTH}" height="{LABEL_HEIGHT}">'
        f'<div class="port">{_chip(TONES.get(way.port, ""), way.name)}</div></foreignObject>'
    )


def _end(name: str, way: Way) -> str:
    """“Exit”, or the step that the way goes on with though it is drawn elsewhere."""
    text, width, goes_on = "Exit", EXIT_WIDTH, ""
    if way.target:
        title = way.end or way.target
        text = f"→ {title if len(title) <= END_CHARS else title[: END_CHARS - 1].rstrip() + '…'}"
        width = max(width, round(len(text) * END_CHAR) + 24)
        goes_on = f' data-goto="{escape(way.target)}"'
    x = way.shape[1] if len(way.shape) > 1 else 0
    return (
        f'<g class="way-end" id="exit-{name}" data-port="{escape(way.port)}"{goes_on}'
        f' transform="translate({x} {way.shape[-1]})">'
        f'<rect x="{-width // 2}" width="{width}" height="{EXIT_HEIGHT}" rx="12"/>'
        f'<text y="16">{escape(text)}</text></g>'
    )


@lru_cache(maxsize=8)
def hint_group(has_trigger: bool) -> str:
    """What an empty flow says: the next thing to do, and what comes of it."""
    if has_trigger:
        head, body = "Now press the +", "Choose the first step, or drag one from the left onto the +."
    else:
        head, body = (
            "Start here",
            "Press the card above and choose what starts this flow. Steps come after it.",
        )
    return (
        f'<foreignObject width="{HINT_WIDTH}" height="{HINT_HEIGHT}"><div class="canvas-hint">'
        f"<b>{head}</b><span>{body}</span></div></foreignObject>"
    )


@lru_cache(maxsize=256)
def _icon(name: str) -> str:
    return f'<svg class="icon" aria-hidden="true"><use href="{escape(static("icons.svg"))}#i-{escape(name)}"/></svg>'


def placed(layer: str, key: str, x: int, y: int, inside: str) -> str:
    """A group in its place. `layer` is "node" or "out"."""
    return f'<g class="{layer}" id="{layer}-{escape(key)}" transform="translate({x} {y})">{inside}</g>'
