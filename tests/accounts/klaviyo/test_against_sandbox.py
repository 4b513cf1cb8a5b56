"""The whole dance against the pretend Klaviyo: consent, tokens, every method, its limits and its faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest

from accounts.klaviyo.auth import ApiKey, BearerToken
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import (
    BadAppCredentials,
    CodeRefused,
    ConnectionLost,
    MissingScope,
    NotAuthorized,
    NotFound,
    NotSent,
    Refused,
    Throttled,
    Unknown,
)
from accounts.klaviyo.limits import Window, parse_windows
from accounts.klaviyo.oauth import OAuthApp, Tokens
from accounts.klaviyo.scopes import SCOPES
from flowbuilder.sandbox.testing import RunningSandbox

HERE = "http://127.0.0.1:8000/accounts/callback/"
REVISION = "2026-10-15"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


def make_app(sandbox: RunningSandbox, secret: str | None = None) -> OAuthApp:
    at = f"{sandbox.url}/oauth"
    secret = secret or sandbox.client_secret
    return OAuthApp(sandbox.client_id, secret, f"{at}/authorize", f"{at}/token", f"{at}/revoke")


def allow(sandbox: RunningSandbox, url: str) -> dict[str, str]:
    """What a person's browser does on the consent page; returns the query of the callback."""

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *args: Any) -> None:
            return None

    form = urlencode({"decision": "allow", "account": sandbox.account("harbour")}).encode()
    with pytest.raises(HTTPError) as caught:
        build_opener(Stay).open(Request(url, form))
    with caught.value as answer:
        assert answer.code == 302
        query = urlsplit(answer.headers["location"]).query
    return {name: value for name, (value,) in parse_qs(query).items()}


def connect(sandbox: RunningSandbox, scopes: Any = SCOPES) -> tuple[OAuthApp, Tokens]:
    app = make_app(sandbox)
    url, verifier = app.authorization(HERE, scopes, "state-1")
    callback = allow(sandbox, url)
    assert callback["state"] == "state-1"
    return app, app.exchange(callback["code"], verifier, HERE)


def with_key(sandbox: RunningSandbox, **options: Any) -> Klaviyo:
    return Klaviyo(sandbox.url, ApiKey(sandbox.api_key()), REVISION, **options)


def flow_body(door: Klaviyo, name: str) -> dict[str, Any]:
    """[metric] -> <wait 1 hour>"""
    metric = door.list_metrics()[0].id
    wait = {"unit": "hours", "value": 1, "secondary_value": 0, "timezone": "profile"}
    definition = {
        "triggers": [{"type": "metric", "id": metric, "trigger_filter": None}],
        "profile_filter": None,
        "entry_action_id": "1",
        "actions": [{"temporary_id": "1", "type": "time-delay", "links": {"next": None}, "data": wait}],
    }
    return {"data": {"type": "flow", "attributes": {"name": name, "definition": definition}}}


def test_connect_use_renew_and_disconnect(sandbox: RunningSandbox) -> None:
    app, tokens = connect(sandbox)
    assert tokens.scopes == frozenset(SCOPES)
    held = {"tokens": tokens}

    def get_token(renew: bool) -> str:
        if renew:
            held["tokens"] = app.refresh(held["tokens"].refresh_token)
        return held["tokens"].access_token

    door = Klaviyo(sandbox.url, BearerToken(get_token), REVISION)
    assert door.get_account().id == sandbox.account("harbour")

    sandbox.expire_tokens()
    made = door.create_flow(flow_body(door, "Renewed on the way"))
    assert held["tokens"].access_token != tokens.access_token
    assert [flow["id"] for flow in sandbox.flows() if flow["id"] == made.id] == [made.id]

    app.revoke(held["tokens"].refresh_token)
    with pytest.raises(ConnectionLost):
        door.get_account()
    app.revoke(held["tokens"].refresh_token)


def test_what_oauth_refuses(sandbox: RunningSandbox) -> None:
    app = make_app(sandbox)
    url, verifier = app.authorization(HERE, SCOPES, "s")
    code = allow(sandbox, url)["code"]
    with pytest.raises(BadAppCredentials):
        make_app(sandbox, "wrong").exchange(code, verifier, HERE)
    with pytest.raises(CodeRefused):
        app.exchange(code, "x" * 43, HERE)
    with pytest.raises(CodeRefused):
        app.exchange(code, verifier, HERE)
    with pytest.raises(ConnectionLost):
        app.refresh("never-given")


