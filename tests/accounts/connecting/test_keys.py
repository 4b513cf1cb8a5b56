"""Private keys, and the farewell of an account."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import refusals
from accounts.connecting import connect_with_key, disconnect
from accounts.connection import client_for
from accounts.klaviyo.errors import ConnectionLost
from accounts.models import KlaviyoAccount, User, Workspace
from flowbuilder.sandbox.testing import RunningSandbox
from tests.accounts.connecting.trips import CALLBACK, LIST, connected, consent, secrets_of, set_out

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]


# --- Private keys -------------------------------------------------------------------------------------------------


def test_a_key_connects_and_is_never_seen_again(
    browser: Client, klaviyo: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    key = klaviyo.api_key()
    answer = browser.post(f"{LIST}key/", {"key": f" {key}\n", "next": "/library/"})
    assert (answer.status_code, answer["location"]) == (302, "/library/")
    account = KlaviyoAccount.objects.get()
    assert (account.way_in, account.refresh_token) == ("private API key", None)
    assert client_for(account).get_account().id == account.klaviyo_id
    page = browser.get(LIST).content.decode()
    assert "private API key" in page
    assert key not in page + caplog.text + repr(account.__dict__) + repr(client_for(account))


@pytest.mark.parametrize(
    "key", ["", "pk", "sk_123456789", "pk_with space", "pk_<script>", "pk_wrong_key_here"]
)
def test_a_refused_key_is_an_error_on_the_same_page(browser: Client, key: str) -> None:
    answer = browser.post(f"{LIST}key/", {"key": key})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "errorlist" in page
    assert "What Klaviyo will ask" in page
    assert not key or len(key) < 3 or key not in page.replace("pk_…", "")
    assert not KlaviyoAccount.objects.exists()


@pytest.mark.parametrize(
    ("fault", "path", "kind"),
    [
        ({"kind": "status", "status": 403}, "/api/accounts", refusals.KeyLacksScopes),
        ({"kind": "status", "status": 403}, "/api/lists", refusals.KeyLacksScopes),
        ({"kind": "reset"}, "/api/accounts", refusals.Unreachable),
        ({"kind": "status", "status": 503}, "/api/tags", refusals.Unreachable),
    ],
)
def test_a_key_that_may_not_do_enough(
    fault: dict[str, Any],
    path: str,
    kind: type[Exception],
    klaviyo: RunningSandbox,
    mia: User,
    shop: Workspace,
) -> None:
    klaviyo.fault(fault.pop("kind"), "GET", path, **fault)
    with pytest.raises(kind):
        connect_with_key(user=mia, workspace=shop, key=klaviyo.api_key())
    assert not KlaviyoAccount.objects.exists()


def test_a_key_takes_nothing_from_oauth_and_nothing_from_the_owner(
    browser: Client, klaviyo: RunningSandbox, mia: User, shop: Workspace
) -> None:
    ada, northwind = User.objects.get(name="Ada Brandt"), Workspace.objects.get(slug="northwind")
    by_oauth = connected(browser)
    connect_with_key(user=ada, workspace=northwind, key=klaviyo.api_key())
    account = KlaviyoAccount.objects.get()
    assert (account.api_key, secrets_of(account)) == (None, secrets_of(by_oauth))
    assert account.grants.count() == 2
    disconnect(account=account, by=mia)
    connect_with_key(user=mia, workspace=shop, key=klaviyo.api_key())
    account.refresh_from_db()
    assert secrets_of(account) == [klaviyo.api_key()]
    assert secrets_of(connected(browser))[0] != klaviyo.api_key()  # and OAuth takes the place of a key
    assert KlaviyoAccount.objects.get().api_key is None


# --- The farewell -------------------------------------------------------------------------------------------------


def test_disconnecting_asks_revokes_and_erases(browser: Client, klaviyo: RunningSandbox) -> None:
    account = connected(browser)
    url = reverse("accounts:disconnect", args=[account.pk])
    page = browser.post(url)
    assert page.status_code == 200
    assert b"go on sending" in page.content
    assert b"<html" in page.content
    account.refresh_from_db()
    assert account.is_connected
    door = client_for(account)
    page = browser.post(url, {"confirm": "yes"}, follow=True).content.decode()
    assert "the app was removed from it in Klaviyo" in page
    assert "Disconnected by Mia Sund." in page
    assert "Reconnect" in page
    account.refresh_from_db()
    assert not account.is_connected
    assert account.disconnected_at
    assert secrets_of(account) == []
    assert account.expires_at is None
    assert "/oauth/revoke" in [call["path"] for call in klaviyo.requests()]
    for act in (door.get_account, lambda: client_for(account)):
        with pytest.raises(ConnectionLost, match="connect it again"):
            act()
    again = browser.get(CALLBACK, consent(set_out(browser, f"/accounts/{account.pk}/reconnect/")))
    assert again.status_code == 302
    assert client_for(KlaviyoAccount.objects.get()).get_account().id == "UpK3sZ"


@pytest.mark.parametrize("fault", ["reset", "status", "html"])
def test_tokens_are_erased_whatever_klaviyo_says(
    fault: str, browser: Client, klaviyo: RunningSandbox
) -> None:
    account = connected(browser)
    klaviyo.fault(fault, "POST", "/oauth/revoke")
    url = reverse("accounts:disconnect", args=[account.pk])
    page = browser.post(url, {"confirm": "yes"}, follow=True).content.decode()
    assert "Klaviyo could not be told" in page
    account.refresh_from_db()
    assert secrets_of(account) == []


def test_a_key_is_deleted_by_people(browser: Client, klaviyo: RunningSandbox) -> None:
    browser.post(f"{LIST}key/", {"key": klaviyo.api_key()})
    url = reverse("accounts:disconnect", args=[KlaviyoAccount.objects.get().pk])
    page = browser.post(url, {"confirm": "yes"}, follow=True).content.decode()
    assert "Delete the key in Klaviyo too" in page
    assert secrets_of(KlaviyoAccount.objects.get()) == []
