"""The outline on the page of a flow: a phone is given it, acts answer with what changed, others are shown."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from flowbuilder.models import Flow
from flowbuilder.queries import graph_of
from tests import make

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


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("panel=questions", "panel=questions"),
        ("q=a%26b", "q=a%26b"),
        ("insert=trigger:next", "insert=trigger:next"),
    ],
)
def test_the_other_view_shows_what_is_open(as_alice, flow, said, kept):
    html = as_alice.get(reverse("editor:editor", args=[flow.pk]) + f"?{said}").content.decode()
    assert f"?view=outline&amp;{kept}" in html
    assert f"?view=canvas&amp;{kept}" in html