def test_a_scope_not_granted_is_missing(sandbox: RunningSandbox) -> None:
    _, tokens = connect(sandbox, ["accounts:read"])
    door = Klaviyo(sandbox.url, BearerToken(lambda renew: tokens.access_token), REVISION)
    door.get_account()
    with pytest.raises(MissingScope):
        door.list_metrics()


def test_a_wrong_key_is_not_authorized(sandbox: RunningSandbox) -> None:
    with pytest.raises(NotAuthorized):
        Klaviyo(sandbox.url, ApiKey("pk_wrong"), REVISION).get_account()


def test_every_reading_method(sandbox: RunningSandbox) -> None:
    door = with_key(sandbox)
    metrics = door.list_metrics()
    assert metrics
    integration = metrics[0].integration
    assert integration
    assert metrics[0] in door.list_metrics(integration)
    assert door.list_lists()
    assert door.list_segments()
    assert all(entry.id and entry.name for entry in [*door.list_lists(), *door.list_segments()])
    assert isinstance(door.flow_triggers(metrics[0].id), list)
    with pytest.raises(NotFound):
        door.get_flow("XXXXXX")


def test_templates_are_made_read_cloned_and_paged(sandbox: RunningSandbox) -> None:
    door = with_key(sandbox)
    before = len(door.list_templates())
    made = [door.create_template(f"Mail {n}", "<p>Hello é</p>", "Hello") for n in range(12)]
    assert door.get_template(made[0].id).html == "<p>Hello é</p>"
    copy = door.clone_template(made[0].id, "Copy")
    assert (copy.name, door.get_template(copy.id).html) == ("Copy", "<p>Hello é</p>")
    assert len(door.list_templates()) == before + 13


@pytest.mark.parametrize(
    "name", ["Welcome", "Café & co, 100% (v2)", 'The "best" one', "back\\slash", "'single'"]
)
def test_a_flow_is_made_found_and_deleted(sandbox: RunningSandbox, name: str) -> None:
    door = with_key(sandbox)
    made = door.create_flow(flow_body(door, name))
    assert (made.status, made.name) == ("draft", name)
    assert made.created is not None
    other = door.create_flow(flow_body(door, f"{name} 2"))
    assert {made.id, other.id} <= {flow.id for flow in door.list_flows()}

    read = door.get_flow(made.id)
    assert read.definition is not None
    assert read.definition["actions"][0]["type"] == "time-delay"
    assert door.get_flow(made.id, definition=False).definition is None

    door.call("DELETE", f"/api/flows/{made.id}")
    with pytest.raises(NotFound):
        door.call("DELETE", f"/api/flows/{made.id}")
    assert made.id not in {flow.id for flow in door.list_flows()}


def test_a_broken_definition_is_refused_with_its_pointer(sandbox: RunningSandbox) -> None:
    door = with_key(sandbox)
    body = flow_body(door, "Broken")
    body["data"]["attributes"]["definition"]["actions"][0]["data"]["unit"] = "fortnights"
    with pytest.raises(Refused) as caught:
        door.create_flow(body)
    assert caught.value.status == 400
    assert any((error.pointer or "").startswith("/data/attributes/") for error in caught.value.errors)


def test_the_limits_it_announces_and_enforces() -> None:
    with RunningSandbox(limits=True) as sandbox:
        door = with_key(sandbox)
        body = flow_body(door, "Fast")
        answer = door.call("POST", "/api/flows", json=body)
        announced = parse_windows(answer.headers_of_use["ratelimit-limit"])
        assert announced == (Window(1, 1), Window(15, 60), Window(100, 86_400))
        with pytest.raises(Throttled) as caught:
            for _ in range(3):
                door.create_flow(body)
        assert caught.value.retry_after >= 1


def kinds_of_fault() -> list[str]:
    from flowbuilder.sandbox import faults

    return sorted(faults.KINDS)


@pytest.mark.parametrize("kind", kinds_of_fault())
def test_whatever_it_does_to_a_create_we_never_misjudge(sandbox: RunningSandbox, kind: str) -> None:
    """We may say Unknown when nothing happened; we may not say "nothing happened" when a flow was made."""
    door = with_key(sandbox, timeout=1.0, deadline=1.5)
    body = flow_body(door, "Under fault")
    sandbox.fault(kind, "POST", "/api/flows")
    try:
        made = door.create_flow(body)
    except (NotSent, Refused, Throttled):
        expected = 0
    except Unknown:
        return
    else:
        expected = 1
        assert made.id
    assert len([flow for flow in sandbox.flows() if flow["name"] == "Under fault"]) == expected
