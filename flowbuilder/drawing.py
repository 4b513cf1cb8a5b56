"""How large a card is drawn, for every picture of a flow. The numbers are those of static/css/editor.css."""

from __future__ import annotations

from functools import lru_cache

from flowbuilder.kinds.describe import Card

CHARS_A_LINE = 29  # of a summary, on the card
MOST_LINES = 3
NOTE_CHARS_A_LINE = 37  # of a note, under the card
MOST_NOTE_LINES = 2
TONES = {"yes": "good"}  # of the names of ways


def lines_of(card: Card) -> int:
    """Lines of the summary, as its words break: one to three."""
    return _lines(card.summary, CHARS_A_LINE, MOST_LINES)


def note_lines_of(note: str) -> int:
    """Lines of a note that are shown: none to two."""
    return _lines(note, NOTE_CHARS_A_LINE, MOST_NOTE_LINES) if note else 0


def height_of(card: Card, note: str = "") -> int:
    """In pixels: padding, name, summary, chips where there are any, and the note."""
    shown = note_lines_of(note)
    return 20 + 18 + 17 * lines_of(card) + (28 if card.chips else 0) + (10 + 15 * shown if shown else 0)


@lru_cache(maxsize=16384)
def _lines(text: str, width: int, most: int) -> int:
    lines, room = 1, width
    for word in text.split():
        if len(word) > room and room < width:
            lines, room = lines + 1, width
        room -= len(word) + 1
    return min(lines, most)
