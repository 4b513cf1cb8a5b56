"""The dry run: what it finds in an account, in which words, and that it can be broken off and run by several."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now as right_now

from accounts.models import Allowance, CatalogEntry, Grant
from flowbuilder import tasks
from flowbuilder.models import Attempt, Choice, Made, Publication
from flowbuilder.operations import rollouts as operations
from flowbuilder.operations.rollouts import (
    UnableToRollOut,
    answer_choice,
    answer_for_all,
    cancel_rollout,
    leave_out,
    look_again,
    look_on,
    plan_rollout,
)
from flowbuilder.publisher import dry_run
from flowbuilder.publisher.dry_run import check_choices, waiting_rollouts
from tests import make
from tests.rollouts.make import accounts, fits_of, planned, started

pytestmark = pytest.mark.django_db


def only(rollout) -> Choice:
    return rollout.choices.select_related("account").get()


def tones(choice: Choice) -> list[str]:
    return [one["tone"] for one in choice.checks]


# --- What it finds ------------------------------------------------------------------------------------------------


def test_an_account_with_everything_is_ready(template, workspace, alice):
    choice = only(planned(template, alice, accounts(workspace, 1)))
    assert (choice.fit, choice.reason) == ("ready", "")
    assert tones(choice) == ["good"] * 5
    assert choice.checks[2] == {"name": "Answers", "tone": "good", "text": "3 found"}


def test_an_account_without_the_list_asks_for_it_by_the_questions_words(template, workspace, alice):
    choice = only(planned(template, alice, accounts(workspace, 1, lists=("Other",))))
    assert (choice.fit, choice.reason) == ("asks", "Needs 1 answer: “Which list starts it?”.")
    assert tones(choice) == ["good", "good", "warn", "open", "open"]


def test_two_lists_of_the_name_are_no_answer(template, workspace, alice):
    choice = only(planned(template, alice, accounts(workspace, 1, lists=("Newsletter", "Newsletter"))))
    assert choice.fit == "asks"


def test_an_account_that_no_longer_agrees_cannot(template, workspace, alice):
    chosen = accounts(workspace, 1)
    rollout = planned(template, alice, chosen, looked_at=False)
    Grant.objects.update(withdrawn_at=right_now())
    look_on(rollout=rollout)
    assert only(rollout).reason == "Northwind has not agreed that Northwind publishes to it. Ask them."
    assert tones(only(rollout)) == ["bad", *["open"] * 4]


def test_an_account_that_has_it_cannot_get_it_again(template, workspace, alice):
    chosen = accounts(workspace, 1)
    started(template, alice, chosen)
    again = only(planned(template, alice, chosen))
    assert again.reason == "“Newsletter hello” is on its way into Shop 0000 already."
    assert tones(again) == ["good", "bad", "open", "open", "open"]


def test_answers_with_which_it_cannot_be_published_are_told(template, workspace, alice, monkeypatch):
    rollout = planned(template, alice, accounts(workspace, 1))
    answer_for_all(rollout=rollout, values={"words": "{{ broken"})
    look_on(rollout=rollout)
    choice = only(rollout)
    assert choice.fit == "cannot", choice.reason
    assert choice.reason.startswith("With these answers it cannot be published: ")
    assert tones(choice) == ["good", "good", "good", "bad", "open"]


def test_a_metric_is_read_from_the_account_and_what_stands_beside_it_is_told(workspace, alice, klaviyo):
    account = make.account(workspace)
    rollout = planned(make.template(workspace), alice, [account])
    choice = only(rollout)
    assert CatalogEntry.objects.filter(account=account, kind="metric").exists()
    assert choice.fit == "ready", choice.reason
    assert choice.checks[-1]["name"] == "Beside it"
    assert not Attempt.objects.exists()
    assert not Made.objects.exists()


def test_klaviyos_silence_is_a_reason_and_no_crash(workspace, alice, klaviyo):
    account = make.account(workspace, key="pk_no_such_key")
    choice = only(planned(make.template(workspace), alice, [account]))
    assert choice.fit == "cannot"
    assert choice.reason.startswith("Klaviyo did not show what is in it: ")
    account.refresh_from_db()
    assert not account.is_connected


# --- Limits ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(workspace, klaviyo, settings):
    """Two accounts; the limits of the first are used up for a minute."""
    settings.KLAVIYO_SPEED = 1
    made = [make.account(workspace), make.account(workspace, "QwE92b", klaviyo.api_key("kettle"))]
    block(made[0], 60)
    return made


def block(account, seconds: float) -> None:
    Allowance.objects.update_or_create(
        account=account,
        endpoint="GET /api/metrics",
        defaults={"blocked_until": time.time() + seconds, "version": 1},
    )


def test_an_account_whose_limits_are_used_up_comes_last_and_later(busy, workspace, alice):
    rollout = planned(make.template(workspace), alice, busy, looked_at=False)
    left = check_choices(rollout.pk)
    assert left.number == 1
    assert 50 < (left.again_at - right_now()).total_seconds() <= 60
    first, second = rollout.choices.order_by("pk")
    assert first.fit == "unchecked"
    assert re.search(r"look into it again in \d+ seconds; then it is looked at by itself", first.reason)
    assert second.fit != "unchecked"
    block(busy[0], -1)
    assert check_choices(rollout.pk).number == 0
    first.refresh_from_db()
    assert first.fit == "ready", first.reason


def test_a_worker_goes_on_when_the_limits_allow_it(busy, workspace, alice, monkeypatch):
    rollout = planned(make.template(workspace), alice, busy, looked_at=False)
    rung = []
    monkeypatch.setattr(tasks.look_at_choices, "apply_async", lambda args, **how: rung.append((args, how)))
    tasks.look_at_choices(rollout.pk)
    [((pk,), how)] = rung
    assert pk == rollout.pk
    assert 50 < how["countdown"] <= 60
    tasks.go_on_with_dry_runs()
    assert rung[1] == ((rollout.pk,), {"countdown": None, "queue": tasks.ROLLOUTS})


def test_one_worker_at_a_time_looks(busy, workspace, alice, monkeypatch):
    rollout = planned(make.template(workspace), alice, busy, looked_at=False)
    looked = []

    def second(pk, **how):
        looked.append(pk)
        tasks.look_at_choices(pk)
        return dry_run.Left()

    monkeypatch.setattr(dry_run, "check_choices", second)
    tasks.look_at_choices(rollout.pk)
    tasks.look_at_choices(rollout.pk)
    assert looked == [rollout.pk] * 2, "the one inside looked at nothing, the one afterwards did"


def test_the_page_waits_with_the_accounts_and_says_until_when(busy, workspace, alice, as_alice):
    rollout = planned(make.template(workspace), alice, busy, looked_at=False)
    url = reverse("rollouts:rollout", args=[rollout.pk])
    assert 'delay:400ms"' in as_alice.get(url).content.decode()
    began = time.monotonic()
    look_on(rollout=rollout)
    assert time.monotonic() - began < 6, "a person waits"
    page = as_alice.get(url).content.decode()
    assert 'delay:5s"' in page
    assert "look into it again in" in page


# --- Answers ------------------------------------------------------------------------------------------------------


def test_a_persons_answer_stays_when_one_is_given_for_all(template, workspace, alice):
    rollout = planned(template, alice, accounts(workspace, 2))
    first = rollout.choices.first()
    answer_choice(rollout=rollout, choice=first, key="words", value="Mine")
    answer_for_all(rollout=rollout, values={"words": "For all"})
    look_on(rollout=rollout)
    assert [one.answers["words"]["value"] for one in rollout.choices.all()] == ["Mine", "For all"]
    answer_choice(rollout=rollout, choice=first, key="words", value="")
    look_on(rollout=rollout)
    first.refresh_from_db()
    assert first.answers["words"]["value"] == "For all"


def test_answers_are_checked_as_in_an_install(template, workspace, alice):
    rollout = planned(template, alice, accounts(workspace, 1))
    choice = only(rollout)
    for key, value in (("joined", "no-such-list"), ("hours", "many"), ("nothing", "x")):
        with pytest.raises(UnableToRollOut):
            answer_choice(rollout=rollout, choice=choice, key=key, value=value)
        if key != "joined":
            with pytest.raises(UnableToRollOut):
                answer_for_all(rollout=rollout, values={key: value})


def test_what_was_sent_takes_no_more_answers(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 1))
    choice = only(rollout)
    with pytest.raises(UnableToRollOut, match="sent already"):
        answer_choice(rollout=rollout, choice=choice, key="words", value="Late")
    with pytest.raises(UnableToRollOut, match="sent already"):
        leave_out(rollout=rollout, choice=choice)
    assert look_again(rollout=rollout, choices=[choice.pk]) == 0


def test_a_worker_is_rung_for_whatever_is_to_be_looked_at(
    template, workspace, alice, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr(operations, "ring_dry_run", rung.append)
    with django_capture_on_commit_callbacks(execute=True):
        rollout = planned(template, alice, accounts(workspace, 1))
        answer_for_all(rollout=rollout, values={"words": "News"})
        answer_choice(rollout=rollout, choice=only(rollout), key="words", value="Mine")
        look_again(rollout=rollout)
    assert rung == [rollout.pk] * 4


# --- Many, and at once --------------------------------------------------------------------------------------------


def test_it_stops_in_time_and_goes_on_where_it_stopped(template, workspace, alice, monkeypatch):
    monkeypatch.setattr(dry_run, "AT_ONCE", 4)
    rollout = planned(template, alice, accounts(workspace, 10), looked_at=False)
    past = right_now() - timedelta(seconds=1)
    assert waiting_rollouts() == [rollout.pk]
    assert check_choices(rollout.pk, until=past).number == 9
    assert fits_of(rollout) == ["ready", *["unchecked"] * 9]
    assert check_choices(rollout.pk, until=past, from_end=True).number == 8
    assert fits_of(rollout) == ["ready", *["unchecked"] * 8, "ready"]
    assert check_choices(rollout.pk).number == 0
    assert fits_of(rollout) == ["ready"] * 10
    assert waiting_rollouts() == []


def test_what_was_answered_meanwhile_is_looked_at_again(template, workspace, alice, monkeypatch):
    rollout = planned(template, alice, accounts(workspace, 1), looked_at=False)
    judge = dry_run._judge
    calls = []

    def slow(*args):
        found = judge(*args)
        if not calls:
            answer_for_all(rollout=rollout, values={"words": "News"})
        calls.append(1)
        return found

    monkeypatch.setattr(dry_run, "_judge", slow)
    assert check_choices(rollout.pk).number == 0
    assert len(calls) == 2
    assert only(rollout).answers["words"]["value"] == "News"


def test_a_cancelled_rollout_is_not_looked_at(template, workspace, alice):
    rollout = planned(template, alice, accounts(workspace, 2), looked_at=False)
    cancel_rollout(rollout=rollout, by=alice, now=right_now())
    assert check_choices(rollout.pk).number == 0
    assert fits_of(rollout) == ["unchecked"] * 2
    assert not Publication.objects.exists()
    with pytest.raises(UnableToRollOut, match="was cancelled"):
        look_again(rollout=rollout)


def test_a_hundred_accounts_take_a_few_queries_each(
    template, workspace, alice, django_assert_max_num_queries
):
    rollout = planned(template, alice, accounts(workspace, 100), looked_at=False)
    with django_assert_max_num_queries(100 + 5 * 12):
        look_on(rollout=rollout)


# --- Planning -----------------------------------------------------------------------------------------------------


def test_a_version_that_is_not_in_the_library_is_not_rolled_out(workspace, alice):
    version = make.template(workspace).current_version
    version.flow.template_flow.delete()
    with pytest.raises(UnableToRollOut, match="is not in the library"):
        plan_rollout(workspace=workspace, by=alice, version=version, accounts=[1])


def test_more_than_ten_thousand_are_two_rollouts(template, workspace, alice):
    with pytest.raises(UnableToRollOut, match="at most 10,000 accounts; these are 10,001"):
        plan_rollout(workspace=workspace, by=alice, version=template.current_version, accounts=range(10_001))
