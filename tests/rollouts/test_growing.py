"""A rollout that changes on its way: how it is built, lists that it makes, accounts that come in later."""

from __future__ import annotations

import copy
import re

import pytest
from django.urls import reverse
from django.utils.timezone import now as right_now

from accounts.models import Grant
from flowbuilder.models import Choice, Install, Move, Publication, Rollout
from flowbuilder.operations import rollouts as operations
from flowbuilder.operations.rollouts import (
    UnableToRollOut,
    add_accounts,
    answer_choice,
    answer_for_all,
    cancel_rollout,
    choose_shape,
    look_on,
    pause_rollout,
)
from flowbuilder.publisher.waves import advance
from tests.install.make import offer
from tests.rollouts.make import accounts, end_wave, fits_of, newsletter, planned, sent, started, text_of

pytestmark = pytest.mark.django_db
MADE = {"$make": "list", "name": "News"}


def url_of(rollout: Rollout, name: str = "rollout", *more: int) -> str:
    return reverse(f"rollouts:{name}", args=[rollout.pk, *more])


# --- How it is built ----------------------------------------------------------------------------------------------


@pytest.fixture
def joined(workspace):
    """[list] -> (split) -yes-> [text-1] -> [text-2], and -no-> [text-2]: a tail that two branches share."""
    document = copy.deepcopy(newsletter())
    actions = document["definition"]["actions"]
    actions[0]["links"]["next"] = "split"
    actions[1]["links"]["next"] = "text-2"
    group = {"conditions": [{"type": "profile-sample", "percentage": 50}]}
    actions += [
        {
            "temporary_id": "split",
            "type": "conditional-split",
            "links": {"next_if_true": "text-1", "next_if_false": "text-2"},
            "data": {"profile_filter": {"condition_groups": [group]}},
        },
        {
            "temporary_id": "text-2",
            "type": "send-sms",
            "links": {"next": None},
            "data": {"status": "draft", "message": {"name": "Text 2", "body": "Bye"}},
        },
    ]
    return offer(workspace, document)


def test_it_is_built_so_in_every_account_that_it_is_not_sent_to_yet(joined, workspace, alice, as_alice):
    rollout = started(joined, alice, accounts(workspace, 3), canary=1, wave_size=2)
    page = text_of(as_alice.get(url_of(rollout)))
    assert "How it is built" in page
    assert "Copy what branches share" in page
    assert "yes-or-no" not in page, "only what would change anything"
    as_alice.post(url_of(rollout, "shape"), {"shape-duplicate_tails": "on"})
    rollout.refresh_from_db()
    assert rollout.shape == {"duplicate_tails": True}
    assert fits_of(rollout)[1:] == ["unchecked"] * 2, "what is not sent is looked at again"
    look_on(rollout=rollout)
    end_wave(rollout, "published")
    shapes = [publication.shape for publication in sent(rollout)]
    assert shapes == [{}, {"duplicate_tails": True}, {"duplicate_tails": True}]
    assert [one.shape for one in Install.objects.order_by("pk")] == shapes
    as_alice.post(url_of(rollout, "shape"), {})
    rollout.refresh_from_db()
    assert rollout.shape == {}


def test_a_flow_that_is_built_one_way_only_asks_nothing(template, workspace, alice, as_alice):
    rollout = planned(template, alice, accounts(workspace, 1))
    assert "How it is built" not in text_of(as_alice.get(url_of(rollout)))
    choose_shape(rollout=rollout, settings={"no such": True})
    rollout.refresh_from_db()
    assert rollout.shape == {}
    assert fits_of(rollout) == ["ready"], "nothing changed, so nothing is looked at again"


# --- Lists that are made ------------------------------------------------------------------------------------------


def test_a_list_is_made_only_where_there_is_none(template, workspace, alice):
    chosen = [
        *accounts(workspace, 1, lists=("News",)),
        *accounts(workspace, 1, lists=("Other",), first=1),
        *accounts(workspace, 1, lists=("News", "News"), first=2),
    ]
    rollout = planned(template, alice, chosen)
    answer_for_all(rollout=rollout, values={"joined": MADE})
    look_on(rollout=rollout)
    first, second, third = rollout.choices.order_by("pk")
    assert first.answers["joined"]["value"] == "AC0000-0"
    assert (second.fit, second.answers["joined"]["value"]) == ("ready", MADE)
    assert second.answers["joined"]["how"] == "Made there first, as for the whole rollout."
    assert third.fit == "asks", "two of the name: a third one would help nobody"
    operations.start_rollout(rollout=rollout, by=alice, canary=0, wave_size=9, stop_above=10, now=right_now())
    assert sorted(str(one.answers["joined"]) for one in sent(rollout)) == sorted(["AC0000-0", str(MADE)])


def test_what_cannot_be_made_for_all_is_said(template, workspace, alice):
    rollout = planned(template, alice, accounts(workspace, 1))
    for value in ({"$make": "segment", "name": "x"}, {"$make": "list", "name": " "}):
        with pytest.raises(UnableToRollOut):
            answer_for_all(rollout=rollout, values={"joined": value})
    with pytest.raises(UnableToRollOut):
        answer_for_all(rollout=rollout, values={"words": MADE})


def test_the_forms_offer_it(template, workspace, alice, as_alice):
    rollout = planned(template, alice, accounts(workspace, 2, lists=("Other",)))
    assert "Make that list first" in text_of(as_alice.get(url_of(rollout)))
    as_alice.post(url_of(rollout, "answers"), {"all-joined": "News", "all-joined-make": "on"})
    rollout.refresh_from_db()
    assert rollout.answers == {"joined": MADE}
    shown = as_alice.get(url_of(rollout)).content.decode()
    assert re.search(r'<input[^>]*name="all-joined-make"[^>]* checked', shown)
    as_alice.post(url_of(rollout, "answers"), {"all-joined": "News"})
    rollout.refresh_from_db()
    assert rollout.answers == {"joined": {"name": "News"}}
    look_on(rollout=rollout)
    first = rollout.choices.first()
    answers = url_of(rollout, "account", first.pk)
    assert "the name of a new list" in text_of(as_alice.get(answers))
    given = {"own-joined": "", "own-joined-new": "Mine", "own-hours": "4", "own-words": "Hello"}
    as_alice.post(answers, given)
    first.refresh_from_db()
    assert first.answers["joined"]["value"] == {"$make": "list", "name": "Mine"}
    assert first.fit == "ready", first.reason
    assert 'value="Mine"' in as_alice.get(answers).content.decode()
    as_alice.post(answers, {**given, "own-joined-new": "", "own-joined": "AC0000-0"})
    first.refresh_from_db()
    assert first.answers["joined"]["value"] == "AC0000-0"


def test_one_account_may_take_its_new_list_back(template, workspace, alice):
    rollout = planned(template, alice, accounts(workspace, 1, lists=("Other",)))
    choice = rollout.choices.get()
    answer_choice(rollout=rollout, choice=choice, key="joined", value=MADE)
    answer_choice(rollout=rollout, choice=choice, key="joined", value="")
    look_on(rollout=rollout)
    choice.refresh_from_db()
    assert choice.fit == "asks"


# --- Accounts that come in later ----------------------------------------------------------------------------------


def test_accounts_come_in_while_it_is_planned_and_nothing_of_the_others_changes(
    template, workspace, alice, as_alice
):
    rollout = planned(template, alice, accounts(workspace, 2))
    late = accounts(workspace, 2, first=2)
    page = text_of(as_alice.get(url_of(rollout)))
    assert "Add accounts" in page
    choosing = text_of(as_alice.get(url_of(rollout, "add")))
    assert "Which accounts more?" in choosing
    assert "Add all 2" in choosing, "those that are in it are not offered again"
    done = as_alice.post(url_of(rollout, "add"), {"which": "found"}, follow=True)
    assert "2 accounts came in. Each is looked at first." in text_of(done)
    assert fits_of(rollout) == ["ready", "ready", "unchecked", "unchecked"]
    again = as_alice.post(url_of(rollout, "add"), {"which": "ticked", "account": [late[0].pk]})
    assert again.status_code == 422
    assert "in this rollout already" in text_of(again)


def test_one_that_is_under_way_waits_for_them_and_sends_them_in_a_later_wave(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 2), canary=1, wave_size=5)
    end_wave(rollout, "published")
    add_accounts(rollout=rollout, accounts=[one.pk for one in accounts(workspace, 2, first=2)])
    end_wave(rollout, "published")
    assert rollout.state == "running", "it is not over: two were not looked at yet"
    look_on(rollout=rollout)
    advance(rollout.pk, now=right_now())
    assert [one.wave for one in sent(rollout)] == [0, 1, 2, 2]
    end_wave(rollout, "published")
    rollout.refresh_from_db()
    assert rollout.state == "finished"


def test_who_did_not_agree_does_not_come_in(template, workspace, alice, monkeypatch):
    rollout = planned(template, alice, accounts(workspace, 2))
    stranger = accounts(workspace, 1, first=2)[0]
    Grant.objects.filter(account=stranger).update(can_publish=False)
    with pytest.raises(UnableToRollOut, match="1 account that you chose did not agree"):
        add_accounts(rollout=rollout, accounts=[stranger.pk])
    with pytest.raises(UnableToRollOut, match="at least one"):
        add_accounts(rollout=rollout, accounts=[])
    monkeypatch.setattr(operations, "MOST_ACCOUNTS", 2)
    Grant.objects.filter(account=stranger).update(can_publish=True)
    with pytest.raises(UnableToRollOut, match="these are 3"):
        add_accounts(rollout=rollout, accounts=[stranger.pk])
    cancel_rollout(rollout=rollout, by=alice, now=right_now())
    with pytest.raises(UnableToRollOut, match="was cancelled"):
        add_accounts(rollout=rollout, accounts=[stranger.pk])
    assert Choice.objects.count() == 2


# --- Who took it back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [pause_rollout, cancel_rollout])
def test_what_a_person_takes_back_names_them(template, workspace, alice, bob, act):
    rollout = started(template, alice, accounts(workspace, 3), canary=0)
    act(rollout=rollout, by=bob, now=right_now())
    assert Publication.objects.filter(state="cancelled").count() == 3
    assert set(Move.objects.filter(to_state="cancelled").values_list("by", flat=True)) == {bob.pk}


def test_what_its_rule_takes_back_names_nobody(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 8), canary=0, wave_size=8, stop_above=0)
    end_wave(rollout, *["refused"] * 5, "asked")
    assert rollout.state == "stopped"
    assert set(Move.objects.filter(to_state="cancelled").values_list("by", flat=True)) == {None}
