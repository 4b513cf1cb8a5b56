"""The canvas: groups as text, what a patch says, and that a patched picture is the very picture a page would bring."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from types import SimpleNamespace
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from flowbuilder.editor import canvas
from flowbuilder.editor.groups import Mark, Way, card_group, out_group
from flowbuilder.graph import Graph, Link, Problem, Step, Trigger
from flowbuilder.graph.surgery import (
    UnableToChange,
    connect,
    disconnect,
    move,
    move_branch,
    put,
    remove,
    remove_branch,
    swap,
)
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Card, Describer
from flowbuilder.models import Flow
from flowbuilder.operations import designs
from tests import make

DESCRIBER = Describer(Words({}), {})
NASTY = "<script>alert('1')</script> \"&"


def design(graph: Graph, problems: list[Problem] | None = None) -> Any:
    """What `draw` needs of a flow; no rows."""
    cards = {"trigger": DESCRIBER.trigger(graph.trigger)}
    cards |= {step.key: DESCRIBER.step(step) for step in graph.steps}
    return SimpleNamespace(graph=graph, cards=cards, problems=problems or [], flow=SimpleNamespace(pk=7))


def wait(key: str, **more: Any) -> Step:
    return Step(key, "time-delay", {"unit": "days", "value": 1}, **more)


def split(key: str) -> Step:
    return Step(key, "conditional-split", {}, ports=("yes", "no"))


@pytest.fixture(autouse=True)
def _nothing_seen():
    canvas._seen.clear()


# --- One group -----------------------------------------------------------------------------------------------------


def test_nothing_from_outside_is_markup():
    """Names, sentences, notes, chips, marks, ports and keys are text, wherever they stand."""
    card = Card(NASTY, None, NASTY, NASTY, ((NASTY, NASTY),))
    way = Way(NASTY, NASTY, (60,), (0, 30), NASTY, (0, 56), NASTY, False, False)
    for text in (
        card_group(card, Mark("bad", NASTY), NASTY, 72, "/flows/1/", True),
        out_group(NASTY, NASTY, (way,), "/flows/1/"),
    ):
        assert "<script" not in text
        tree = fromstring(f"<g>{text}</g>")  # well-formed, and attributes end where they should
        assert not tree.findall(".//script")
        said = " ".join(tree.itertext()) + " ".join(
            value for one in tree.iter() for value in one.attrib.values()
        )
        assert "alert('1')" in said


def test_a_card_says_what_is_on_it():
    step = wait("s1", name="A name that does not fit on one line", note="Ask Bob before this goes live")
    problems = [Problem("no-wait", "…", "s1", blocks=False)]
    drawing = canvas.draw(design(Graph(None, (step,), ()), problems))
    tree = fromstring(f"<g>{drawing.nodes['s1'][2]}</g>")
    [link] = tree.findall(".//a")
    assert link.get("href") == "/flows/7/?step=s1"
    assert link.get("title") == step.name
    assert [one.text for one in tree.findall(".//span[@class='chip warn step-mark']")] == ["No wait"]
    [note] = tree.findall(".//span[@class='step-note']")
    assert note.get("title") == "Ask Bob before this goes live"
    without = canvas.draw(design(Graph(None, (replace(step, note=""),), ())))
    height = re.compile(r'height="(\d+)"')
    assert int(height.search(drawing.nodes["s1"][2])[1]) == int(height.search(without.nodes["s1"][2])[1]) + 25


def test_an_empty_flow_says_what_to_do_next():
    def hint(graph: Graph) -> str:
        return " ".join(
            fromstring(f"<g>{canvas.draw(design(graph)).nodes[canvas.HINT_KEY][2]}</g>").itertext()
        )

    assert "choose what starts this flow" in hint(Graph())
    assert "press the +" in hint(Graph(Trigger("list", {"id": "L"})))
    assert canvas.HINT_KEY not in canvas.draw(design(put(Graph(), wait("s1"), None, "next"))).nodes


def test_a_way_that_goes_on_with_a_step_drawn_elsewhere_names_it():
    graph = put(Graph(), wait("a", name="The last one"), None, "next")
    graph = connect(replace(graph, steps=(*graph.steps, wait("x"))), "x", "next", "a")
    tree = fromstring(f"<g>{canvas.draw(design(graph)).outs['x'][2]}</g>")
    [end] = tree.findall(".//g[@class='way-end']")
    assert (end.get("data-goto"), end.findtext("text")) == ("a", "→ The last one")


# --- Patches -------------------------------------------------------------------------------------------------------


def patched(old: canvas.Drawing, patch: canvas.Patch) -> tuple[dict, dict, list]:
    """What static/js/canvas-patch.js makes of a picture: groups by layer, and the nodes in their order."""
    plan = json.loads(patch.plan)
    layers = {"node": dict(old.nodes), "out": dict(old.outs)}
    order = list(old.nodes)
    for key in plan["gone"]:
        layers["node"].pop(key)
        layers["out"].pop(key, None)
        order.remove(key)
    for group in re.finditer(
        r'<g class="(node|out)" id="([^"]*)" transform="translate\((-?\d+) (-?\d+)\)">'
        r'(.*?)</g>(?=<g class="(?:node|out)"|$)',
        patch.groups,
    ):
        layer, name, x, y, inside = group.groups()
        key = unescape(name).removeprefix(f"{layer}-")
        if layer == "node" and key not in layers["node"]:
            order.append(key)
        layers[layer][key] = (int(x), int(y), inside)
    for dx, dy, both, nodes, outs in plan["moves"]:
        for layer, keys in (("node", [*both, *nodes]), ("out", [*both, *outs])):
            for key in keys:
                if key in layers[layer]:
                    x, y, inside = layers[layer][key]
                    layers[layer][key] = (x + dx, y + dy, inside)
    for key, after in plan["order"]:
        order.remove(key)
        order.insert(order.index(after) + 1 if after else 0, key)
    return layers["node"], layers["out"], order


def act(graph: Graph, draw: Any, number: int) -> Graph:
    """One of the acts that a person can do, somewhere."""
    keys = list(graph.by_key)
    sources = [(None, "next"), *((step.key, port) for step in graph.steps for port in step.ports)]
    source, port = sources[draw(st.integers(0, len(sources) - 1))]
    key = keys[draw(st.integers(0, len(keys) - 1))] if keys else ""
    new = split(f"n{number}") if draw(st.booleans()) else wait(f"n{number}")
    does = draw(
        st.sampled_from(
            ["put", "put", "put", "move", "branch", "remove", "cut", "swap", "join", "part", "write"]
        )
    )
    match does if key else "put":
        case "put":
            return put(graph, new, source, port)
        case "move":
            return move(graph, key, source, port)
        case "branch":
            return move_branch(graph, key, source, port)
        case "remove":
            return remove(graph, key)
        case "cut":
            return remove_branch(graph, key)
        case "swap":
            return swap(graph, key)
        case "join":
            return connect(graph, source, port, key)
        case "part":
            return disconnect(graph, source, port)
    steps = [
        replace(one, name=f"Name {number}", note="A note" * (number % 2)) if one.key == key else one
        for one in graph.steps
    ]
    return graph.with_steps(steps)


@settings(max_examples=60)
@given(st.data())
def test_a_patched_picture_is_the_picture_of_a_new_page(data):
    """After any acts, one after the other or several at once."""
    graph, number = Graph(Trigger("list", {"id": "L"})), 0
    old = canvas.draw(design(graph))
    for _ in range(data.draw(st.integers(1, 6))):
        for _ in range(data.draw(st.integers(1, 4))):
            number += 1
            try:
                graph = act(graph, data.draw, number)
            except UnableToChange:
                continue
        canvas._seen.clear()
        new = canvas.draw(design(graph))
        nodes, outs, order = patched(old, canvas.patch(old, new))
        assert nodes == new.nodes
        assert {key: one for key, one in outs.items() if one[2]} == {
            key: one for key, one in new.outs.items() if one[2]
        }
        assert order == list(new.nodes)
        old = new


def chain(count: int) -> Graph:
    links = tuple(Link(f"s{index - 1}" if index else None, "next", f"s{index}") for index in range(count))
    return Graph(Trigger("list", {"id": "L"}), tuple(wait(f"s{index}") for index in range(count)), links)


def test_a_patch_holds_what_changed_and_no_more():
    """A delay in the middle of a thousand: one new card, one changed wire; the rest only moves."""
    graph = chain(1000)
    before, after = canvas.draw(design(graph)), canvas.draw(design(put(graph, wait("new"), "s499", "next")))
    patch = canvas.patch(before, after)
    assert re.findall(r'<g class="\w+" id="([^"]+)"', patch.groups) == ["out-s499", "node-new", "out-new"]
    assert patch.gone == []
    [(dx, dy, both, nodes, outs)] = patch.moves
    assert (dx, nodes, outs) == (0, [], [])
    assert dy > 0
    assert both == [f"s{index}" for index in range(500, 1000)]
    assert patch.order == [("new", "s499")]


def test_only_a_step_that_was_carried_changes_its_place_in_the_order():
    graph = chain(200)
    patch = canvas.patch(canvas.draw(design(graph)), canvas.draw(design(move(graph, "s3", "s180", "next"))))
    assert patch.order == [("s3", "s180")]


def test_a_card_that_grows_moves_its_ways_with_what_comes_after():
    graph = chain(3)
    steps = [replace(one, note="A note") if one.key == "s1" else one for one in graph.steps]
    patch = canvas.patch(canvas.draw(design(graph)), canvas.draw(design(graph.with_steps(steps))))
    assert re.findall(r'<g class="\w+" id="([^"]+)"', patch.groups) == ["node-s1"]
    assert patch.moves == [(0, 25, ["s2"], [], ["s1"])]


def test_a_picture_that_was_seen_is_not_drawn_again():
    """It is compared with what was read, so another name is another picture."""
    graph = chain(3)
    first = canvas.draw(design(graph))
    assert canvas.draw(design(replace(graph))) is first
    other = canvas.draw(design(graph.with_steps([replace(one, name="Other") for one in graph.steps])))
    assert other is not first
    assert other.nodes["s1"] != first.nodes["s1"]
    renamed = design(graph)
    renamed.cards["s1"] = replace(renamed.cards["s1"], summary="A list was renamed in the account.")
    assert "renamed" in canvas.draw(renamed).nodes["s1"][2]
    assert "No wait" in canvas.draw(design(graph, [Problem("no-wait", "…", "s1")])).nodes["s1"][2]


# --- Pages and answers ---------------------------------------------------------------------------------------------


@pytest.fixture
def flow(workspace) -> Flow:
    return make.flow(workspace)


def page(client, flow: Flow, query: str = "") -> str:
    return client.get(reverse("editor:editor", args=[flow.pk]) + f"?view=canvas{query}").content.decode()


def add(client, flow: Flow, revision: Any, **headers: str) -> str:
    values = {"type": "time-delay", "source": "wait-1", "port": "next"}
    headers = {"HX-Request": "true", "X-View": "canvas", "X-Revision": str(revision), **headers}
    answer = client.post(reverse("editor:add", args=[flow.pk]), values, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.django_db
def test_without_script_the_page_shows_the_way_and_the_open_plus(as_alice, flow):
    text = page(as_alice, flow, "&step=text-1")
    assert re.search(r'id="step-text-1"[^>]* aria-current="true"', text)
    assert set(re.findall(r'class="link lit" id="link-([\w-]+)"', text)) == {
        "trigger-next",
        "wait-1-next",
        "can-text-yes",
    }
    assert re.search(
        r'data-source="wait-1" data-port="next" aria-current="true"',
        page(as_alice, flow, "&insert=wait-1:next"),
    )


@pytest.mark.django_db
def test_an_act_answers_a_patch_from_the_revision_that_the_page_shows(as_alice, flow):
    text = add(as_alice, flow, flow.revision)
    [svg] = re.findall(
        r'<svg id="canvas-patch" hidden hx-swap-oob="true" data-base="(\d+)" data-revision="(\d+)"', text
    )
    assert svg == (str(flow.revision), str(flow.revision + 1))
    assert 'id="canvas"' not in text
    later = add(as_alice, flow, flow.revision)  # a page that is two acts behind
    assert f'data-base="{flow.revision}" data-revision="{flow.revision + 2}"' in later


@pytest.mark.django_db
@pytest.mark.parametrize("shown", ["", "99999", "x"])
def test_a_page_of_no_known_revision_gets_the_whole_canvas(as_alice, flow, shown):
    text = add(as_alice, flow, shown)
    assert 'data-base="' not in text
    assert re.search(r'<main class="canvas-wrap" id="main"[^>]* hx-swap-oob="true"', text)


@pytest.mark.django_db
def test_the_canvas_alone_can_be_asked_for(as_alice, flow):
    url = reverse("editor:editor", args=[flow.pk])
    answer = as_alice.get(f"{url}?part=canvas", headers={"HX-Request": "true", "X-View": "canvas"})
    text = answer.content.decode().strip()
    assert text.startswith("<main")
    assert 'id="node-trigger"' in text
    assert "inspector" not in text


@pytest.mark.django_db
def test_a_thousand_steps_are_one_page(as_alice, workspace):
    """Names with markup too."""
    flow = make.big_flow(workspace, 1000)
    designs.rename_flow(flow=flow, by=None, name=NASTY)
    text = page(as_alice, flow)
    assert text.count('<g class="node"') == 1001
    assert "<script>alert" not in text
