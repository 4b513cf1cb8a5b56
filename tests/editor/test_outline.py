"""The outline: every step once, in order, in well-formed nested lists; its presses lead somewhere; a patch is enough to
bring an old outline up to date. And the search over steps."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve, reverse

from flowbuilder.editor.outline import Branch, Joint, Loose, Outline, Row, changes, find, outline
from flowbuilder.graph import Graph, Link, Problem, Step, Trigger, surgery
from flowbuilder.kinds.describe import TRIGGER_KEY, Card
from flowbuilder.kinds.registry import action_kind
from flowbuilder.models import Flow
from flowbuilder.queries import graph_of
from tests import make

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


# --- What is told, and in which order --------------------------------------------------------------------------


def test_a_split_holds_its_branches():
    """[t] -> a -> (s) -yes-> b, -no-> exit"""
    made = outline(told(">a", "a>s", "s-yes>b", s=SPLIT))
    assert shape(made) == ["trigger", "a", "s", "s-yes:", "b", "s-no:"]
    assert [one.place.is_end for one in made.parts if isinstance(one, Branch)] == [False, True]


def test_a_rejoined_step_is_told_once():
    """[t] -> (s) -yes-> b -> c, -no-> c"""
    made = outline(told(">s", "s-yes>b", "s-no>c", "b>c", s=SPLIT))
    assert shape(made) == ["trigger", "s", "s-yes:", "b", "c", "s-no:", "=c"]
    assert 'Goes on with <a href="/flows/7/?step=c" data-goto="c">c</a>' in made.html


def test_what_nothing_leads_to_is_told_at_the_end():
    """[t] -> a; x -> y; and p -> q -> p, which nothing leads to."""
    made = outline(told(">a", "x>y", "p>q", "q>p", y=MAIL))
    assert shape(made) == ["trigger", "a", "loose:", "x", "y", "p", "q", "=p"]


def test_an_empty_flow_has_a_place_to_begin():
    assert shape(outline(Told(Graph()))) == ["trigger"]
    assert "?insert=trigger:next" in outline(Told(Graph())).html


def test_a_chain_of_a_thousand():
    keys = [f"s{number}" for number in range(1000)]
    made = outline(told(">s0", *(f"{one}>{other}" for one, other in pairwise(keys))))
    assert shape(made) == ["trigger", *keys]
    assert len(set(Page(made.html).ids)) == len(Page(made.html).ids)


def test_splits_nested_hundreds_deep():
    """Headings stop at six; nothing stops the nesting."""
    keys = [f"s{number}" for number in range(400)]
    made = outline(
        told(
            ">s0",
            *(f"{one}-yes>{other}" for one, other in pairwise(keys)),
            **dict.fromkeys(keys, SPLIT),
        )
    )
    assert len(made.rows) == 401
    page = Page(made.html)
    assert set(page.headings) == {3, 4, 5, 6}
    assert page.headings[:5] == [3, 4, 5, 6, 6]


def test_names_notes_and_problems_are_text():
    evil = "<script>alert(1)</script>"
    design = told(">a", a=MAIL)
    step = replace(design.graph.steps[0], note=evil)
    made = outline(
        Told(
            design.graph.with_steps([step]),
            [Problem("x", evil, "a"), Problem("y", "Look.", "a", blocks=False)],
            {"a": f'"{evil}"'},
        )
    )
    assert "<script" not in made.html
    assert made.html.count("&lt;script&gt;") >= 5
    [row] = [one for one in made.rows if one.card.key == "a"]
    assert row.problems == (("bad", evil), ("warn", "Look."))
    Page(made.html)


# --- Presses ----------------------------------------------------------------------------------------------------


def test_every_press_leads_somewhere():
    page = Page(outline(told(">a", "a>s", "s-yes>b", "s-no>c", "b>c", "x>y", s=SPLIT, b=MAIL)).html)
    assert {resolve(path).url_name for path, _ in page.posts} == {
        "duplicate",
        "copy",
        "cut",
        "paste",
        "move",
        "swap",
        "delete",
        "disconnect",
    }
    assert {resolve(link.partition("?")[0]).url_name for link in page.links} == {"editor", "pick"}


@pytest.mark.parametrize(
    ("key", "up", "down"),
    [
        ("a", None, ("b:next", "Move down")),
        ("b", ("trigger:next", "Move up"), ("s:yes", "Move down, into Yes")),
        ("y", ("b:next", "Move up, before “s”"), None),
        ("n", ("b:next", "Move up, before “s”"), None),
        ("j", None, None),
    ],
)
def test_up_and_down(key, up, down):
    """[t] -> a -> b -> (s) -yes-> y -> j, -no-> n -> j: nothing moves over the place where ways join."""
    made = outline(told(">a", "a>b", "b>s", "s-yes>y", "s-no>n", "y>j", "n>j", s=SPLIT))
    [row] = [one for one in made.rows if one.card.key == key]
    assert (row.up and (row.up.to, row.up.label)) == up
    assert (row.down and (row.down.to, row.down.label)) == down


def test_moved_up_and_down_is_where_it_was():
    """The places offered are those of the act itself: up and then down gives the same flow."""
    design = told(">a", "a>b", "b>c")
    [row] = [one for one in outline(design).rows if one.card.key == "b"]
    source, _, port = row.up.to.partition(":")
    higher = surgery.move(design.graph, "b", None if source == TRIGGER_KEY else source, port)
    assert [one.card.key for one in outline(Told(higher)).rows] == ["trigger", "b", "a", "c"]
    [row] = [one for one in outline(Told(higher)).rows if one.card.key == "b"]
    back = surgery.move(higher, "b", *row.down.to.split(":"))
    assert shape(outline(Told(back))) == shape(outline(design))


# --- What changed -----------------------------------------------------------------------------------------------


def patched(old: Outline, new: Outline) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The shape of the old outline after what the browser does with the patch."""
    patch = changes(old, new)
    if patch is None:
        return new.shape()
    items, lists = old.shape()
    fresh, _ = new.shape()
    items |= {key: text for key, text in fresh.items() if text in patch.html}
    for key in patch.gone:
        del items[key]
    lists |= patch.lists
    return items, {
        key: ids for key, ids in lists.items() if any(f'id="{key}"' in one for one in texts(items))
    }


