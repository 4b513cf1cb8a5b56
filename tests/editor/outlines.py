"""Designs as the outline looks at them, and a reader of its page that complains."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from flowbuilder.editor.outline import Branch, Joint, Loose, Outline, Row
from flowbuilder.graph import Graph, Link, Problem, Step, Trigger
from flowbuilder.kinds.describe import TRIGGER_KEY, Card
from flowbuilder.kinds.registry import action_kind
from flowbuilder.models import Flow

WAIT, SPLIT, MAIL = "time-delay", "conditional-split", "send-email"
PORTS = {WAIT: ("next",), MAIL: ("next",), SPLIT: ("yes", "no")}


@dataclass
class Told:
    """As much of a design as the outline looks at."""

    graph: Graph
    problems: list[Problem] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    flow: Flow = field(default_factory=lambda: Flow(pk=7, name="Test"))

    @property
    def cards(self) -> dict[str, Card]:
        steps = self.graph.steps
        return {TRIGGER_KEY: Card(TRIGGER_KEY, None, "Placed Order", "Whenever it happens.")} | {
            one.key: Card(
                one.key, action_kind(one.type), self.titles.get(one.key, one.key), f"Does {one.key}."
            )
            for one in steps
        }


def told(*ways: str, **kinds: str) -> Told:
    """told(">a", "a>s", "s-yes>b", s=SPLIT): steps are waits unless they are said to be something else."""
    links = []
    for way in ways:
        left, _, target = way.partition(">")
        source, _, port = left.partition("-")
        links.append(Link(source or None, port or "next", target))
    keys = dict.fromkeys([*(key for link in links for key in (link.source, link.target) if key), *kinds])
    steps = tuple(Step(key, kinds.get(key, WAIT), ports=PORTS[kinds.get(key, WAIT)]) for key in keys)
    return Told(Graph(Trigger("metric"), steps, tuple(links)))


def shape(made: Outline) -> list[str]:
    """Rows, branches and joints in the order of the page: ["trigger", "s", "s-yes:", "a", "s-no:", "=a"]."""
    words = {
        Row: lambda one: one.card.key,
        Branch: lambda one: f"{one.place.source}-{one.place.port}:",
        Joint: lambda one: f"={one.card.key}",
        Loose: lambda one: "loose:",
    }
    return [words[type(one)](one) for one in made.parts if type(one) in words]


class Page(HTMLParser):
    """Complains of tags that do not close where they should; remembers headings, ids and where presses go."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.posts: list[tuple[str, dict[str, str]]] = []
        self.links: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in ("use", "hr", "input"):
            self.open.append(tag)
        if tag == "li":
            assert self.open[-2] == "ol"
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append(int(tag[1:]))
        if "id" in values:
            self.ids.append(values["id"])
        if "formaction" in values:
            self.posts.append((values["formaction"], values))
        if tag == "a":
            self.links.append(values["href"])

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("use",):
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass
