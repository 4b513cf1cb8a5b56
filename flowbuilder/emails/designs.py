"""What a new email can start from: a design with a head, a button and a foot; bare HTML; a text."""

from __future__ import annotations

from dataclasses import dataclass

from flowbuilder.operations.emails import START_HTML
from flowbuilder.starters.written import html_of, text_of

_BODY = """
<h1>Hello {{ first_name|default:'there' }}</h1>
<p>Say in one or two sentences why you write. The first one is read; the others are looked at.</p>
<a class="button" href="{{ organization.url }}">One thing to do</a>
<p class="soft">A quiet line for what is good to know.</p>
"""
_BECAUSE = "you signed up with us"
_TEXT = "Hello {{ first_name|default:'there' }},\n\nWrite your email here.\n\nUnsubscribe: {% unsubscribe_link %}\n"


@dataclass(frozen=True, slots=True)
class Start:
    key: str
    label: str
    help: str
    html: str
    text: str


def starts() -> tuple[Start, ...]:
    designed = html_of(_BODY, title="Email", because=_BECAUSE)
    return (
        Start(
            "designed",
            "A simple design",
            "A card with a button and a foot; for every mail program, phones and the dark.",
            designed,
            text_of(_BODY, because=_BECAUSE),
        ),
        Start("html", "Bare HTML", "A few lines, for a design of your own.", START_HTML, ""),
        Start("text", "Plain text", "No HTML: it reads like a letter.", "", _TEXT),
    )