def texts(items: dict[str, str]) -> list[str]:
    return ['<ol id="list-trigger">', *items.values()]


@pytest.mark.parametrize("seed", range(25))
def test_any_act_can_be_told_as_what_changed(seed: int):
    """Random flows, random acts: the old outline with the patch is the new one."""
    dice = random.Random(seed)
    graph = Graph(Trigger("metric"))
    old = outline(Told(graph))
    for number in range(25):
        graph = act(dice, graph, f"s{number}")
        new = outline(Told(graph))
        assert patched(old, new) == new.shape()
        Page(new.html)
        old = new
    assert len(graph.steps) > 3


def act(dice: random.Random, graph: Graph, key: str) -> Graph:
    ways = [(None, "next"), *((one.key, port) for one in graph.steps for port in one.ports)]
    source, port = dice.choice(ways)
    kind = dice.choice((WAIT, MAIL, SPLIT))
    other = dice.choice(graph.steps).key if graph.steps else ""
    try:
        match dice.randrange(8) if other else 0:
            case 0 | 1 | 2 | 3:
                return surgery.put(graph, Step(key, kind, ports=PORTS[kind]), source, port)
            case 4:
                return surgery.remove(graph, other)
            case 5:
                return surgery.move(graph, other, source, port)
            case 6:
                return surgery.connect(graph, source, port, other)
            case _:
                return surgery.disconnect(graph, source, port)
    except surgery.UnableToChange:
        return graph


def test_one_step_more_in_a_thousand_is_little_to_send():
    keys = [f"s{number}" for number in range(1000)]
    ways = [">s0", *(f"{one}>{other}" for one, other in pairwise(keys))]
    old = outline(told(*ways))
    ways[501:502] = ["s500>new", "new>s501"]
    patch = changes(old, outline(told(*ways)))
    assert patch is not None
    assert len(patch.html) < 12_000
    assert list(patch.lists) == ["list-trigger"]
    assert patch.gone == ()


def test_another_flow_is_sent_whole():
    keys = [f"s{number}" for number in range(50)]
    chain = told(">s0", *(f"{one}>{other}" for one, other in pairwise(keys)))
    assert changes(outline(Told(Graph(Trigger("metric")))), outline(chain)) is None


# --- Search -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("PLACED", ["trigger"]),
        ("email", ["m"]),
        ("does a", ["a"]),
        ("  ask   Bob ", ["a"]),
        ("conditional-split", ["s"]),
        ("<b>", []),
        ("", []),
    ],
)
def test_search_looks_at_names_sentences_notes_and_kinds(query, keys):
    design = told(">a", "a>s", "s-yes>m", s=SPLIT, m=MAIL)
    steps = [replace(one, note="Ask Bob first") if one.key == "a" else one for one in design.graph.steps]
    found = find(Told(design.graph.with_steps(steps)), query)
    assert [one.card.key for one in found.found] == keys


def test_search_stops_somewhere():
    keys = [f"s{number}" for number in range(100)]
    found = find(told(">s0", *(f"{one}>{other}" for one, other in pairwise(keys))), "does")
    assert (len(found.found), found.total, found.more) == (40, 100, 60)


# --- On the page -----------------------------------------------------------------------------------------------

PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


@pytest.fixture
def flow(workspace) -> Flow:
    return make.flow(workspace)


