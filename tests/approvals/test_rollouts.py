"""One yes for a rollout: its version and answers, all its accounts; not even the canary goes before it."""

from __future__ import annotations

import re

import pytest
from django.utils.timezone import now

from flowbuilder.models import Publication, Rollout
from flowbuilder.operations.approvals import decide, withdraw
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.publications import cancel_publication
from flowbuilder.operations.rollouts import (
    answer_for_all,
    look_on,
    resume_rollout,
    retry_failed,
    start_rollout,
)
from flowbuilder.publisher.approving import fingerprint
from flowbuilder.publisher.states import next_due
from flowbuilder.publisher.waves import advance
from tests import make
from tests.approvals.make import answered
from tests.conftest import client_of
from tests.rollouts import make as rollouts

pytestmark = pytest.mark.django_db
S = Rollout.State


@pytest.fixture
def asked(strict, alice):
    """Four accounts, started by Alice: it waits."""
    template = rollouts.template(strict)
    return rollouts.started(template, alice, rollouts.accounts(strict, 4), canary=1, wave_size=3)


def yes(approval, by):
    decide(approval=approval, by=by, verdict="yes", seen=approval.content_hash)


def fresh(one):
    one.refresh_from_db()
    return one


def test_nothing_goes_before_the_yes_and_then_the_canary(asked, ruben):
    assert (asked.state, asked.publications.count()) == (S.PLANNED, 0)
    assert asked.reason == "Waits until a second person approves it: of Northwind."
    advance(asked.pk, now=now())
    assert asked.publications.count() == 0
    yes(asked.approvals.get(), ruben)
    assert fresh(asked).state == S.RUNNING
    canary = asked.publications.get()
    assert (canary.state, canary.needs_approval) == ("approved", True)
    assert canary.approved_hash == fingerprint(canary)
    assert canary.moves.get().reason == "Approved with its rollout."
    assert next_due(canary.account_id, now()) == canary.pk
    assert not canary.approvals.exists()  # the rollout's is enough
    rollouts.end_wave(asked, "published")
    assert asked.publications.filter(state="approved").count() == 3


def test_started_twice_it_asks_once(asked, alice):
    start_rollout(rollout=asked, by=alice, canary=1, wave_size=3, stop_above=10, now=now())
    assert asked.approvals.count() == 1


def test_a_no_leaves_it_planned_with_the_reason(asked, ruben, alice):
    decide(approval=asked.approvals.get(), by=ruben, verdict="no", reason="Too early.")
    assert (fresh(asked).state, asked.reason) == (S.PLANNED, "Ruben did not approve it: Too early.")
    start_rollout(rollout=asked, by=alice, canary=1, wave_size=3, stop_above=10, now=now())
    assert asked.approvals.filter(verdict="").count() == 1


def test_the_asker_withdraws(asked, alice):
    withdraw(approval=asked.approvals.get(), by=alice)
    assert fresh(asked).reason == "Withdrawn by Alice."
    assert asked.approvals.get().verdict == "withdrawn"


def test_other_answers_lapse_the_yes_before_the_next_wave(asked, ruben, alice):
    yes(asked.approvals.get(), ruben)
    answer_for_all(rollout=asked, values={"hours": 9})
    look_on(rollout=asked)
    rollouts.end_wave(asked, "published")
    assert (fresh(asked).state, asked.publications.count()) == (S.PAUSED, 1)
    assert "has changed since it was approved" in asked.reason
    assert asked.approvals.get().verdict == "lapsed"
    resume_rollout(rollout=asked, by=alice, now=now())
    assert fresh(asked).state == S.PAUSED
    yes(asked.approvals.get(verdict=""), ruben)
    assert fresh(asked).state == S.RUNNING
    assert asked.publications.count() == 4


