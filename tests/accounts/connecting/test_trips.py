"""Connecting by real trips to a running pretend Klaviyo, and the catalog that is read then; no secret anywhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from celery import current_app
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client

from accounts import tasks
from accounts.catalog import read_catalog
from accounts.connection import client_for
from accounts.klaviyo.errors import ConnectionLost, KlaviyoError, NotAuthorized
from accounts.klaviyo.scopes import SCOPES
from accounts.models import CatalogEntry, Grant, KlaviyoAccount, OAuthState, User, Workspace
from flowbuilder.celery import app
from flowbuilder.sandbox.testing import RunningSandbox
from tests.accounts.connecting.trips import CALLBACK, LIST, connected, consent, secrets_of, set_out

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]


# --- The trip that goes well --------------------------------------------------------------------------------------


def test_a_trip_connects_the_account_with_all_that_is_known_of_it(
    browser: Client, mia: User, shop: Workspace
) -> None:
    query = consent(set_out(browser, next="/library/"))
    answer = browser.get(CALLBACK, query)
    assert (answer.status_code, answer["location"]) == (302, "/library/")
    account = KlaviyoAccount.objects.get()
    assert (account.klaviyo_id, account.name, account.owner, account.is_connected, account.is_test) == (
        *("UpK3sZ", "Harbour & Pine", shop, True, False),
    )
    assert (account.currency, account.timezone, account.way_in) == ("USD", "America/New_York", "OAuth")
    assert account.sender_email == "hello@harbourpine.example"
    assert set(account.scopes) == set(SCOPES)
    grant = Grant.objects.get()
    assert (grant.workspace, grant.given_by) == (shop, mia)
    assert grant.can_read
    assert grant.can_publish
    assert grant.can_report
    assert client_for(account).get_account().id == "UpK3sZ"
    page = browser.get(LIST).content.decode()
    assert "Harbour &amp; Pine is connected." in page
    assert "America/New_York" in page
    assert "UpK3sZ" in page


def test_what_is_stored_of_a_trip_tells_nothing(browser: Client) -> None:
    address = set_out(browser, next="https://evil.example/")
    state = dict(parse_qsl(urlsplit(address).query))["state"]
    trip = OAuthState.objects.get()
    assert trip.next_url == ""
    assert state not in (trip.state_hash, trip.session_hash)
    with connection.cursor() as cursor:
        cursor.execute("select * from accounts_oauthstate")
        row = str(cursor.fetchone())
    assert state not in row
    assert trip.verifier.reveal() not in row
    assert browser.session["klaviyo_nonce"] not in row


def test_connecting_again_keeps_one_row_and_its_owner(browser: Client, shop: Workspace) -> None:
    first = connected(browser)
    ada = Client()
    ada.force_login(User.objects.get(name="Ada Brandt"))
    answer = ada.get(CALLBACK, consent(set_out(ada, "/w/northwind/accounts/connect/")))
    assert answer.status_code == 302
    said = str(next(iter(get_messages(answer.wsgi_request))))
    assert "Harbour & Pine had connected it before, so it stays theirs" in said
    account = KlaviyoAccount.objects.get()
    assert account.pk == first.pk
    assert account.owner == shop
    assert secrets_of(account) != secrets_of(first)
    assert {grant.workspace.slug for grant in Grant.objects.all()} == {"harbour-pine", "northwind"}
    connected(browser)
    assert Grant.objects.count() == 2


def test_the_catalog_is_asked_for_once_the_account_is_safe(
    browser: Client, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whatever waits there for its connection is rung for. Each time that it is connected, and by its name."""
    asked: list[Any] = []
    monkeypatch.setattr(current_app, "send_task", lambda *args: asked.append(args))
    pk = None
    for _ in range(2):
        query = consent(set_out(browser))
        with django_capture_on_commit_callbacks(execute=True):
            browser.get(CALLBACK, query)
        pk = KlaviyoAccount.objects.get().pk
        rung = [("accounts.tasks.read_account", (pk,)), ("flowbuilder.tasks.go_on_in", (pk,))]
        assert asked == rung
        asked.clear()
    assert {name for name, _ in rung} <= set(app.tasks)


# --- The catalog --------------------------------------------------------------------------------------------------


