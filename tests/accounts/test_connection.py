"""Renewing a token: in time, once for all who ask at the same time, and what happens when it cannot be done."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts import connection as joint
from accounts import tasks
from accounts.connection import StoredToken, client_for
from accounts.klaviyo import sockets
from accounts.klaviyo.errors import BadAppCredentials, ConnectionLost, NotSent, Throttled
from accounts.models import KlaviyoAccount, Workspace
from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import connect

pytestmark = pytest.mark.django_db
RENEWAL = ("POST", "/oauth/token")


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
    yield _running
    sockets.close_connections()


@pytest.fixture
def account(klaviyo: RunningSandbox) -> KlaviyoAccount:
    """Connected by OAuth at the pretend Klaviyo, with an hour to go."""
    return make_account(klaviyo)


def make_account(klaviyo: RunningSandbox) -> KlaviyoAccount:
    tokens = connect(klaviyo)
    klaviyo.control("DELETE", "requests")
    return KlaviyoAccount.objects.create(
        klaviyo_id="UpK3sZ",
        name="Harbour & Pine",
        owner=Workspace.objects.create(slug="harbour-pine", name="Harbour & Pine"),
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        expires_at=timezone.now() + timedelta(seconds=tokens["expires_in"]),
        scopes=tokens["scope"].split(),
    )


def renewals(klaviyo: RunningSandbox) -> int:
    return sum((call["method"], call["path"]) == RENEWAL for call in klaviyo.requests())


def expire(account: KlaviyoAccount, seconds: int) -> None:
    """The token has this many seconds to go."""
    account.expires_at = timezone.now() + timedelta(seconds=seconds)
    account.save()


def again(account: KlaviyoAccount) -> KlaviyoAccount:
    return KlaviyoAccount.objects.get(pk=account.pk)


@pytest.mark.parametrize(("seconds", "times"), [(3600, 0), (70, 0), (50, 1), (-50, 1)])
def test_a_token_is_renewed_a_minute_before_its_end(
    seconds: int, times: int, account: KlaviyoAccount, klaviyo: RunningSandbox
) -> None:
    expire(account, seconds)
    client = client_for(account)
    for _ in range(3):
        assert client.get_account().id == "UpK3sZ"
    assert renewals(klaviyo) == times
    row = again(account)
    assert row.expires_at > timezone.now() + timedelta(seconds=60)
    assert row.renewing_until is None
    assert (row.access_token == account.access_token) is (times == 0)


def test_a_401_renews_once_and_another_client_takes_what_is_there(
    account: KlaviyoAccount, klaviyo: RunningSandbox
) -> None:
    first, second = client_for(account), client_for(account)
    for client in (first, second):
        client.get_account()
    klaviyo.expire_tokens()
    for client in (first, second):
        assert client.get_account().id == "UpK3sZ"
    assert renewals(klaviyo) == 1


def test_a_removed_app_is_the_end_of_the_connection(account: KlaviyoAccount, klaviyo: RunningSandbox) -> None:
    client = client_for(account)
    klaviyo.uninstall("harbour")
    with pytest.raises(ConnectionLost):
        client.get_account()
    row = again(account)
    assert not row.is_connected
    assert row.access_token is None
    assert row.refresh_token is None
    assert row.state_reason.startswith("Klaviyo has ended this connection")
    assert row.disconnected_at
    with pytest.raises(ConnectionLost):
        client_for(row)
    count = len(klaviyo.requests())
    with pytest.raises(ConnectionLost):
        client.get_account()
    assert len(klaviyo.requests()) == count, "nothing is sent for a connection that is over"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 503}, NotSent),
        ({"kind": "after_reset"}, NotSent),
        ({"kind": "status", "status": 429, "retry_after": "7"}, Throttled),
    ],
)
def test_a_renewal_that_fails_leaves_the_connection_and_frees_the_lease(
    fault: dict[str, Any], error: type[Exception], account: KlaviyoAccount, klaviyo: RunningSandbox
) -> None:
    expire(account, -5)
    klaviyo.fault(fault["kind"], *RENEWAL, **{name: fault[name] for name in fault if name != "kind"})
    client = client_for(account)
    with pytest.raises(error):
        client.get_account()
    assert again(account).is_connected
    assert again(account).renewing_until is None
    assert client.get_account().id == "UpK3sZ"


def test_a_renewal_that_was_only_due_may_fail(account: KlaviyoAccount, klaviyo: RunningSandbox) -> None:
    expire(account, 30)
    klaviyo.fault("status", *RENEWAL)
    assert client_for(account).get_account().id == "UpK3sZ"
    assert (again(account).access_token, again(account).renewing_until) == (account.access_token, None)


def test_our_own_bad_secret_disconnects_nobody(account: KlaviyoAccount, settings: Any) -> None:
    expire(account, -5)
    settings.KLAVIYO_CLIENT_SECRET = "guess"
    with pytest.raises(BadAppCredentials):
        client_for(account).get_account()
    assert again(account).is_connected
    assert again(account).renewing_until is None


def test_one_who_waits_takes_the_token_of_the_other(
    account: KlaviyoAccount, klaviyo: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire(account, -5)
    KlaviyoAccount.objects.update(renewing_until=timezone.now() + timedelta(seconds=20))
    looks = []

    def meanwhile(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            later = timezone.now() + timedelta(hours=1)
            changed = {"access_token": "at_of_the_other", "expires_at": later, "renewing_until": None}
            KlaviyoAccount.objects.update(**changed)

    monkeypatch.setattr("accounts.connection.time.sleep", meanwhile)
    assert StoredToken(account.pk)(False) == "at_of_the_other"
    assert (len(looks), renewals(klaviyo)) == (3, 0)


def test_the_row_is_read_again_once_the_lease_is_had(
    account: KlaviyoAccount, klaviyo: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease may be free because somebody has just renewed, after we looked."""
    expire(account, -5)
    take = joint._take_lease

    def late(pk: int) -> bool:
        later = timezone.now() + timedelta(hours=1)
        KlaviyoAccount.objects.update(access_token="at_of_the_other", expires_at=later)
        return take(pk)

    monkeypatch.setattr(joint, "_take_lease", late)
    assert StoredToken(account.pk)(False) == "at_of_the_other"
    assert renewals(klaviyo) == 0
    assert again(account).renewing_until is None


