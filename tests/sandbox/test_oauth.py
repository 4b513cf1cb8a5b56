"""The OAuth dance, and every way in which it is refused."""

from __future__ import annotations

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import (
    PLAIN,
    VERIFIER,
    ask,
    at_token,
    client,
    connect,
    consent,
    exchange,
    query_of,
    renew,
)


def open_consent(klaviyo: RunningSandbox, **changes: str | None) -> httpx.Response:
    return PLAIN.get(f"{klaviyo.url}/oauth/authorize", params=ask(klaviyo, **changes))


def test_the_consent_page_names_the_app_the_accounts_and_the_scopes(klaviyo: RunningSandbox) -> None:
    page = open_consent(klaviyo)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    for text in (
        "pretend Klaviyo, no real account is touched",
        "Flow Builder",
        "Harbour &amp; Pine",
        "Kettle &amp; Co",
    ):
        assert text in page.text
    assert "See your flows." in page.text
    assert "Create and change your flows." in page.text
    assert 'name="decision" value="allow"' in page.text
    assert 'name="account" value="ZxT41p"' in page.text
    assert "<script" not in page.text


def test_allow_gives_a_code_and_the_code_gives_tokens(klaviyo: RunningSandbox) -> None:
    callback = consent(klaviyo, "kettle")
    assert callback["state"] == "s-123"
    tokens = exchange(klaviyo, callback["code"])
    assert tokens.status_code == 200
    document = tokens.json()
    assert set(document) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert document["expires_in"] == 3600
    assert document["token_type"] == "Bearer"
    assert document["scope"] == "accounts:read flows:read flows:write"
    with client(klaviyo, token=document["access_token"]) as api:
        accounts = api.get("/api/accounts").json()["data"]
    assert [account["id"] for account in accounts] == ["QwE92b"]


def test_deny_comes_back_as_an_error_with_the_state(klaviyo: RunningSandbox) -> None:
    callback = consent(klaviyo, decision="deny")
    assert callback["error"] == "access_denied"
    assert callback["error_description"]
    assert callback["state"] == "s-123"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "stranger"},
        {"redirect_uri": "https://evil.example/callback/"},
        {"redirect_uri": "http://127.0.0.1.evil.example/"},
        {"redirect_uri": None},
    ],
)
def test_a_wrong_client_or_redirect_never_redirects(
    klaviyo: RunningSandbox, changes: dict[str, str | None]
) -> None:
    answer = open_consent(klaviyo, **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_only_listed_redirects_unless_loopback_is_allowed() -> None:
    other = {"redirect_uri": "http://127.0.0.1:8000/accounts/callback"}  # no slash at the end
    with RunningSandbox(any_loopback_redirect=False) as strict:
        assert open_consent(strict, **other).status_code == 400
    with RunningSandbox() as lenient:
        assert open_consent(lenient, **other).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"scope": "accounts:read list:read"}, "invalid_scope"),
        ({"scope": "flows:read"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
)
def test_other_mistakes_come_back_through_the_redirect(
    klaviyo: RunningSandbox, changes: dict[str, str | None], error: str
) -> None:
    assert query_of(open_consent(klaviyo, **changes))["error"] == error


def test_an_unknown_account_or_answer_is_refused(klaviyo: RunningSandbox) -> None:
    url = f"{klaviyo.url}/oauth/authorize"
    for form in ({"decision": "allow", "account": "nobody"}, {"decision": "maybe", "account": "UpK3sZ"}, {}):
        assert PLAIN.post(url, params=ask(klaviyo), data=form).status_code == 400


def test_a_code_works_once(klaviyo: RunningSandbox) -> None:
    code = consent(klaviyo)["code"]
    assert exchange(klaviyo, code).status_code == 200
    again = exchange(klaviyo, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_lives_five_minutes(klaviyo: RunningSandbox) -> None:
    code = consent(klaviyo)["code"]
    klaviyo.advance(301)
    answer = exchange(klaviyo, code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"code_verifier": "short"}, "invalid_request", "Invalid code_verifier"),
        ({"code_verifier": "ü" * 50}, "invalid_request", "Invalid code_verifier"),
        ({"code_verifier": VERIFIER + "x"}, "invalid_grant", "Code challenge failed."),
        ({"redirect_uri": "http://localhost:8000/accounts/callback/"}, "invalid_grant", "redirect_uri"),
        ({"code": "made-up"}, "invalid_grant", "code"),
        ({"grant_type": "password"}, "invalid_grant_type", "grant_type"),
    ],
)
def test_what_the_token_endpoint_refuses(
    klaviyo: RunningSandbox, changes: dict[str, str], error: str, text: str
) -> None:
    code = consent(klaviyo)["code"]
    answer = exchange(klaviyo, **{"code": code, **changes})
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert text in answer.json()["error_description"]


