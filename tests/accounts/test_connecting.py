"""Connecting and disconnecting, by real trips to a running pretend Klaviyo; every refusal, and no secret anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from celery import current_app
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import refusals, tasks
from accounts.catalog import read_catalog
from accounts.connecting import connect_with_key, disconnect, local_path
from accounts.connection import client_for
from accounts.demo import make_people
from accounts.klaviyo import sockets
from accounts.klaviyo.errors import ConnectionLost, KlaviyoError, NotAuthorized
from accounts.klaviyo.scopes import SCOPES
from accounts.models import CatalogEntry, Grant, KlaviyoAccount, Membership, OAuthState, User, Workspace
from flowbuilder.celery import app
from flowbuilder.sandbox.testing import RunningSandbox

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]
LIST = "/w/harbour-pine/accounts/"
CALLBACK = "/accounts/callback/"


@pytest.fixture(scope="module")
def _running() -> Iterator[RunningSandbox]:
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def klaviyo(_running: RunningSandbox, settings: Any) -> Iterator[RunningSandbox]:
    _running.reset()
    settings.KLAVIYO_BASE_URL = _running.url
    settings.KLAVIYO_AUTHORIZE_URL = f"{_running.url}/oauth/authorize"
    settings.KLAVIYO_CLIENT_ID, settings.KLAVIYO_CLIENT_SECRET = "sandbox-client", "sandbox-secret"
    settings.SITE_URL = "http://127.0.0.1:8000"
    yield _running
    sockets.close_connections()


@pytest.fixture
def mia(klaviyo: RunningSandbox) -> User:
    return make_people()["mia@harbourpine.example"]


@pytest.fixture
def shop(mia: User) -> Workspace:
    return Workspace.objects.get(slug="harbour-pine")


@pytest.fixture
def browser(mia: User) -> Client:
    client = Client()
    client.force_login(mia)
    return client


def set_out(browser: Client, url: str = f"{LIST}connect/", **form: str) -> str:
    """Press Connect; the address one is sent to."""
    answer = browser.post(url, form)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["location"])


def consent(address: str, account: str = "UpK3sZ", decision: str = "allow", **changes: str) -> dict[str, str]:
    """Answer the consent page; the query that comes back to us. `changes`: of the question, as by a forger."""
    parts = urlsplit(address)
    question = {**dict(parse_qsl(parts.query)), **changes}
    with httpx.Client(trust_env=False, verify=False) as web:
        answer = web.post(
            parts._replace(query=urlencode(question)).geturl(),
            data={"decision": decision, "account": account},
        )
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(f"http://127.0.0.1:8000{CALLBACK}")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def connected(browser: Client, account: str = "UpK3sZ") -> KlaviyoAccount:
    answer = browser.get(CALLBACK, consent(set_out(browser), account))
    assert answer.status_code == 302, answer.content.decode()
    return KlaviyoAccount.objects.get(klaviyo_id=account)


def secrets_of(account: KlaviyoAccount) -> list[str]:
    held = (account.access_token, account.refresh_token, account.api_key)
    return [secret.reveal() for secret in held if secret is not None]


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


# --- Every refusal ------------------------------------------------------------------------------------------------
# Each case: what happens between pressing Connect and coming back; returns who comes back, with what.

Trip = tuple[Client, dict[str, str]]
Case = Callable[[Client, RunningSandbox, Any], Trip]
CASES: dict[str, tuple[int, type[refusals.UnableToConnect], Case]] = {}


def refused(status: int, kind: type[refusals.UnableToConnect]) -> Callable[[Case], Case]:
    def keep(case: Case) -> Case:
        CASES[case.__name__] = (status, kind, case)
        return case

    return keep


@refused(403, refusals.Denied)
def denied(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    return browser, consent(set_out(browser), decision="deny")


@refused(403, refusals.Denied)
def denied_without_a_state(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    return browser, {"error": "access_denied", "error_description": "<b>Call 0800-PHISHING</b>"}


@refused(400, refusals.ConsentFailed)
def a_scope_klaviyo_does_not_know(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    return browser, consent(set_out(browser), scope="accounts:read cakes:write")


@refused(400, refusals.StateUnknown)
def an_invented_state(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    return browser, {**consent(set_out(browser)), "state": "invented"}


@refused(400, refusals.StateUnknown)
def no_state(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    return browser, {"code": consent(set_out(browser))["code"]}


@refused(400, refusals.StateReused)
def a_state_used_before(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    klaviyo.fault("status", "POST", "/oauth/token")
    assert browser.get(CALLBACK, query).status_code == 503
    return browser, query  # the code is still good, the state is not


@refused(403, refusals.StateForeign)
def another_session_of_the_same_person(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    other = Client()
    other.force_login(User.objects.get(name="Mia Sund"))
    set_out(other)
    return other, consent(set_out(browser))


@refused(403, refusals.StateForeign)
def another_person(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    other = Client()
    other.force_login(User.objects.get(name="Ada Brandt"))
    return other, consent(set_out(browser))


@refused(403, refusals.SignedOut)
def signed_out_on_the_way(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    browser.logout()
    return browser, query


@refused(400, refusals.StateExpired)
def eleven_minutes_later(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    trip = OAuthState.objects.get()
    trip.created_at -= timedelta(minutes=11)
    trip.save()
    return browser, query


@refused(403, refusals.NotAMember)
def thrown_out_on_the_way(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    Membership.objects.filter(user__name="Mia Sund").update(role=Membership.Role.REVIEWER)
    return browser, query


@refused(400, refusals.CodeNotAccepted)
def an_invented_code(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    return browser, {**consent(set_out(browser)), "code": "invented"}


@refused(400, refusals.CodeNotAccepted)
def no_code(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    return browser, {"state": consent(set_out(browser))["state"]}


@refused(400, refusals.CodeNotAccepted)
def a_code_of_six_minutes(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    klaviyo.advance(360)
    return browser, query


@refused(400, refusals.CodeNotAccepted)
def a_code_of_somebody_elses_trip(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    mine, theirs = consent(set_out(browser)), consent(set_out(browser), "QwE92b")
    return browser, {**mine, "code": theirs["code"]}  # the verifier does not fit


@refused(403, refusals.ScopesMissing)
def permissions_left_out(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    kept = " ".join(scope for scope in SCOPES if scope not in ("flows:write", "templates:write"))
    return browser, consent(set_out(browser), scope=kept)


@refused(403, refusals.WrongAccount)
def another_account_than_agreed(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    account = connected(browser)
    disconnect(account=account, by=User.objects.get(name="Mia Sund"))
    return browser, consent(set_out(browser, f"/accounts/{account.pk}/reconnect/"), "QwE92b")


@refused(503, refusals.Unreachable)
def klaviyo_is_down(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    klaviyo.fault("status", "POST", "/oauth/token", status=502)
    return browser, query


@refused(503, refusals.Unreachable)
def the_answer_with_the_tokens_is_lost(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    klaviyo.fault("after_reset", "POST", "/oauth/token")
    return browser, query


@refused(503, refusals.Unreachable)
def too_many_tries(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    klaviyo.fault("status", "POST", "/oauth/token", status=429, retry_after="30")
    return browser, query


@refused(503, refusals.Unreachable)
def klaviyo_does_not_say_who_it_was(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    klaviyo.fault("bad_json", "GET", "/api/accounts")
    return browser, query


@refused(503, refusals.BadApp)
def the_secret_of_the_site_is_wrong(browser: Client, klaviyo: RunningSandbox, settings: Any) -> Trip:
    query = consent(set_out(browser))
    settings.KLAVIYO_CLIENT_SECRET = "guess"
    return browser, query


@pytest.mark.parametrize("name", CASES)
def test_refused(
    name: str, browser: Client, klaviyo: RunningSandbox, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    status, kind, case = CASES[name]
    visitor, query = case(browser, klaviyo, settings)
    answer = visitor.get(CALLBACK, query)
    page = answer.content.decode()
    refusal = answer.context["refusal"]
    assert (answer.status_code, type(refusal)) == (status, kind)
    assert f"<h1>{kind.title}</h1>" in page
    assert "0800-PHISHING" not in page
    assert re.fullmatch(r"[A-Z].*\.", str(refusal))
    assert str(refusal) == refusal.text
    assert re.search(rf'class="btn primary"[^>]*>{refusal.press}<', page), "the next press"
    assert not KlaviyoAccount.objects.filter(state="connected").exists()
    assert not Grant.objects.exclude(account__state="disconnected").exists()
    assert "no-store" in answer["cache-control"]
    for value in query.values():
        assert value not in page + caplog.text or value == "access_denied"


def test_the_next_press_starts_the_same_trip_again(browser: Client) -> None:
    page = browser.get(CALLBACK, consent(set_out(browser, next="/library/"), decision="deny"))
    content = page.content.decode()
    assert f'action="{LIST}connect/"' in content
    assert 'name="next" value="/library/"' in content
    answer = browser.get(CALLBACK, consent(set_out(browser, page.context["trip"], next=page.context["next"])))
    assert answer["location"] == "/library/"


def test_missing_permissions_are_named_in_words_and_the_app_is_taken_back(
    browser: Client, klaviyo: RunningSandbox
) -> None:
    kept = " ".join(scope for scope in SCOPES if scope not in ("flows:write", "templates:write"))
    page = browser.get(CALLBACK, consent(set_out(browser), scope=kept)).content.decode()
    assert "create and change flows and create and change email templates" in page
    assert [call["path"] for call in klaviyo.requests()][-1] == "/oauth/revoke"


def test_a_wrong_account_that_is_connected_already_stays_so(browser: Client, mia: User) -> None:
    kettle, harbour = connected(browser, "QwE92b"), connected(browser)
    disconnect(account=harbour, by=mia)
    query = consent(set_out(browser, f"/accounts/{harbour.pk}/reconnect/"), "QwE92b")
    page = browser.get(CALLBACK, query).content.decode()
    assert "You were to reconnect Harbour &amp; Pine, but at Klaviyo you chose Kettle &amp; Co." in page
    assert f'action="/accounts/{harbour.pk}/reconnect/"' in page
    assert client_for(kettle).get_account().id == "QwE92b"


def test_a_site_without_an_app_says_so(browser: Client, settings: Any) -> None:
    settings.KLAVIYO_CLIENT_ID = ""
    assert "has no app at Klaviyo yet" in browser.get(LIST).content.decode()
    assert browser.post(f"{LIST}connect/").status_code == 503
    assert not OAuthState.objects.exists()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        *[(url, url) for url in ("/", "/library/?page=2", "/w/a/accounts/#x")],
        *[(url, "") for url in ("//evil.example", "/\\evil.example", "https://a.example/", "x", "")],
        *[(url, "") for url in ("/" + "x" * 500, "\n//evil.example", "javascript:alert(1)")],
    ],
)
def test_only_paths_of_ours_are_gone_on_to(url: str, kept: str) -> None:
    assert local_path(url) == kept


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
