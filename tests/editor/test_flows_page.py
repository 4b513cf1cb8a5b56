"""The page of a workspace's flows: designs to start from with their pictures, and what one reads when there is none."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User, Workspace
from flowbuilder.definition.frozen import Frozen
from flowbuilder.editor.flows import starters_by_goal
from flowbuilder.models import Flow
from flowbuilder.starters import GOALS, starters
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(workspace: Workspace) -> str:
    return reverse("editor:flows", args=[workspace.slug])


def page_of(client: Client, url: str, **query: str) -> str:
    return client.get(url, query).content.decode()


def test_every_starter_stands_there_with_a_picture_and_what_it_sends(as_alice: Client, url: str):
    page = page_of(as_alice, url)
    assert page.count('<svg class="sketch"') == len(starters()) == 10
    for starter in starters():
        [card] = re.findall(rf'<article [^>]*"starter-{starter.slug}">.*?</article>', page, flags=re.DOTALL)
        assert starter.name in card
        assert starter.summary.replace("'", "&#x27;") in card
        assert f'name="starter" value="{starter.slug}"' in card
        for _, text in Frozen(starter.document).channels:
            assert text in card
        for one in starter.document["requirements"]:
            assert one["question"] in card
    heads = [page.index(f">{title}</h3>") for title in GOALS.values()]
    assert heads == sorted(heads)


def test_a_picture_has_a_card_for_every_step_and_a_line_for_every_way():
    for _, shown in starters_by_goal():
        for one in shown:
            svg = ElementTree.fromstring(one.picture)
            steps = one.starter.document["definition"]["actions"]
            assert len(svg.findall("svg")) == len(steps) + 1
            families = [card.attrib["data-family"] for card in svg.findall("svg")]
            assert families.count("message") == sum(step["type"].startswith("send-") for step in steps)
            assert len(svg.findall("path")) >= len(steps) + 1
            assert svg.attrib["aria-hidden"] == "true"


def test_pictures_are_drawn_once_in_a_process(as_alice: Client, url: str):
    assert starters_by_goal() is starters_by_goal()
    page_of(as_alice, url)
    misses = starters_by_goal.cache_info().misses
    page_of(as_alice, url)
    assert starters_by_goal.cache_info().misses == misses


@pytest.mark.parametrize("slug", [one.slug for one in starters()])
def test_a_press_makes_a_flow_of_it(as_alice: Client, workspace: Workspace, slug: str):
    answer = as_alice.post(reverse("editor:new", args=[workspace.slug]), {"starter": slug})
    flow = Flow.objects.get(workspace=workspace)
    assert answer.url == reverse("editor:editor", args=[flow.pk])
    document = make.starter(slug)
    assert flow.name == document["name"]
    assert flow.actions.count() == len(document["definition"]["actions"])
    assert as_alice.get(answer.url).status_code == 200


def test_who_has_no_flow_reads_what_one_is(as_alice: Client, url: str, workspace: Workspace):
    page = page_of(as_alice, url)
    assert "Your first flow" in page
    assert "Search flows" not in page
    make.flow(workspace)
    page = page_of(as_alice, url)
    assert "Your first flow" not in page
    assert "Search flows" in page


def test_a_search_that_finds_nothing_says_so(as_alice: Client, url: str, workspace: Workspace):
    make.flow(workspace, name="Cart")
    assert "No flow has “nothing” in its name." in page_of(as_alice, url, q="nothing")
    assert "No flow has" not in page_of(as_alice, url, q="car")


def test_the_page_asks_as_often_for_ten_flows_as_for_one(
    as_alice: Client, url: str, workspace: Workspace, alice: User, django_assert_num_queries
):
    make.flow(workspace)
    page_of(as_alice, url)
    with CaptureQueriesContext(connection) as asked:
        page_of(as_alice, url)
    for _ in range(9):
        make.flow(workspace)
    with django_assert_num_queries(len(asked)):
        page_of(as_alice, url)