def test_the_client_is_checked_and_the_request_must_be_a_form(klaviyo: RunningSandbox) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    wrong = at_token(klaviyo, form, ("sandbox-client", "guess"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    url, right = f"{klaviyo.url}/oauth/token", (klaviyo.client_id, klaviyo.client_secret)
    as_json = PLAIN.post(url, json=form, auth=right)
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_grant_type")
    assert PLAIN.post(url, data=form).status_code == 401
    garbled = PLAIN.post(url, data=form, headers={"authorization": "Basic %%%"})
    assert garbled.status_code == 401


def test_a_refresh_keeps_the_refresh_token_and_the_old_access_token(klaviyo: RunningSandbox) -> None:
    first = connect(klaviyo)
    second = renew(klaviyo, first["refresh_token"]).json()
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    for token in (first["access_token"], second["access_token"]):
        with client(klaviyo, token=token) as api:
            assert api.get("/api/accounts").status_code == 200


def test_an_access_token_ends_after_its_time(klaviyo: RunningSandbox) -> None:
    tokens = connect(klaviyo)
    klaviyo.advance(3599)
    with client(klaviyo, token=tokens["access_token"]) as api:
        assert api.get("/api/accounts").status_code == 200
        klaviyo.advance(2)
        refused = api.get("/api/accounts")
    error = refused.json()["errors"][0]
    assert refused.status_code == 401
    assert error["code"] == "authentication_failed"
    assert error["detail"] == error["title"] == "Incorrect authentication credentials."
    assert error["source"] == {"pointer": "/data/"}


def test_a_refresh_token_dies_after_90_days_without_use(klaviyo: RunningSandbox) -> None:
    tokens = connect(klaviyo)
    for _ in range(2):
        klaviyo.advance(89 * 86_400)
        assert renew(klaviyo, tokens["refresh_token"]).status_code == 200
    klaviyo.advance(91 * 86_400)
    dead = renew(klaviyo, tokens["refresh_token"])
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")


def test_revoking_uninstalls_the_app_in_that_account_only(klaviyo: RunningSandbox) -> None:
    twice = [connect(klaviyo), connect(klaviyo)]
    other = connect(klaviyo, "kettle")
    form = {"token": twice[0]["refresh_token"], "token_type_hint": "refresh_token"}
    url, right = f"{klaviyo.url}/oauth/revoke", (klaviyo.client_id, klaviyo.client_secret)
    assert PLAIN.post(url, data=form).status_code == 401
    assert PLAIN.post(url, data=form, auth=right).status_code == 200
    for tokens in twice:
        with client(klaviyo, token=tokens["access_token"]) as api:
            assert api.get("/api/accounts").status_code == 401
        assert renew(klaviyo, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    with client(klaviyo, token=other["access_token"]) as api:
        assert api.get("/api/accounts").status_code == 200
    assert connect(klaviyo)["access_token"]  # and the app can be installed again


def test_uninstalling_and_expiring_from_the_control_path(klaviyo: RunningSandbox) -> None:
    tokens = connect(klaviyo, "orchard")
    klaviyo.expire_tokens()
    with client(klaviyo, token=tokens["access_token"]) as api:
        assert api.get("/api/accounts").status_code == 401
    assert renew(klaviyo, tokens["refresh_token"]).status_code == 200
    klaviyo.uninstall("orchard")
    assert renew(klaviyo, tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_ten_refreshes_a_minute_for_each_account() -> None:
    with RunningSandbox(limits=True) as klaviyo:
        tokens, other = connect(klaviyo), connect(klaviyo, "kettle")
        statuses = [renew(klaviyo, tokens["refresh_token"]).status_code for _ in range(11)]
        assert statuses == [200] * 10 + [429]
        assert 0 < int(renew(klaviyo, tokens["refresh_token"]).headers["retry-after"]) <= 60
        assert renew(klaviyo, other["refresh_token"]).status_code == 200
        klaviyo.advance(60)
        assert renew(klaviyo, tokens["refresh_token"]).status_code == 200


def test_no_secret_is_ever_written_to_the_log(klaviyo: RunningSandbox) -> None:
    code = consent(klaviyo)["code"]
    tokens = exchange(klaviyo, code).json()
    with client(klaviyo, token=tokens["access_token"]) as api:
        api.get("/api/accounts")
    log = str(klaviyo.requests())
    for secret in (code, tokens["access_token"], tokens["refresh_token"], klaviyo.client_secret, VERIFIER):
        assert secret not in log
