"""How large a card is drawn, for every picture of a flow. The numbers are those of static/css/editor.css."""

from __future__ import annotations

from flowbuilder.kinds.describe import Card

CHARS_A_LINE = 29  # of a summary, on the card
MOST_LINES = 3
TONES = {"yes": "good"}  # of the names of ways


def lines_of(card: Card) -> int:
    """Lines of the summary, as its words break: one to three."""
    lines, room = 1, CHARS_A_LINE
    for word in card.summary.split():
        if len(word) > room and room < CHARS_A_LINE:
            lines, room = lines + 1, CHARS_A_LINE
        room -= len(word) + 1
    return min(lines, MOST_LINES)


def height_of(card: Card) -> int:
    """In pixels: padding, name, summary, and chips where there are any."""
    return 20 + 18 + 17 * lines_of(card) + (28 if card.chips else 0)
