"""Every way in which a trip is refused: what is said, and that nothing is stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import refusals
from accounts.connecting import disconnect, local_path
from accounts.connection import client_for
from accounts.klaviyo.scopes import SCOPES
from accounts.models import Grant, KlaviyoAccount, Membership, OAuthState, User
from flowbuilder.sandbox.testing import RunningSandbox
from tests.accounts.connecting.trips import CALLBACK, LIST, connected, consent, set_out

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]


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
