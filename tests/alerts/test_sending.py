"""A message arrives once: signed or by mail, tried again a few times and no more, and never to a stranger."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts.models import Membership
from flowbuilder.alerts import sending
from flowbuilder.alerts.keeping import due, look
from flowbuilder.alerts.sending import send
from flowbuilder.models import Delivery
from flowbuilder.operations import alerts as operations
from tests.accounts.klaviyo.stub import Stub
from tests.accounts.test_webhooks import answer
from tests.alerts.conftest import listener
from tests.alerts.test_keeping import disconnect
from tests.history.conftest import World

NOW = timezone.now()


@pytest.fixture
def wrong(told: World) -> Delivery:
    disconnect(told)
    look(NOW)
    return Delivery.objects.get()


def again(delivery: Delivery) -> Delivery:
    delivery.refresh_from_db()
    return delivery


def test_a_mail_says_what_is_wrong_and_where_to_act(told: World, wrong: Delivery, settings):
    settings.SITE_URL = "https://flows.example.org"
    assert due(NOW) == [wrong.pk]
    send(wrong.pk, NOW)
    [message] = mail.outbox
    assert message.to == ["mia@example.com"]
    assert message.subject == "Harbour: Harbour & Pine: disconnected. Klaviyo has ended this connection."
    assert f"https://flows.example.org/w/harbour/accounts/#account-{told.account.pk}" in message.body
    assert "https://flows.example.org/w/harbour/alerts/" in message.body
    assert (again(wrong).state, wrong.tries) == ("sent", 1)
    send(wrong.pk, NOW + timedelta(days=1))
    assert len(mail.outbox) == 1


def test_who_left_the_workspace_hears_nothing(told: World, wrong: Delivery):
    Membership.objects.filter(user=told.mia).delete()
    send(wrong.pk, NOW)
    assert mail.outbox == []
    assert again(wrong).state == "failed"
    assert "Nobody of the workspace" in wrong.error


def test_a_webhook_is_signed_with_the_secret_that_was_shown_once(told: World, settings):
    settings.DEMO = True
    with Stub(answer(200)) as stub:
        made, secret = operations.add_listener(
            workspace=told.shop,
            by=told.mia,
            kind="webhook",
            address=f"{stub.url}/hook",
            hears=["disconnected"],
            pace="at-once",
        )
        disconnect(told)
        look(NOW)
        [delivery] = made.deliveries.all()
        send(delivery.pk, NOW)
    head, _, body = stub.requests[0].partition(b"\r\n\r\n")
    at = str(int(NOW.timestamp()))
    known = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert f"t={at},v1={known}".encode() in head
    told_of = json.loads(body)
    assert (told_of["id"], told_of["type"]) == (str(delivery.pk), "alerts")
    assert told_of["workspace"] == {"slug": "harbour", "name": "Harbour"}
    [alert] = told_of["alerts"]
    assert alert["kind"] == "disconnected"
    assert alert["url"].endswith(f"/w/harbour/accounts/#account-{told.account.pk}")
    assert alert["closed_at"] is None
    assert (again(delivery).state, delivery.status) == ("sent", 200)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM flowbuilder_listener WHERE id = %s", [made.pk])
        assert secret not in cursor.fetchone()[0]


def test_it_is_tried_again_after_longer_and_longer_waits_and_then_given_up(told: World, settings):
    settings.DEMO = True
    with Stub(answer(500)) as stub:
        hook = listener(told.shop, stub.url, kind="webhook", secret="whsec_1")
        delivery = hook.deliveries.create(is_test=True, not_before=NOW)
        at, waits = NOW, []
        for number in range(1, Delivery.MOST_TRIES + 1):
            assert due(at) == [delivery.pk]
            send(delivery.pk, at)
            assert again(delivery).tries == number
            send(delivery.pk, at)  # too early: nothing
            waits.append(delivery.not_before - at)
            at = delivery.not_before
        assert delivery.state == "failed"
        assert delivery.error == "The answer was 500."
        assert waits[:-1] == list(sending.WAITS)
        assert waits[:-1] == sorted(waits[:-1])
        send(delivery.pk, at + timedelta(days=9))
        assert due(at + timedelta(days=9)) == []
        assert len(stub.requests) == Delivery.MOST_TRIES
        operations.send_again(delivery=delivery)
        send(delivery.pk, timezone.now())
        assert len(stub.requests) == Delivery.MOST_TRIES + 1
    numbers = {line for one in stub.requests for line in one.split(b"\r\n") if b"elivery" in line}
    assert len(numbers) == 1


def test_of_two_workers_one_sends(wrong: Delivery, monkeypatch):
    """The second one reads the row before the first one has taken it."""
    real = Delivery.objects.select_related

    def first(*names):
        monkeypatch.setattr(Delivery.objects, "select_related", real)
        rows = real(*names)
        held = rows.get(pk=wrong.pk)
        send(wrong.pk, NOW)
        return type("Rows", (), {"filter": lambda *_, **__: type("One", (), {"first": lambda _: held})()})()

    monkeypatch.setattr(Delivery.objects, "select_related", first)
    send(wrong.pk, NOW)
    assert len(mail.outbox) == 1


def test_a_server_of_mail_that_is_away(wrong: Delivery, monkeypatch):
    def away(self) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", away)
    send(wrong.pk, NOW)
    assert again(wrong).state == "waiting"
    assert wrong.error == "The mail could not be handed over (ConnectionRefusedError)."
    assert wrong.not_before == NOW + sending.WAITS[0]


def test_outside_of_the_demo_nothing_goes_inside(told: World):
    hook = listener(told.shop, "https://127.0.0.1/", kind="webhook", secret="whsec_1")
    delivery = hook.deliveries.create(is_test=True, not_before=NOW)
    send(delivery.pk, NOW)
    assert again(delivery).state == "failed"
    assert "private network" in delivery.error


def test_a_secret_of_a_lost_key_sends_nothing_unsigned(told: World, settings):
    settings.DEMO = True
    with Stub(answer(200)) as stub:
        hook = listener(told.shop, stub.url, kind="webhook", secret="whsec_1")
        delivery = hook.deliveries.create(is_test=True, not_before=NOW)
        settings.TOKEN_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
        send(delivery.pk, NOW)
    assert stub.requests == []
    assert "new one" in again(delivery).error