def test_waiting_ends_and_nothing_was_sent(account: KlaviyoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    expire(account, -5)
    KlaviyoAccount.objects.update(renewing_until=timezone.now() + timedelta(seconds=20))
    monkeypatch.setattr("accounts.connection.LONGEST_WAIT", 0.2)
    with pytest.raises(NotSent, match="renewed elsewhere"):
        client_for(account).get_account()


def test_the_lease_of_one_who_died_runs_out(account: KlaviyoAccount, klaviyo: RunningSandbox) -> None:
    expire(account, -5)
    KlaviyoAccount.objects.update(renewing_until=timezone.now() - timedelta(seconds=1))
    assert client_for(account).get_account().id == "UpK3sZ"
    assert renewals(klaviyo) == 1


def test_a_reconnection_in_the_middle_of_a_failing_renewal_wins(
    account: KlaviyoAccount, klaviyo: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid_grant for the old refresh token must not end the connection that somebody made meanwhile."""
    expire(account, -5)
    klaviyo.uninstall("harbour")

    class Slow:
        def refresh(self, refresh_token: str) -> Any:
            later = timezone.now() + timedelta(hours=1)
            anew = {"access_token": "at_anew", "refresh_token": "rt_anew", "renewing_until": None}
            KlaviyoAccount.objects.update(**anew, expires_at=later)
            raise ConnectionLost("dead")

    monkeypatch.setattr("accounts.connection.oauth_app", lambda **given: Slow())
    assert StoredToken(account.pk)(False) == "at_anew"
    assert again(account).is_connected


def test_a_token_whose_key_was_lost_asks_for_reconnecting(account: KlaviyoAccount, settings: Any) -> None:
    settings.TOKEN_KEYS = ["c29tZS1vdGhlci1rZXktb2YtMzItYnl0ZXMtaGVyZSE="]
    with pytest.raises(ConnectionLost, match="cannot be read"):
        client_for(again(account)).get_account()


@pytest.mark.parametrize(("days", "kept"), [(8, 1), (6, 0)])
def test_idle_connections_are_kept_alive(
    days: int, kept: int, account: KlaviyoAccount, klaviyo: RunningSandbox
) -> None:
    account.expires_at = datetime.now(UTC) - timedelta(days=days)
    account.save()
    assert tasks.keep_connections() == kept == renewals(klaviyo)


def test_keeping_alive_finds_out_what_has_died(
    account: KlaviyoAccount, klaviyo: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    expire(account, -30 * 86_400)
    klaviyo.uninstall("harbour")
    assert tasks.keep_connections() == 0
    assert not again(account).is_connected
    assert f"account {account.pk} not kept alive: ConnectionLost" in caplog.text


# --- The race -----------------------------------------------------------------------------------------------------


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """A database that threads can share. SQLite's in-memory one cannot be written by two: threads get a file."""
    if connection.vendor != "sqlite":
        yield
        return
    path = str(tmp_path / "race.sqlite3")
    connection.ensure_connection()
    with sqlite3.connect(path) as copy:
        connection.connection.backup(copy)
    copy.close()
    settings_dict = connections.settings["default"]
    name, options = settings_dict["NAME"], settings_dict["OPTIONS"]
    settings_dict["NAME"] = path
    yield
    settings_dict["NAME"], settings_dict["OPTIONS"] = name, options


@pytest.mark.parametrize("how", ["due", "refused"])
def test_eight_at_once_renew_once(how: str, klaviyo: RunningSandbox, shared_database: None) -> None:
    """due: the token ran out for us; refused: it looked good, and all eight got a 401 for it."""
    made: list[int] = []
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def prepare() -> None:
        account = make_account(klaviyo)
        if how == "due":
            expire(account, -5)
        made.append(account.pk)
        connections.close_all()

    def work() -> None:
        try:
            client = client_for(KlaviyoAccount.objects.get(pk=made[0]))
            if how == "refused":
                client.get_account()
                if barrier.wait(20) == 0:
                    klaviyo.expire_tokens()
            barrier.wait(20)
            outcomes.append(client.get_account().id)
        except BaseException as error:
            outcomes.append(repr(error))
            raise
        finally:
            connections.close_all()

    run(prepare)
    klaviyo.fault("slow", *RENEWAL, delay=0.5)
    run(*[work] * 8)
    assert outcomes == ["UpK3sZ"] * 8
    assert renewals(klaviyo) == 1


def run(*jobs: Any) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
