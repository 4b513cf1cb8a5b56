"""A publication against the running sandbox: what lands, what is written down, what never happens twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts.klaviyo.client import Klaviyo
from accounts.models import Allowance, KlaviyoAccount
from flowbuilder import tasks
from flowbuilder.definition.canonical import canonical
from flowbuilder.models import Attempt, Install, Made, Publication
from flowbuilder.operations.installs import confirm_install
from flowbuilder.publisher import publish
from flowbuilder.publisher.calls import Known
from flowbuilder.publisher.lanes import run_lane
from flowbuilder.publisher.publish import MOST_401
from flowbuilder.tasks import sweep_publications
from tests import make

pytestmark = pytest.mark.django_db
CREATE = ("POST", "/api/flows")


def run(publication: Publication) -> Publication:
    publish.run(publication.pk)
    publication.refresh_from_db()
    return publication


def ripen(publication: Publication) -> None:
    """Let the waiting be over."""
    Allowance.objects.update(blocked_until=None)
    Publication.objects.filter(pk=publication.pk).update(
        not_before=now() - timedelta(seconds=1), lease_until=None
    )
    publication.refresh_from_db()


def sent_long_ago(publication: Publication) -> None:
    """The quiet period after whatever was lost is over."""
    publication.attempts.update(started_at=now() - timedelta(hours=1))
    ripen(publication)


def created(klaviyo, name="Abandoned cart"):
    return [flow for flow in klaviyo.flows() if flow["name"] == name]


def test_lands_as_designed(ready, alice, klaviyo):
    publication = run(confirm_install(install=ready, by=alice))
    assert (publication.state, publication.reason) == ("published", "")
    assert [one["id"] for one in created(klaviyo)] == [publication.klaviyo_flow_id]
    ready.refresh_from_db()
    assert (ready.state, ready.live_flow_id) == (Install.State.LIVE, publication.klaviyo_flow_id)
    assert set(ready.step_map) == {"wait-1", "can-text", "text-1", "mail-1", "wait-2", "mail-2"}
    assert ready.step_map["mail-1"]["message"]
    sent = publication.attempts.get(step="create-flow").request["data"]["attributes"]["definition"]
    held = publication.attempts.get(step="read-back").answer
    assert canonical(sent) == canonical(held)
    assert sent["triggers"][0]["id"] == "UpixsZ"
    mail = next(one for one in sent["actions"] if one["temporary_id"] == "mail-1")["data"]["message"]
    assert (mail["from_email"], mail["from_label"]) == ("mia@harbourpine.example", "Mia")


def test_every_call_is_written_before_and_after(ready, alice, klaviyo):
    publication = run(confirm_install(install=ready, by=alice))
    steps = list(publication.attempts.values_list("step", flat=True))
    assert steps == [
        "check-account",
        *(f"make-template-{key}" for key in ready.version.document["contents"]),
        "create-flow",
        "look-tag",
        "make-tag",
        "tag-flow",
        "read-back",
    ]
    assert set(publication.attempts.values_list("outcome", flat=True)) == {Attempt.Outcome.DONE}
    assert publication.made.filter(kind=Made.Kind.TEMPLATE).count() == 2
    stored = str(list(publication.attempts.values("request", "answer", "headers", "error")))
    assert "pk_sandbox" not in stored
    assert "street" not in stored.lower(), "an account's answer names people and streets"


def test_a_connection_that_leads_elsewhere_lets_nothing_through_not_even_the_second_one(
    ready, alice, klaviyo
):
    KlaviyoAccount.objects.update(klaviyo_id="Other1")
    first = confirm_install(install=ready, by=alice)
    second = Publication.objects.create(
        workspace=first.workspace, version=first.version, account=first.account, flow_name="Two"
    )
    run_lane(ready.account_id)
    for publication in (first, second):
        publication.refresh_from_db()
        assert publication.state == "failed"
        assert "leads to another Klaviyo account" in publication.reason
    assert created(klaviyo) == []


def test_what_a_lane_knows_of_its_account_may_be_gone(ready, alice, klaviyo):
    """The tag is deleted in Klaviyo between two publications of one turn: it is looked for again, and made."""
    first, known = confirm_install(install=ready, by=alice), Known()
    publish.run(first.pk, known=known)
    tag = Made.objects.get(kind=Made.Kind.TAG)
    assert known.tag == tag.klaviyo_id
    klaviyo.fault("status", "POST", f"/api/tags/{known.tag}/relationships/flows", status=404)
    second = Publication.objects.create(
        workspace=first.workspace,
        version=first.version,
        account=first.account,
        flow_name="Two",
        answers=first.answers,
    )
    publish.run(second.pk, known=known)
    second.refresh_from_db()
    assert (second.state, second.reason) == ("published", "")
    assert [one.step for one in second.attempts.all()][-4:] == [
        "tag-flow",
        "look-tag",
        "tag-flow",
        "read-back",
    ]


def test_a_second_run_does_nothing(ready, alice, klaviyo):
    publication = run(confirm_install(install=ready, by=alice))
    assert publish.run(publication.pk) is None
    assert len(created(klaviyo)) == 1


@pytest.mark.parametrize(
    "kind", ["after_reset", "after_status", "truncate", "bad_json", "no_id", "after_html"]
)
def test_a_lost_answer_is_looked_up_and_adopted(ready, alice, klaviyo, kind):
    klaviyo.fault(kind, *CREATE)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "unknown"
    assert publish.run(publication.pk) is None, "nothing is sent again before the quiet period is over"
    ripen(publication)
    assert run(publication).state == "published"
    assert len(created(klaviyo)) == 1, "two flows from one publication"


@pytest.mark.parametrize("kind", ["reset", "status", "html"])
def test_what_was_lost_without_effect_is_sent_again(ready, alice, klaviyo, kind):
    klaviyo.fault(kind, *CREATE, status=502)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "unknown"
    ripen(publication)
    assert run(publication).state == "published"
    assert publication.attempts.filter(step="create-flow").count() == 2
    assert len(created(klaviyo)) == 1


def test_a_look_that_fails_says_nothing(ready, alice, klaviyo):
    klaviyo.fault("after_reset", *CREATE)
    publication = run(confirm_install(install=ready, by=alice))
    klaviyo.fault("status", "GET", "/api/flows", times=20, status=500)
    ripen(publication)
    assert run(publication).state == "unknown"
    klaviyo.clear_faults()
    ripen(publication)
    assert run(publication).state == "published"
    assert len(created(klaviyo)) == 1


def test_throttled_waits_as_told(ready, alice, klaviyo):
    klaviyo.fault("status", *CREATE, status=429, retry_after=120)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "waiting"
    assert timedelta(seconds=100) < publication.not_before - now() < timedelta(seconds=125)
    assert publish.run(publication.pk) is None
    ripen(publication)
    assert run(publication).state == "published"
    assert publication.made.filter(kind="template").count() == 2, "templates are made once"


def test_a_worker_that_died_while_sending(ready, alice, klaviyo):
    publication = confirm_install(install=ready, by=alice)
    past = now() - timedelta(seconds=1)
    make.bring(publication, "sending", sent_at=now(), lease_until=past, attempt_number=1)
    assert sweep_publications() >= 0
    publish.run(publication.pk)
    publication.refresh_from_db()
    assert publication.state == "unknown"
    assert created(klaviyo) == []


def test_a_refusal_names_the_step(ready, alice, klaviyo):
    klaviyo.remove("metric", "UpixsZ")
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "refused"
    assert publication.refusals[0]["step"] == "trigger"
    assert created(klaviyo) == []


def test_consent_is_looked_at_again(ready, alice, klaviyo):
    publication = confirm_install(install=ready, by=alice)
    ready.account.grants.update(withdrawn_at=now())
    run(publication)
    assert publication.state == "failed"
    assert "may no longer publish" in publication.reason
    assert not publication.attempts.exists()


def test_a_lost_template_is_found_by_its_name(ready, alice, klaviyo):
    klaviyo.fault("after_reset", "POST", "/api/templates")
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "waiting"
    ripen(publication)
    assert run(publication).state == "waiting", "it may still take effect: a look says nothing yet"
    sent_long_ago(publication)
    assert run(publication).state == "published"
    made = [one for one in klaviyo.requests() if (one["method"], one["path"]) == ("POST", "/api/templates")]
    assert len(made) == 2, "one for each email"


def test_a_named_template_is_cloned_first(workspace, merchant, alice, klaviyo, seed):
    account = make.account(merchant)
    mail = seed["data"]["attributes"]["definition"]["actions"][3]["data"]["message"]
    mail["from_email"] = "sarah@harbourpine.example"  # the page shows a placeholder for the address
    install = make.install(make.template(workspace, seed), account, alice)
    publication = run(confirm_install(install=install, by=alice))
    assert publication.state == "published", publication.reason
    clone = publication.attempts.get(step__startswith="make-template")
    assert clone.path == "/api/template-clone"
    assert clone.request["data"]["id"] == "RfgG9g"


def test_the_same_intent_twice_is_one(ready, alice):
    assert confirm_install(install=ready, by=alice).pk == confirm_install(install=ready, by=alice).pk


def test_a_connection_that_breaks_while_looking_gives_nothing_up(ready, alice, klaviyo):
    """Failed and asked again would send it a second time without looking."""
    klaviyo.fault("after_reset", *CREATE)
    publication = run(confirm_install(install=ready, by=alice))
    klaviyo.fault("status", "GET", "/api/flows", status=401)
    ripen(publication)
    assert run(publication).state == "unknown"
    klaviyo.clear_faults()
    ripen(publication)
    assert run(publication).state == "published"
    assert len(created(klaviyo)) == 1


# --- The connection ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [("GET", "/api/accounts"), ("POST", "/api/templates"), CREATE])
def test_one_401_is_a_glitch_and_is_tried_again(ready, alice, klaviyo, where):
    klaviyo.fault("status", *where, status=401)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "waiting", publication.reason
    assert "We try again" in publication.reason
    assert publication.not_before
    ready.account.refresh_from_db()
    assert ready.account.is_connected
    ripen(publication)
    assert run(publication).state == "published"
    assert len(created(klaviyo)) == 1


def test_a_401_that_never_ends_is_told_to_a_person(ready, alice, klaviyo):
    klaviyo.fault("status", "POST", "/api/templates", status=401, times=9)
    publication = run(confirm_install(install=ready, by=alice))
    runs = 1
    while publication.state == "waiting":
        ripen(publication)
        runs += run(publication) is not None
    assert (publication.state, runs) == ("failed", MOST_401)
    assert "Reconnect the account, then try again" in publication.reason


def test_a_key_that_klaviyo_refuses_twice_is_the_end(ready, alice, klaviyo):
    klaviyo.fault("status", "GET", "/api/accounts", status=401, times=2)
    publication = run(confirm_install(install=ready, by=alice))
    ready.account.refresh_from_db()
    assert (publication.state, ready.account.is_connected) == ("failed", False)
    assert ready.account.state_reason == "Klaviyo no longer accepts the private key of this account."


def test_who_connects_again_wakes_what_waits_there_at_once(ready, alice, klaviyo, monkeypatch):
    rung = []
    monkeypatch.setattr(tasks, "ring", rung.append)
    publication = confirm_install(install=ready, by=alice)
    make.bring(publication, "waiting", not_before=now() + timedelta(hours=5))
    tasks.go_on_in(ready.account_id + 1)
    assert rung == []
    tasks.go_on_in(ready.account_id)
    assert rung == [ready.account_id]
    assert run(publication).state == "published"


def test_what_is_looked_up_is_looked_up_at_once_but_never_too_early(ready, alice, klaviyo):
    """The connection broke while it was unknown: it would have waited for ten minutes."""
    klaviyo.fault("after_reset", *CREATE)
    publication = run(confirm_install(install=ready, by=alice))
    quiet = publication.not_before
    account = ready.account
    account.state, account.state_reason = "disconnected", "Klaviyo has ended this connection."
    account.save()
    ripen(publication)
    assert run(publication).state == "unknown"
    assert publication.not_before > now() + timedelta(minutes=9)
    account.state, account.connected_at = "connected", now()
    account.save()
    tasks.go_on_in(account.pk)
    publication.refresh_from_db()
    assert publication.not_before == quiet, "it may still come into being: a look would find nothing"
    Publication.objects.filter(pk=publication.pk).update(sent_at=now() - timedelta(hours=1))
    tasks.go_on_in(account.pk)
    assert run(publication).state == "published"
    assert len(created(klaviyo)) == 1


def test_what_landed_has_landed(ready, alice, klaviyo):
    """The read-back fails for good: the flow is there all the same."""
    klaviyo.fault("status", "GET", "/api/flows/*", status=403, times=5)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "published"
    assert "could not be read back" in publication.reason
    ready.refresh_from_db()
    assert ready.live_flow_id == publication.klaviyo_flow_id


def test_a_call_is_written_down_before_it_is_sent(ready, alice, klaviyo, monkeypatch):
    """The process dies in the middle of the create: the row that says it was sent is there."""
    publication = confirm_install(install=ready, by=alice)
    send = Klaviyo.call

    def die(self, method, path, **more):
        if (method, path) == CREATE:
            row = publication.attempts.get(step="create-flow")
            assert (row.outcome, row.ended_at) == (Attempt.Outcome.SENT, None)
            raise SystemExit
        return send(self, method, path, **more)

    monkeypatch.setattr(Klaviyo, "call", die)
    with pytest.raises(SystemExit):
        publish.run(publication.pk)
    publication.refresh_from_db()
    assert publication.state == "sending"
    assert publication.attempts.get(step="create-flow").request["data"]["type"] == "flow"


def test_a_flow_that_was_deleted_before_it_was_read_back_keeps_nobody_waiting(ready, alice, klaviyo):
    klaviyo.fault("status", "GET", "/api/flows/*", status=404, times=50)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "published"
    assert "deleted in Klaviyo" in publication.reason
