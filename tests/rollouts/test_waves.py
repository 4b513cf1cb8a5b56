"""Canary, waves, the rule that stops, and what people do meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now as right_now

from accounts.models import Grant, Membership
from flowbuilder.models import Attempt, Choice, Install, Publication, Rollout
from flowbuilder.operations.publications import cancel_publication
from flowbuilder.operations.rollouts import (
    UnableToRollOut,
    cancel_rollout,
    look_again,
    look_on,
    pause_rollout,
    resume_rollout,
    retry_failed,
    start_rollout,
)
from flowbuilder.publisher.states import S
from flowbuilder.publisher.waves import advance, under_way
from tests import make
from tests.rollouts.make import accounts, end, end_wave, fits_of, planned, sent, started

pytestmark = pytest.mark.django_db
State = Rollout.State


def states(rollout: Rollout) -> list[str]:
    return list(sent(rollout).values_list("state", flat=True))


def wave_sizes(rollout: Rollout) -> list[int]:
    waves = list(sent(rollout).values_list("wave", flat=True))
    return [waves.count(number) for number in range(max(waves, default=-1) + 1)]


# --- The way of it ------------------------------------------------------------------------------------------------


def test_the_canary_goes_alone_then_wave_after_wave_to_the_end(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 8), canary=2, wave_size=3)
    assert wave_sizes(rollout) == [2]
    end_wave(rollout, S.PUBLISHED)
    assert wave_sizes(rollout) == [2, 3]
    end_wave(rollout, S.PUBLISHED)
    assert wave_sizes(rollout) == [2, 3, 3]
    assert rollout.state == State.RUNNING
    end_wave(rollout, S.PUBLISHED)
    assert rollout.state == State.FINISHED
    assert rollout.ended_at is not None
    assert Install.objects.filter(state=Install.State.LIVE).count() == 8


def test_each_account_gets_its_own_answers(template, workspace, alice):
    chosen = accounts(workspace, 2)
    rollout = started(template, alice, chosen, canary=0)
    for publication, account in zip(sent(rollout), chosen, strict=True):
        assert publication.account == account
        assert publication.answers == {"joined": f"{account.klaviyo_id}-0", "hours": 4, "words": "Hello"}
        assert publication.install.answers["joined"]["by"] == "found"
        assert publication.asked_by == alice
        assert publication.rollout == rollout


def test_without_a_canary_the_first_wave_is_number_one(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 4), canary=0, wave_size=3)
    assert list(sent(rollout).values_list("wave", flat=True)) == [1, 1, 1]


def test_advancing_again_and_again_makes_nothing_twice(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 5))
    assert advance(rollout.pk, now=right_now()) == []
    end_wave(rollout, S.PUBLISHED)
    assert advance(rollout.pk, now=right_now()) == []
    assert wave_sizes(rollout) == [1, 3]
    assert under_way() == [rollout.pk]


def test_the_next_wave_does_not_wait_for_the_last_straggler(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 24), canary=0, wave_size=12)
    for one in sent(rollout)[:10]:
        end(one, S.PUBLISHED)
    assert advance(rollout.pk, now=right_now()) == []
    end(sent(rollout)[10], S.PUBLISHED)
    assert len(advance(rollout.pk, now=right_now())) == 12


def test_an_account_that_waits_for_hours_holds_up_nobody_after_the_canary(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 6), canary=0, wave_size=3)
    for one in sent(rollout):
        end(one, S.WAITING)
        Publication.objects.filter(pk=one.pk).update(not_before=right_now() + timedelta(hours=3))
    assert len(advance(rollout.pk, now=right_now())) == 3


def test_the_canary_is_waited_for_however_long(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 3), canary=1)
    canary = sent(rollout).get()
    end(canary, S.WAITING)
    Publication.objects.filter(pk=canary.pk).update(not_before=right_now() + timedelta(hours=3))
    assert advance(rollout.pk, now=right_now()) == []


def test_when_it_is_not_time_two_queries_say_so(template, workspace, alice, django_assert_num_queries):
    rollout = started(template, alice, accounts(workspace, 20), canary=0, wave_size=20)
    end(sent(rollout)[0], S.PUBLISHED)
    with django_assert_num_queries(2):
        assert advance(rollout.pk, now=right_now()) == []


# --- The rule -----------------------------------------------------------------------------------------------------


def test_a_refused_canary_stops_it(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 4))
    end_wave(rollout, S.REFUSED)
    assert rollout.state == State.STOPPED
    assert rollout.reason.startswith("1 of 1 publication failed or was refused: 100 %")
    assert wave_sizes(rollout) == [1]


def test_few_failures_stop_nothing_before_five_have_ended(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 9), canary=0, wave_size=8)
    for place, one in enumerate(sent(rollout)[:4]):
        end(one, S.FAILED if place == 0 else S.PUBLISHED)
    advance(rollout.pk, now=right_now())
    rollout.refresh_from_db()
    assert rollout.state == State.RUNNING
    end(sent(rollout)[4], S.PUBLISHED)
    advance(rollout.pk, now=right_now())
    rollout.refresh_from_db()
    assert rollout.state == State.STOPPED


def test_what_stops_takes_back_what_is_not_sent(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 9), canary=0, wave_size=9)
    first, *others = sent(rollout)
    end(first, S.PREPARING)
    for one in others[:5]:
        end(one, S.REFUSED)
    advance(rollout.pk, now=right_now())
    assert states(rollout) == [S.PREPARING, *[S.REFUSED] * 5]
    assert Publication.objects.filter(rollout=rollout, state=S.CANCELLED).count() == 3
    assert Choice.objects.filter(rollout=rollout, publication=None, wave=None).count() == 3


def test_as_many_as_the_rule_allows_do_not_stop_it(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 30), canary=0, wave_size=10)
    end_wave(rollout, S.FAILED, S.PUBLISHED)
    assert rollout.state == State.RUNNING
    assert wave_sizes(rollout) == [0, 10, 10]


def test_resumed_after_a_stop_it_is_judged_by_what_comes_then(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 8), wave_size=5)
    end_wave(rollout, S.REFUSED)
    resume_rollout(rollout=rollout, by=alice, now=right_now())
    rollout.refresh_from_db()
    assert rollout.state == State.RUNNING
    assert wave_sizes(rollout) == [1, 5]
    end_wave(rollout, S.PUBLISHED)
    assert rollout.state == State.RUNNING


# --- Other people meanwhile ---------------------------------------------------------------------------------------


def test_consent_withdrawn_between_the_waves_leaves_that_account_out(template, workspace, alice):
    chosen = accounts(workspace, 3)
    rollout = started(template, alice, chosen)
    Grant.objects.filter(account=chosen[1]).update(withdrawn_at=right_now())
    end_wave(rollout, S.PUBLISHED)
    assert [one.account for one in sent(rollout)] == [chosen[0], chosen[2]]
    left = Choice.objects.get(rollout=rollout, account=chosen[1])
    assert (left.fit, left.publication) == (Choice.Fit.CANNOT, None)
    assert left.reason == "Northwind may no longer publish to Shop 0001. Ask Northwind."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda account: account.catalog.all().delete(), "“Which list starts it?” needs a new answer"),
        (
            lambda account: type(account).objects.filter(pk=account.pk).update(state="disconnected"),
            "was disc",
        ),
    ],
)
def test_what_changed_in_an_account_since_the_dry_run_is_noticed(template, workspace, alice, change, reason):
    chosen = accounts(workspace, 2)
    rollout = started(template, alice, chosen)
    change(chosen[1])
    end_wave(rollout, S.PUBLISHED)
    assert reason in Choice.objects.get(rollout=rollout, account=chosen[1]).reason
    assert rollout.state == State.FINISHED


def test_an_account_gets_it_once_though_two_rollouts_want_it(template, workspace, alice):
    chosen = accounts(workspace, 2)
    first, second = planned(template, alice, chosen), planned(template, alice, chosen)
    for one in (first, second):
        start_rollout(rollout=one, by=alice, canary=0, wave_size=5, stop_above=10, now=right_now())
    assert (sent(first).count(), sent(second).count()) == (2, 0)
    assert "on its way into Shop 0000 already" in second.choices.first().reason
    second.refresh_from_db()
    assert second.state == State.FINISHED


@pytest.mark.parametrize("ended", [S.REFUSED, S.FAILED])
def test_what_came_to_nothing_is_taken_up_by_the_next_rollout(template, workspace, alice, ended):
    chosen = accounts(workspace, 1)
    first = started(template, alice, chosen)
    end_wave(first, ended)
    again = started(template, alice, chosen)
    assert sent(again).get().install == sent(first).get().install
    assert Install.objects.get().state == Install.State.PUBLISHING
    end_wave(again, S.PUBLISHED)
    assert Install.objects.get().state == Install.State.LIVE


def test_what_failed_is_not_tried_again_once_another_rollout_took_it_up(template, workspace, alice):
    chosen = accounts(workspace, 1)
    first = started(template, alice, chosen)
    end_wave(first, S.FAILED)
    started(template, alice, chosen)
    with pytest.raises(UnableToRollOut, match="Nothing failed that could be tried again"):
        retry_failed(rollout=first, by=alice, now=right_now())


def test_a_flow_that_may_be_there_keeps_the_next_one_out(template, workspace, alice):
    chosen = accounts(workspace, 1)
    first = started(template, alice, chosen)
    Attempt.objects.create(
        publication=sent(first).get(),
        number=1,
        step="create-flow",
        method="POST",
        path="/api/flows",
        outcome=Attempt.Outcome.UNKNOWN,
    )
    end_wave(first, S.FAILED)
    assert fits_of(planned(template, alice, chosen)) == ["cannot"]


def test_what_was_refused_for_somebody_else_keeps_nobody_out(template, workspace, alice):
    chosen = accounts(workspace, 1)
    theirs = started(template, alice, chosen)
    end_wave(theirs, S.REFUSED)
    Install.objects.update(workspace=make.workspace("elsewhere"))
    again = started(template, alice, chosen)
    assert sent(again).get().install != sent(theirs).get().install


def test_it_pauses_when_who_started_it_may_not_any_more(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 3))
    Membership.objects.filter(user=alice).update(role=Membership.Role.REVIEWER)
    end_wave(rollout, S.PUBLISHED)
    assert rollout.state == State.PAUSED
    assert rollout.reason == "Alice may no longer publish for Northwind. Somebody else can resume it."


# --- People -------------------------------------------------------------------------------------------------------


def test_a_pause_takes_back_what_is_not_sent_and_resuming_asks_for_it_again(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 4), canary=0, wave_size=4)
    end(sent(rollout)[0], S.SENDING)
    pause_rollout(rollout=rollout, by=alice, now=right_now())
    assert states(rollout) == [S.SENDING]
    assert advance(rollout.pk, now=right_now()) == []
    end(sent(rollout)[0], S.PUBLISHED)
    resume_rollout(rollout=rollout, by=alice, now=right_now())
    assert states(rollout) == [S.PUBLISHED, *[S.ASKED] * 3]
    rollout.refresh_from_db()
    end_wave(rollout, S.PUBLISHED)
    assert rollout.state == State.FINISHED
    assert Install.objects.filter(state=Install.State.LIVE).count() == 4


def test_cancelling_gives_up_what_is_not_sent_for_good(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 4), canary=0, wave_size=2)
    end(sent(rollout)[0], S.PUBLISHED)
    cancel_rollout(rollout=rollout, by=alice, now=right_now())
    assert states(rollout) == [S.PUBLISHED]
    with pytest.raises(UnableToRollOut, match="paused or stopped"):
        resume_rollout(rollout=rollout, by=alice, now=right_now())
    assert advance(rollout.pk, now=right_now()) == []


def test_one_that_is_cancelled_alone_is_sent_again_only_after_another_look(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 2), canary=0)
    one, other = sent(rollout)
    cancel_publication(publication=one, by=alice)
    end(other, S.PUBLISHED)
    advance(rollout.pk, now=right_now())
    rollout.refresh_from_db()
    assert rollout.state == State.FINISHED
    assert fits_of(rollout) == ["cannot", "ready"]
    look_again(rollout=rollout)
    look_on(rollout=rollout)
    resume_rollout(rollout=rollout, by=alice, now=right_now())
    assert sorted(states(rollout)) == [S.ASKED, S.PUBLISHED]


def test_only_what_failed_is_tried_again(template, workspace, alice):
    rollout = started(template, alice, accounts(workspace, 3), canary=0, stop_above=100)
    end_wave(rollout, S.FAILED, S.REFUSED, S.PUBLISHED)
    assert rollout.state == State.FINISHED
    assert retry_failed(rollout=rollout, by=alice, now=right_now()) == 1
    assert states(rollout) == [S.ASKED, S.REFUSED, S.PUBLISHED]
    rollout.refresh_from_db()
    assert rollout.state == State.RUNNING
    end_wave(rollout, S.PUBLISHED)
    assert rollout.state == State.FINISHED
    with pytest.raises(UnableToRollOut, match="Nothing failed"):
        retry_failed(rollout=rollout, by=alice, now=right_now())


def test_what_becomes_ready_later_can_follow(template, workspace, alice):
    ready, other = accounts(workspace, 1), accounts(workspace, 1, lists=(), first=1)
    rollout = planned(template, alice, [*ready, *other], looked_at=False)
    other[0].catalog.create(kind="list", klaviyo_id="L1", name="Something else")
    look_on(rollout=rollout)
    assert fits_of(rollout) == ["ready", "asks"]
    start_rollout(rollout=rollout, by=alice, canary=0, wave_size=5, stop_above=10, now=right_now())
    end_wave(rollout, S.PUBLISHED)
    assert rollout.state == State.FINISHED
    other[0].catalog.create(kind="list", klaviyo_id="L2", name="Newsletter")
    look_again(rollout=rollout)
    look_on(rollout=rollout)
    resume_rollout(rollout=rollout, by=alice, now=right_now())
    assert states(rollout) == [S.PUBLISHED, S.ASKED]


def test_starting_needs_accounts_that_are_ready(template, workspace, alice):
    how = {"by": alice, "canary": 1, "wave_size": 5, "stop_above": 10, "now": right_now()}
    rollout = planned(template, alice, accounts(workspace, 1), looked_at=False)
    with pytest.raises(UnableToRollOut, match="1 account must still be looked at"):
        start_rollout(rollout=rollout, **how)
    Choice.objects.update(fit=Choice.Fit.CANNOT)
    with pytest.raises(UnableToRollOut, match="No account is ready"):
        start_rollout(rollout=rollout, **how)
    for wrong in ({"canary": -1}, {"wave_size": 0}, {"wave_size": 1001}, {"stop_above": 101}):
        with pytest.raises(UnableToRollOut):
            start_rollout(rollout=rollout, **how | wrong)