def test_the_catalog_is_what_the_account_has(browser: Client, klaviyo: RunningSandbox) -> None:
    account = connected(browser)
    assert read_catalog(account) == CatalogEntry.objects.count()
    lists = CatalogEntry.objects.filter(kind="list")
    assert [entry.name for entry in lists] == ["Newsletter", "SMS Subscribers", "VIP"]
    metric = CatalogEntry.objects.get(klaviyo_id="UpixsZ")
    assert str(metric) == "Checkout Started (Shopify)"
    vip = lists.get(name="VIP")
    klaviyo.remove("list", vip.klaviyo_id)
    others = CatalogEntry.objects.exclude(kind="list").count()
    assert read_catalog(account, ["list"]) == 2
    assert not CatalogEntry.objects.filter(pk=vip.pk).exists()
    assert CatalogEntry.objects.get(kind="list", name="Newsletter").pk == lists.get(name="Newsletter").pk
    assert CatalogEntry.objects.exclude(kind="list").count() == others


def test_half_a_catalog_changes_nothing(browser: Client, klaviyo: RunningSandbox) -> None:
    account = connected(browser)
    read_catalog(account)
    before = list(CatalogEntry.objects.values_list("pk", "read_at"))
    klaviyo.fault("status", "GET", "/api/segments", times=9)
    with pytest.raises(KlaviyoError):
        read_catalog(account)
    assert list(CatalogEntry.objects.values_list("pk", "read_at")) == before
    klaviyo.fault("status", "GET", "/api/segments", times=9)
    tasks.read_account(account.pk)  # tells the log, not the world
    tasks.read_account(account.pk + 1)


def test_a_dead_key_is_noticed(browser: Client, klaviyo: RunningSandbox) -> None:
    browser.post(f"{LIST}key/", {"key": klaviyo.api_key()})
    account = KlaviyoAccount.objects.get()
    klaviyo.fault("status", "GET", "/api/metrics", status=401)
    klaviyo.fault("status", "GET", "/api/accounts", status=401)
    with pytest.raises(NotAuthorized):
        read_catalog(account)
    assert not KlaviyoAccount.objects.get().is_connected


def test_a_401_that_was_a_glitch_ends_no_connection(browser: Client, klaviyo: RunningSandbox) -> None:
    browser.post(f"{LIST}key/", {"key": klaviyo.api_key()})
    klaviyo.fault("status", "GET", "/api/metrics", status=401)
    with pytest.raises(NotAuthorized):
        read_catalog(KlaviyoAccount.objects.get())
    assert KlaviyoAccount.objects.get().is_connected


def test_two_401_in_a_row_end_no_connection_that_could_be_renewed(
    browser: Client, klaviyo: RunningSandbox
) -> None:
    """Had it been revoked, the renewal between the two had failed; and only a person could bring its tokens back."""
    account = connected(browser)
    klaviyo.fault("status", "GET", "/api/metrics", status=401, times=2)
    with pytest.raises(NotAuthorized):
        read_catalog(account)
    account.refresh_from_db()
    assert account.is_connected
    assert read_catalog(account) > 0
    klaviyo.uninstall("harbour")
    with pytest.raises(ConnectionLost):
        read_catalog(account)
    account.refresh_from_db()
    assert not account.is_connected
    assert account.access_token is None


# --- Secrets ------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_a_page_a_log_a_repr_or_the_database(
    browser: Client, klaviyo: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    query = consent(set_out(browser))  # the browser's own log, which names the code, comes before ours
    caplog.set_level("DEBUG")
    seen = browser.get(CALLBACK, query).content.decode()
    account = KlaviyoAccount.objects.get()
    secrets = secrets_of(account)
    assert len(secrets) == 2
    door = client_for(account)
    read_catalog(account)
    for path in ("/", LIST, "/people/token/", "/workspaces/new/"):
        seen += browser.get(path).content.decode()
    klaviyo.uninstall("harbour")
    with pytest.raises(ConnectionLost) as lost:
        door.get_account()
    seen += f"{lost.value!r} {account!r} {account.__dict__!r} {door!r}"
    with connection.cursor() as cursor:
        for table in ("accounts_klaviyoaccount", "accounts_oauthstate", "django_session"):
            cursor.execute(f"select * from {table}")
            seen += str(cursor.fetchall())
    seen += browser.get(LIST).content.decode()
    logged = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("django.db")
    )
    for secret in (*secrets, query["code"], klaviyo.client_secret):
        assert secret not in seen
        assert secret not in logged
    assert "the app was removed there" in seen
