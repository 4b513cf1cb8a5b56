"""A flow told in order, and drawn as a still picture."""

from __future__ import annotations

from xml.etree import ElementTree

from django.template.loader import render_to_string

from flowbuilder.definition.frozen import Frozen, rules_of, tell
from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Card, Describer
from flowbuilder.templatetags.picture import flow_picture, height_of, lines_of
from tests import make

DESCRIBER = Describer(Words({}), {})
SPLIT = "conditional-split"


def flow(*links: tuple[str | None, str, str], splits: str = "") -> Graph:
    keys = dict.fromkeys(target for _, _, target in links)
    steps = tuple(
        Step(key, SPLIT, {}, key, ("yes", "no")) if key in splits else Step(key, "send-sms", {}, key)
        for key in keys
    )
    return Graph(Trigger("price-drop", {}), steps, tuple(Link(*one) for one in links))


def told(graph: Graph) -> list[str]:
    """Each line as its depth in dots, its way, and its name or what it says."""
    return [
        "." * line.depth
        + (f"{line.way}: " if line.way else "")
        + (line.card.title if line.card else line.text)
        + (" |" if line.ends else "")
        for line in tell(graph, DESCRIBER)
    ]


def test_a_line_is_told_from_the_trigger_on():
    """[price-drop] -> a -> b"""
    assert told(flow((None, "next", "a"), ("a", "next", "b"))) == ["A price drops", "a", "b |"]


def test_branches_are_told_one_after_the_other():
    """[price-drop] -> (s) -yes-> a -> (t) -yes-> b
                   -no-->
    -no--> c
    """
    graph = flow(
        (None, "next", "s"),
        ("s", "yes", "a"),
        ("a", "next", "t"),
        ("t", "yes", "b"),
        ("s", "no", "c"),
        splits="st",
    )
    assert told(graph) == [
        "A price drops",
        "s",
        ".Yes: a",
        ".t",
        "..Yes: b |",
        "..No: The flow ends here. |",
        ".No: c |",
    ]


def test_what_branches_share_is_told_once():
    """[price-drop] -> (s) -yes-> a -> z
    -no------> z
    """
    graph = flow((None, "next", "s"), ("s", "yes", "a"), ("a", "next", "z"), ("s", "no", "z"), splits="s")
    assert told(graph) == ["A price drops", "s", ".Yes: a", ".z |", ".No: Goes on with “z”. |"]


def test_nothing_yet():
    assert told(Graph()) == ["Choose a trigger |"]


def test_a_thousand_steps_are_told():
    links = [(None, "next", "s0"), *((f"s{n}", "next", f"s{n + 1}") for n in range(1000))]
    assert len(told(flow(*links))) == 1002


def test_whom_a_flow_is_for_is_said():
    frozen = Frozen(make.starter("1-abandoned-cart"))
    [who, *_] = rules_of(frozen.graph, frozen.describer())
    assert who.startswith("Only if: ")
    assert "placed an order" in who
    graph = Graph(reentry={"duration": 7, "unit": "day"})
    assert rules_of(graph, DESCRIBER) == ["People may enter again after 7 days."]
    assert rules_of(Graph(), DESCRIBER) == []


def test_a_version_says_what_it_does():
    frozen = Frozen(make.starter("1-abandoned-cart"))
    assert frozen.sentence == "Starts with “Checkout Started”, then sends 2 emails and 1 text."
    assert frozen.channels == (("mail", "2 emails"), ("message-square", "1 text"))
    assert Frozen(
        {"definition": {"triggers": [{"type": "list", "id": "Ab12Cd"}], "actions": []}}
    ).sentence == ("Starts when someone joins a list.")


def test_heights_are_those_of_the_stylesheet():
    short = Card("a", None, "A", "Short.")
    assert height_of(short) == 20 + 18 + 17
    assert lines_of(Card("a", None, "A", "word " * 60)) == 3
    assert height_of(Card("a", None, "A", "word " * 60, (("", "1 segment"),))) == 20 + 18 + 51 + 28


def picture(graph: Graph, **more) -> ElementTree.Element:
    html = render_to_string("flows/_picture.html", flow_picture(graph, DESCRIBER, **more))
    return ElementTree.fromstring(html)


def test_a_picture_has_every_step_every_way_and_a_name():
    """[price-drop] -> (s) -yes-> a
    -no-->
    """
    graph = flow((None, "next", "s"), ("s", "yes", "a"), splits="s")
    root = picture(graph, name="Drop & <go>")
    svg = root.find("svg")
    assert svg is not None
    assert svg.findtext("title") == "Picture of the flow “Drop & <go>”: a trigger and 2 steps"
    assert svg.attrib["aria-labelledby"] == svg.find("title").attrib["id"]
    names = [one.text for one in root.iter() if one.attrib.get("class") == "step-name"]
    assert sorted(names) == ["A price drops", "a", "s"]
    labels = [one for one in root.iter() if one.attrib.get("class", "").startswith("chip")]
    assert [(one.text, one.attrib["class"]) for one in labels] == [("Yes", "chip good"), ("No", "chip")]
    assert len(root.findall(".//path[@class='link']")) == 4
    assert sum(one.attrib.get("class") == "exit" for one in root.iter()) == 2


def test_a_thumbnail_is_silent_and_never_blown_up():
    root = picture(flow((None, "next", "a")), thumb=True, picture_id="picture-x")
    svg = root.find("svg")
    assert root.attrib["id"] == "picture-x"
    assert svg.attrib["aria-hidden"] == "true"
    assert svg.attrib["viewBox"].split()[2] == "600"


def test_a_large_picture_can_be_scrolled_by_keyboard():
    long = flow(*[(None, "next", "s0"), *((f"s{n}", "next", f"s{n + 1}") for n in range(20))])
    assert picture(long).attrib["tabindex"] == "0"
    assert "tabindex" not in picture(flow((None, "next", "a"))).attrib
