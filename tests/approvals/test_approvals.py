"""Nothing is sent before a second person said yes to exactly that: the way there, and every way around it."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils.timezone import now

from accounts.models import Membership
from flowbuilder.models import Approval, Publication
from flowbuilder.operations import after
from flowbuilder.operations.approvals import UnableToApprove, decide, require, withdraw
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.publications import cancel_publication, retry_publication
from flowbuilder.publisher import lanes, late, publish, receipts
from flowbuilder.publisher.states import due, move, next_due, take
from flowbuilder.queries.approvals import in_words, waiting_for
from tests import make
from tests.approvals.make import answered

pytestmark = pytest.mark.django_db
S = Publication.State


def yes(approval: Approval, by, **more):
    decide(approval=approval, by=by, verdict="yes", seen=approval.content_hash, **more)


def fresh(one):
    one.refresh_from_db()
    return one


def test_without_a_demand_nobody_is_asked(ready, alice):
    publication = confirm_install(install=ready, by=alice)
    assert not publication.needs_approval
    assert not publication.approvals.exists()
    assert next_due(publication.account_id, now()) == publication.pk


def test_it_waits_is_approved_and_lands_with_a_receipt_that_covers_the_yes(asked, ruben, alice):
    assert "Waits until a second person approves it: of Northwind." in asked.reason
    assert next_due(asked.account_id, now()) is None
    assert take(asked.pk, lease=publish.LEASE) is None
    assert not Publication.objects.filter(due(now())).exists()
    assert publish.run(asked.pk) is None
    approval = asked.approvals.get()
    assert in_words([approval]) == "Ruben of Northwind can approve it."
    assert list(waiting_for(ruben)) == [approval]
    assert not waiting_for(alice).exists()

    yes(approval, ruben)
    assert fresh(asked).state == S.APPROVED
    assert asked.approved_hash == approval.content_hash
    lanes.run_lane(asked.account_id)
    assert fresh(asked).state == S.PUBLISHED
    first = asked.moves.first()
    assert (first.to_state, first.by, first.reason) == ("approved", ruben, "Approved by Ruben.")
    assert receipts.verify(asked.account) is None
    Publication.objects.filter(pk=asked.pk).update(approved_hash="0" * 64)
    assert "its hash is not that" in receipts.verify(asked.account)


def test_nobody_approves_their_own_and_not_everybody_may(asked, alice, bob, charlie):
    approval = asked.approvals.get()
    with pytest.raises(UnableToApprove, match="Somebody else"):
        yes(approval, alice)
    for person in (bob, charlie):  # a designer, a stranger
        with pytest.raises(UnableToApprove, match="Owners and reviewers of Northwind"):
            yes(approval, person)
    assert fresh(asked).state == S.ASKED
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.update(verdict="yes", decided_by=alice, decided_at=now())


def test_a_refusal_says_why_and_gives_the_install_back(asked, ruben, ready):
    approval = asked.approvals.get()
    with pytest.raises(UnableToApprove, match="Say why not"):
        decide(approval=approval, by=ruben, verdict="no")
    decide(approval=approval, by=ruben, verdict="no", reason="Not before Monday.")
    assert (fresh(asked).state, asked.reason) == (S.CANCELLED, "Ruben did not approve it: Not before Monday.")
    assert fresh(ready).state == "choosing"
    with pytest.raises(UnableToApprove, match="It is refused by Ruben already"):
        yes(fresh(approval), ruben)


def test_the_asker_withdraws_and_nobody_else(asked, alice, ruben):
    approval = asked.approvals.get()
    with pytest.raises(UnableToApprove, match="Only Alice"):
        withdraw(approval=approval, by=ruben)
    withdraw(approval=approval, by=alice)
    assert (fresh(asked).state, asked.reason) == (S.CANCELLED, "Withdrawn by Alice.")
    assert fresh(approval).verdict == "withdrawn"


def test_what_is_cancelled_in_the_history_waits_for_nobody(asked, ruben):
    cancel_publication(publication=asked, by=ruben)
    assert asked.approvals.get().verdict == "withdrawn"
    assert not waiting_for(ruben).exists()


def test_a_yes_is_for_what_was_read(asked, ruben):
    approval = asked.approvals.get()
    with pytest.raises(UnableToApprove, match="not what was asked for"):
        decide(approval=approval, by=ruben, verdict="yes", seen="0" * 64)
    assert fresh(asked).state == S.ASKED


@pytest.mark.parametrize(
    "change",
    [
        {"answers": {"started-checkout": "Other1"}},
        {"shape": {"duplicate_tails": True}},
        {"flow_name": "Something else"},
        {"wanted": {"flow": "AbCdE1"}},
    ],
)
def test_a_change_before_the_yes_asks_anew(asked, ruben, change):
    approval = asked.approvals.get()
    Publication.objects.filter(pk=asked.pk).update(**change)
    with pytest.raises(UnableToApprove, match="has changed"):
        yes(approval, ruben)
    assert (fresh(approval).verdict, fresh(asked).state) == ("lapsed", S.ASKED)
    anew = asked.approvals.get(verdict="")
    assert anew.content_hash != approval.content_hash
    yes(anew, ruben)
    assert fresh(asked).state == S.APPROVED


def test_a_change_after_the_yes_lapses_and_nothing_is_sent(asked, ruben):
    approval = asked.approvals.get()
    yes(approval, ruben)
    Publication.objects.filter(pk=asked.pk).update(answers={**asked.answers, "placed-order": "Other1"})
    lanes.run_lane(asked.account_id)
    assert fresh(asked).state == S.ASKED
    assert "the approval has lapsed" in asked.reason
    assert not asked.attempts.exists()
    lapsed = fresh(approval)
    assert (lapsed.verdict, lapsed.decided_by) == ("lapsed", ruben)
    assert asked.approvals.get(verdict="").asked_by == asked.asked_by


def test_what_was_parked_is_looked_at_again(asked, ruben):
    yes(asked.approvals.get(), ruben)
    fresh(asked)
    move(asked, S.WAITING, "Not now.")
    Publication.objects.filter(pk=asked.pk).update(flow_name="Something else")
    lanes.run_lane(asked.account_id)
    assert fresh(asked).state == S.ASKED
    assert not asked.attempts.exists()


def test_a_retry_keeps_the_yes_of_the_same_and_asks_for_another(asked, ruben, alice):
    yes(asked.approvals.get(), ruben)
    move(fresh(asked), S.FAILED, "Broken.")
    retry_publication(publication=asked, by=alice)
    assert fresh(asked).state == S.APPROVED
    move(asked, S.FAILED, "Broken.")
    Publication.objects.filter(pk=asked.pk).update(flow_name="Something else")
    retry_publication(publication=asked, by=alice)
    assert fresh(asked).state == S.ASKED
    assert asked.approvals.filter(verdict="").count() == 1


# --- Who is asked --------------------------------------------------------------------------------------------------


def test_a_template_flow_asks_its_own_people_and_an_account_its_own(
    klaviyo, template, workspace, alice, ruben
):
    """Both where both say so; then one yes is not enough."""
    mia, max_ = make.user("mia@example.org", "Mia"), make.user("max@example.org", "Max")
    shop = make.workspace("shop", "merchant", owner=mia, reviewer=max_)
    shop.needs_approval = template.needs_approval = True
    shop.save()
    template.save()
    made = answered(template, make.account(shop), mia)
    publication = confirm_install(install=made, by=mia)
    of = {one.workspace: one for one in publication.approvals.all()}
    assert of.keys() == {workspace, shop}
    with pytest.raises(UnableToApprove, match="Owners and reviewers of Northwind"):
        yes(of[workspace], max_)
    yes(of[workspace], ruben)
    assert fresh(publication).state == S.ASKED
    yes(of[shop], max_)
    assert fresh(publication).state == S.APPROVED


def test_a_no_of_one_ends_the_question_for_the_other(klaviyo, template, workspace, ruben):
    mia = make.user("mia@example.org", "Mia")
    shop = make.workspace("shop", "merchant", owner=mia, reviewer=make.user("max@example.org"))
    shop.needs_approval = template.needs_approval = True
    shop.save()
    template.save()
    made = answered(template, make.account(shop), mia)
    publication = confirm_install(install=made, by=mia)
    decide(approval=publication.approvals.get(workspace=workspace), by=ruben, verdict="no", reason="No.")
    assert publication.approvals.get(workspace=shop).verdict == "lapsed"


def test_draft_needs_nobody_and_live_does(asked, ruben, alice, ready):
    yes(asked.approvals.get(), ruben)
    lanes.run_lane(asked.account_id)
    live = after.ask_for_status(install=fresh(ready), by=alice, status="live")
    assert live.needs_approval
    cancel_publication(publication=live, by=alice)
    assert not after.ask_for_pause(install=ready, by=alice).needs_approval


def test_whoever_is_alone_is_told_so_first(workspace, alice, bob):
    with pytest.raises(UnableToApprove, match="Alice is the only one in Northwind"):
        require(workspace=workspace, by=alice, in_workspace=True, templates=[])
    require(workspace=workspace, by=alice, in_workspace=True, templates=[], sure=True)
    assert fresh(workspace).needs_approval
    Membership.objects.filter(user=bob).update(role="reviewer")
    require(workspace=workspace, by=alice, in_workspace=True, templates=[])


def test_only_own_template_flows_can_be_ticked(workspace, template, charlie, ruben, alice):
    other = make.template(make.workspace("elsewhere", owner=charlie))
    require(workspace=workspace, by=alice, in_workspace=False, templates=[template.pk, other.pk])
    assert fresh(template).needs_approval
    assert not fresh(other).needs_approval
    require(workspace=workspace, by=alice, in_workspace=False, templates=[])
    assert not fresh(template).needs_approval


def test_what_waits_is_not_called_lost(asked):
    long_after = now() + late.UNSEEN * 2
    assert late.alarm(fresh(asked), long_after) == ""
    assert asked not in late.late_ones(long_after)
    assert "for a second person to approve it" in late.alarm(fresh(asked), now() + late.LONG * 2)


# --- The database's own --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["preparing", "verifying", "waiting", "failed"])
def test_the_database_lets_nothing_pass_by_the_yes(asked, state):
    with pytest.raises(DatabaseError, match="waits for a second person's yes"), transaction.atomic():
        Publication.objects.filter(pk=asked.pk).update(state=state)


def test_the_database_wants_a_yes_that_is_there(asked):
    with pytest.raises(DatabaseError, match="nobody approved this publication"), transaction.atomic():
        Publication.objects.filter(pk=asked.pk).update(state="approved")
    with pytest.raises(DatabaseError, match="goes on needing its yes"), transaction.atomic():
        Publication.objects.filter(pk=asked.pk).update(needs_approval=False)


def test_a_word_never_changes(asked, ruben):
    approval = asked.approvals.get()
    decide(approval=approval, by=ruben, verdict="no", reason="No.")
    rows = Approval.objects.filter(pk=approval.pk)
    for change in (
        {"verdict": "yes"},
        {"reason": "Yes."},
        {"content_hash": "x"},
        {"rollout": None, "workspace": 9},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
