"""Accounts compared with our rows, on the running sandbox: what fits is silent, what does not is told, both ways."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from accounts.connection import client_for
from accounts.klaviyo.errors import KlaviyoError
from accounts.operations import mark_disconnected
from flowbuilder import tasks
from flowbuilder.models import Install, Made, Orphan, Publication
from flowbuilder.operations import after
from flowbuilder.operations.installs import confirm_install
from flowbuilder.publisher import orphans
from flowbuilder.publisher.states import NOT_OURS
from tests.hands import delete_flow
from tests.publisher.test_publish import CREATE, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def landed(ready, alice, klaviyo) -> Install:
    assert run(confirm_install(install=ready, by=alice)).state == "published"
    ready.refresh_from_db()
    return ready


def compared(install: Install) -> list[tuple[str, str]]:
    orphans.compare(install.account, now())
    return sorted(Orphan.objects.values_list("kind", "klaviyo_flow_id"))


def double(install: Install, name: str = "") -> str:
    """A second one of its flow, made past us."""
    body = install.publications.latest("pk").attempts.filter(step="create-flow").latest("number").request
    if name:
        body["data"]["attributes"]["name"] = name
    return client_for(install.account).create_flow(body).id


def tag(install: Install, flow: str) -> None:
    id = Made.objects.get(kind="tag").klaviyo_id
    body = {"data": [{"type": "flow", "id": flow}]}
    client_for(install.account).call("POST", f"/api/tags/{id}/relationships/flows", json=body)


def test_what_fits_is_silent_and_flows_of_others_are_nobodys_business(landed, klaviyo):
    assert len(klaviyo.flows()) > 1, "the account has flows of its own"
    assert compared(landed) == []


def test_a_flow_of_our_name_that_nobody_knows(landed):
    other = double(landed)
    double(landed, "Something else")
    assert compared(landed) == [("unknown", other)]
    assert "has the name of one that we published" in Orphan.objects.get().why


def test_a_flow_of_that_name_that_was_there_before_us_is_not_ours(landed):
    double(landed)
    Publication.objects.update(created_at=now() + timedelta(hours=1))
    assert compared(landed) == []


def test_a_flow_with_our_tag_that_nobody_knows(landed):
    other = double(landed, "A copy under another name")
    tag(landed, other)
    assert compared(landed) == [("unknown", other)]
    assert "has our tag" in Orphan.objects.get().why


def test_an_install_whose_flow_is_gone(landed):
    delete_flow(landed.account, landed.live_flow_id)
    assert compared(landed) == [("gone", landed.live_flow_id)]
    assert Orphan.objects.get().install == landed


def test_what_is_being_changed_or_looked_up_is_left_alone(landed, alice):
    twin = double(landed)
    after.ask_for_removal(install=landed, by=alice)
    delete_flow(landed.account, landed.live_flow_id)
    assert compared(landed) == [("unknown", twin)], "its own flow is being removed just now"
    publication = Publication.objects.create(
        workspace=landed.workspace, version=landed.version, account=landed.account, flow_name="Abandoned cart"
    )
    assert compared(landed) == [], "the twin may be the one that is looked for"
    publication.delete()


def test_what_a_person_called_anothers_is_not_asked_about_again(landed):
    other = double(landed)
    Publication.objects.update(wanted={NOT_OURS: [other]})
    assert compared(landed) == []


def test_what_was_put_right_is_forgotten_and_what_stays_keeps_its_day(landed):
    first, second = double(landed), double(landed)
    assert len(compared(landed)) == 2
    Orphan.objects.update(found_at=now() - timedelta(days=3))
    delete_flow(landed.account, first)
    assert compared(landed) == [("unknown", second)]
    left = Orphan.objects.get()
    assert left.found_at < now() - timedelta(days=2) < left.seen_at


def test_half_a_list_changes_nothing(landed, klaviyo):
    double(landed)
    compared(landed)
    klaviyo.fault("status", "GET", "/api/flows", status=500, times=9)
    with pytest.raises(KlaviyoError):
        orphans.compare(landed.account, now())
    tasks.compare_account(landed.account_id)  # tells the log, not the world
    tasks.compare_account(landed.account_id + 1)
    assert Orphan.objects.count() == 1


def test_every_account_is_compared_by_a_message_of_its_own(landed, monkeypatch):
    rung = []
    monkeypatch.setattr(tasks.compare_account, "apply_async", lambda args, **how: rung.append((args, how)))
    tasks.compare_accounts()
    assert rung == [((landed.account_id,), {"queue": tasks.ROLLOUTS})]
    mark_disconnected(account=landed.account, reason="Gone.")
    tasks.compare_accounts()
    assert len(rung) == 1


def lines(*options: str) -> list[dict]:
    out = StringIO()
    with suppress(CommandError):
        call_command("orphans", *options, stdout=out, stderr=StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_command_prints_lines_and_fails_where_there_is_something(landed, alice, klaviyo):
    call_command("orphans", stdout=StringIO())
    other = double(landed)
    assert lines() == [], "as last compared"
    with pytest.raises(CommandError, match="1 to be looked at"):
        call_command("orphans", "--now", stdout=StringIO())
    [line] = lines("--now")
    assert (line["kind"], line["account"], line["flow"]) == ("unknown", landed.account.klaviyo_id, other)
    klaviyo.fault("after_reset", *CREATE)
    Publication.objects.update(created_at=now() - timedelta(days=2))
    late = Publication.objects.create(
        workspace=landed.workspace,
        version=landed.version,
        account=landed.account,
        flow_name="Late",
        created_at=now() - timedelta(hours=5),
    )
    assert [one["kind"] for one in lines()] == ["unknown", "late"]
    assert lines()[1]["publication"] == late.pk
    assert "Nobody has come by for" in lines()[1]["why"]
