"""What changed in an outline: a patch is enough to bring an old one up to date, whatever the act."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from flowbuilder.editor.outline import Outline, changes, outline
from flowbuilder.graph import Graph, Step, Trigger, surgery
from tests.editor.outlines import (
    MAIL,
    PORTS,
    SPLIT,
    WAIT,
    Page,
    Told,
    told,
)


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