def test_who_said_yes_does_not_go_on_with_their_own(asked, ruben, alice):
    """Ruben may not resume on his own yes: then somebody else says it."""
    yes(asked.approvals.get(), ruben)
    Rollout.objects.filter(pk=asked.pk).update(state=S.PAUSED)
    resume_rollout(rollout=asked, by=ruben, now=now())
    assert fresh(asked).state == S.PAUSED
    yes(asked.approvals.get(verdict=""), alice)
    assert fresh(asked).state == S.RUNNING


def test_a_retry_keeps_the_yes(asked, ruben, alice):
    yes(asked.approvals.get(), ruben)
    canary = asked.publications.get()
    rollouts.end(canary, "failed", "Broken.")
    retry_failed(rollout=asked, by=alice, now=now())
    assert fresh(canary).state == "approved"


def test_each_owner_of_accounts_decides_for_their_own(strict, ruben, alice, client):
    """The merchant reads the accounts that are theirs, and nobody else's."""
    mia = make.user("mia@example.org", "Mia")
    shop = make.workspace("shop", "merchant", owner=mia)
    shop.needs_approval = True
    shop.save()
    chosen = rollouts.accounts(strict, 2)
    chosen[1].owner = shop
    chosen[1].save()
    rollout = rollouts.started(rollouts.template(strict), alice, chosen, canary=0)
    of = {one.workspace: one for one in rollout.approvals.all()}
    assert of.keys() == {strict, shop}
    client.force_login(mia)
    text = client.get(f"/approvals/{of[shop].pk}/").content.decode()
    assert chosen[1].name in text
    assert chosen[0].name not in text
    assert client.get(f"/approvals/{of[strict].pk}/").status_code == 404
    yes(of[strict], ruben)
    assert not Publication.objects.exists()
    yes(of[shop], mia)
    assert Publication.objects.filter(state="approved").count() == 2


def asking(client, path: str) -> str:
    """What the page would ask for by itself; empty where it asks no more."""
    found = re.search(r'hx-get="([^"]+)" hx-trigger="every \ds"', client.get(path).content.decode())
    return found[1].replace("&amp;", "&") if found else ""


@pytest.mark.parametrize("verdict", ["yes", "no"])
def test_the_page_asks_while_it_waits_and_stops_when_it_is_decided(asked, ruben, alice, verdict):
    client, path, htmx = client_of(alice), f"/rollouts/{asked.pk}/", {"HX-Request": "true"}
    again = asking(client, path)
    assert client.get(again, headers=htmx).status_code == 204
    approval = asked.approvals.get()
    decide(approval=approval, by=ruben, verdict=verdict, reason="Not now.", seen=approval.content_hash)
    news = client.get(again, headers=htmx)
    if verdict == "yes":  # under way: the form to start it, which stands below, has to go as well
        assert news["HX-Refresh"] == "true"
        assert asking(client, path)
    else:
        assert "Ruben did not approve it: Not now." in news.content.decode()
        assert "hx-trigger" not in news.content.decode()
        assert not asking(client, path)


def test_the_page_of_a_publication_tells_of_each_word(strict, ruben, template, klaviyo):
    """Two decide: the yes of the first is news, though the publication still waits."""
    mia, max_ = make.user("mia@example.org", "Mia"), make.user("max@example.org", "Max")
    shop = make.workspace("shop", "merchant", owner=mia, reviewer=max_)
    shop.needs_approval = template.needs_approval = True
    shop.save()
    template.save()
    publication = confirm_install(install=answered(template, make.account(shop), mia), by=mia)
    client, path, htmx = client_of(mia), f"/history/{publication.pk}/", {"HX-Request": "true"}
    again = asking(client, path)
    assert client.get(again, headers=htmx).status_code == 204
    for one, person in zip(publication.approvals.order_by("workspace"), (ruben, max_), strict=True):
        assert f"{person} of {one.workspace} can approve it." in client.get(path).content.decode()
        yes(one, person)
        assert client.get(again, headers=htmx).status_code == 200
        again = asking(client, path)
    cancel_publication(publication=fresh(publication), by=mia)
    assert "hx-trigger" not in client.get(again, headers=htmx).content.decode()
