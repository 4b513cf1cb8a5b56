"""Saved views, and a chart that leads to what it counts."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from flowbuilder.models import SavedView
from flowbuilder.operations.saved_views import MOST, UnableToSave, save_view
from tests.history import make
from tests.history.conftest import World, signed_in
from tests.history.make import S

URL = "/history/"


def page(world_user, query: str = "") -> str:
    answer = signed_in(world_user).get(URL + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_view_is_kept_offered_and_forgotten(world: World):
    make.publication(world.version, world.account, world.mia)
    client = signed_in(world.mia)
    said = {"name": " Bad  ones ", "query": "from=2026-01-02&outcome=refused&nonsense=1&after=5-5"}
    answer = client.post(f"{URL}views/", said)
    assert answer["Location"] == "/history/?outcome=refused&from=2026-01-02"
    [view] = SavedView.objects.all()
    assert (view.name, view.query, view.workspace) == (
        "Bad ones",
        "outcome=refused&from=2026-01-02",
        world.shop,
    )
    html = unescape(client.get(URL).content.decode())
    assert 'href="/history/?outcome=refused&from=2026-01-02">Bad ones</a>' in html
    client.post(f"{URL}views/", {"name": "Bad ones", "query": "outcome=cancelled"})
    assert SavedView.objects.get().query == "outcome=cancelled"
    assert "Forget" in client.get(f"{URL}?outcome=cancelled").content.decode()
    assert "Bad ones" not in page(world.bob)
    assert signed_in(world.bob).post(f"{URL}views/{view.pk}/forget/").status_code == 404
    assert client.post(f"{URL}views/{view.pk}/forget/").status_code == 302
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "query"), [("", "q=x"), ("x" * 61, "q=x"), ("x", ""), ("x", "outcome=odd"), ("x", "after=1-1")]
)
def test_what_is_no_view_is_not_kept(world: World, name: str, query: str):
    assert signed_in(world.mia).post(f"{URL}views/", {"name": name, "query": query}).status_code == 302
    assert not SavedView.objects.exists()


def test_a_view_is_of_a_workspace_and_there_are_so_many(world: World):
    for index in range(MOST):
        save_view(person=world.mia, workspace=world.shop, name=f"{index}", query="q=x")
    with pytest.raises(UnableToSave, match="forget one"):
        save_view(person=world.mia, workspace=world.shop, name="one more", query="q=x")
    save_view(person=world.mia, workspace=world.shop, name="1", query="q=y")
    save_view(person=world.mia, workspace=world.partner, name="of another", query="q=x")
    assert "of another" not in page(world.mia)


def test_a_press_on_the_chart_narrows_and_the_next_one_widens(world: World):
    now = timezone.now()
    today = make.publication(world.version, world.account, world.mia, created_at=now)
    bad = make.publication(
        world.version, world.account, world.mia, S.REFUSED, created_at=now - timedelta(days=3)
    )
    html = unescape(page(world.mia, "?q=aband"))
    [day] = set(re.findall(rf'<a href="\?([^"]*from={bad.created_at:%Y-%m-%d}&to=[^"&]*)" tabindex', html))
    narrowed = unescape(page(world.mia, f"?{day}"))
    assert f'href="/history/{bad.pk}/"' in narrowed
    assert f'href="/history/{today.pk}/"' not in narrowed
    assert narrowed.count('class="whole"') == 30
    assert '<a href="?q=aband" tabindex="-1" class="chosen">' in narrowed  # pressed again: all days
    assert len(re.findall(r'<rect class="bar', narrowed)) == 2, "the other days stay to be pressed"
    assert '<a class="stat bad" href="?q=aband&outcome=refused">' in html
    chosen = unescape(page(world.mia, "?q=aband&outcome=refused"))
    assert '<a class="stat bad" href="?q=aband" aria-current="true">' in chosen
    when = f"{bad.created_at:%Y-%m-%d}"
    assert f'<a href="?q=aband&from={when}&to={when}&outcome=refused">1</a>' in html


def test_the_chart_ends_where_one_looks(world: World):
    long_ago = timezone.now() - timedelta(days=200)
    make.publication(world.version, world.account, world.mia, created_at=long_ago)
    when = long_ago.date().isoformat()
    assert '<rect class="bar' not in page(world.mia)
    assert '<rect class="bar' in page(world.mia, f"?from={when}&to={when}")