def post(client: Client, flow: Flow, name: str, *args: str, **values: object) -> HttpResponse:
    """As htmx posts from a page that shows the outline of this revision."""
    flow.refresh_from_db()
    headers = {"HX-Request": "true", "X-View": "outline", "X-Revision": str(flow.revision)}
    return client.post(reverse(f"editor:{name}", args=[flow.pk, *args]), values, headers=headers)


@pytest.mark.django_db
def test_a_phone_is_given_the_outline_and_nothing_twice(as_alice, flow):
    page = as_alice.get(reverse("editor:editor", args=[flow.pk]), headers={"User-Agent": PHONE})
    html = page.content.decode()
    assert 'id="outline"' in html
    assert 'id="canvas"' not in html
    assert len(re.findall(r"<h1[ >]", html)) == 1
    page = as_alice.get(reverse("editor:editor", args=[flow.pk]))
    assert 'id="outline"' not in page.content.decode()


@pytest.mark.django_db
def test_an_act_answers_with_what_changed(as_alice, flow):
    answer = post(as_alice, flow, "delete", "wait-1")
    html = answer.content.decode()
    assert 'id="outline-patch"' in html
    assert "item-wait-1" in html  # as gone
    assert 'id="row-mail-2"' not in html
    assert f'data-base="{flow.revision}" data-revision="{flow.revision + 1}"' in html
    headers = {"HX-Request": "true", "X-View": "outline", "X-Revision": "nonsense"}
    whole = as_alice.post(reverse("editor:undo", args=[flow.pk]), headers=headers)
    assert 'id="row-mail-2"' in whole.content.decode()
    assert 'id="outline-patch" hidden></div>' in whole.content.decode()


@pytest.mark.django_db
def test_one_button_says_which_way(as_alice, flow):
    """Buttons of the outline have one value: a way is "source:port"."""
    assert post(as_alice, flow, "copy", "wait-1").status_code == 200
    assert post(as_alice, flow, "paste", **{"from": "text-1:next"}).status_code == 200
    assert graph_of(Flow.objects.get(pk=flow.pk)).out["text-1"]
    assert post(as_alice, flow, "disconnect", **{"from": "text-1:next"}).status_code == 200
    assert "text-1" not in graph_of(Flow.objects.get(pk=flow.pk)).out
    refused = post(as_alice, flow, "paste", **{"from": "nowhere"})
    assert refused.status_code in (409, 422)
    assert "banner bad" in refused.content.decode()


@pytest.mark.django_db
def test_the_bar_names_what_undo_takes_back(as_alice, flow):
    html = as_alice.get(reverse("editor:editor", args=[flow.pk])).content.decode()
    assert 'title="You have nothing to undo"' in html
    html = post(as_alice, flow, "swap", "can-text").content.decode()
    name = re.search(r'title="Undo: ([^"]+)"', html)
    assert name
    assert f'data-last="{name[1]}"' in html
    assert 'title="You have nothing to redo"' in html
    html = post(as_alice, flow, "undo", what="mine").content.decode()
    assert f'title="Redo: {name[1]}"' in html


@pytest.mark.django_db
def test_the_list_of_acts_has_a_press_for_each(as_alice, flow):
    post(as_alice, flow, "swap", "can-text")
    post(as_alice, flow, "delete", "wait-1")
    post(as_alice, flow, "undo", what="mine")
    html = as_alice.get(reverse("editor:editor", args=[flow.pk]), {"panel": "edits"}).content.decode()
    panel = html[html.index('id="edits-form"') : html.index("</aside>")]
    assert panel.count('class="edit ') + panel.count('class="edit"') == 3
    assert panel.count("is-undone") == 1
    assert panel.count('title="Undo this one"') == 1
    assert panel.count('title="Go back to here"') == 2
    assert "You" in panel


@pytest.mark.django_db
def test_somebody_else_is_shown_with_a_way_to_them(as_alice, client, bob, flow):
    client.force_login(bob)
    client.post(reverse("editor:pulse", args=[flow.pk]), {"step": "text-1"}, headers={"HX-Request": "true"})
    html = post(as_alice, flow, "pulse").content.decode()
    shown = html[html.index('id="people"') :]
    assert 'title="Go where Bob is"' in shown
    assert "?step=text-1" in shown
    assert "Alice" not in shown


@pytest.mark.django_db
def test_searching_by_address(as_alice, flow):
    html = as_alice.get(reverse("editor:editor", args=[flow.pk]), {"q": "<b>still"}).content.decode()
    assert "<b>still" not in html
    assert "No step has “&lt;b&gt;still” in it." in html
    html = as_alice.get(reverse("editor:editor", args=[flow.pk]), {"q": "still"}).content.decode()
    assert html.count('class="hit"') == 1
