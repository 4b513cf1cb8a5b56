"""How the tests of this folder speak to the sandbox: clients, the OAuth dance, definitions to start from."""

from __future__ import annotations

import base64
import hashlib
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from flowbuilder.sandbox.testing import RunningSandbox

REDIRECT = "http://127.0.0.1:8000/accounts/callback/"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
Json = dict[str, Any]
PLAIN = httpx.Client(trust_env=False, verify=False, timeout=5)  # no certificates to load: plain http only
CHECKOUT, TEMPLATE = "UpixsZ", "RfgG9g"


def client(klaviyo: RunningSandbox, account: str = "harbour", *, token: str | None = None) -> httpx.Client:
    authorization = f"Bearer {token}" if token else f"Klaviyo-API-Key {klaviyo.api_key(account)}"
    headers = {
        "authorization": authorization,
        "revision": "2026-10-15",
        "content-type": "application/vnd.api+json",
    }
    return httpx.Client(base_url=klaviyo.url, headers=headers, trust_env=False, verify=False, timeout=5)


def ask(klaviyo: RunningSandbox, **changes: str | None) -> dict[str, str]:
    """The parameters of an authorization request; None leaves one out."""
    asked: dict[str, str | None] = {
        "response_type": "code",
        "client_id": klaviyo.client_id,
        "redirect_uri": REDIRECT,
        "scope": "accounts:read flows:read flows:write",
        "state": "s-123",
        "code_challenge_method": "S256",
        "code_challenge": CHALLENGE,
        **changes,
    }
    return {name: value for name, value in asked.items() if value is not None}


def query_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def consent(
    klaviyo: RunningSandbox, account: str = "harbour", decision: str = "allow", **changes: str
) -> dict[str, str]:
    """Answer the consent page; returns what the app's callback receives."""
    form = {"decision": decision, "account": klaviyo.account(account)}
    url = f"{klaviyo.url}/oauth/authorize"
    return query_of(PLAIN.post(url, params=ask(klaviyo, **changes), data=form))


def at_token(
    klaviyo: RunningSandbox, form: dict[str, str], auth: tuple[str, str] | None = None
) -> httpx.Response:
    basic = auth or (klaviyo.client_id, klaviyo.client_secret)
    return PLAIN.post(f"{klaviyo.url}/oauth/token", data=form, auth=basic)


def exchange(klaviyo: RunningSandbox, code: str, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT,
    }
    return at_token(klaviyo, {**form, **changes})


def connect(klaviyo: RunningSandbox, account: str = "harbour", **changes: str) -> dict[str, Any]:
    """The whole dance; returns the token document."""
    answer = exchange(klaviyo, consent(klaviyo, account, **changes)["code"])
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def renew(klaviyo: RunningSandbox, refresh_token: str) -> httpx.Response:
    return at_token(klaviyo, {"grant_type": "refresh_token", "refresh_token": refresh_token})


# -- definitions


def groups(*conditions: Json) -> Json:
    return {"condition_groups": [{"conditions": list(conditions)}]}


def wait(id: str = "wait", next: str | None = None, **data: Any) -> Json:
    return {
        "temporary_id": id,
        "type": "time-delay",
        "links": {"next": next},
        "data": {"unit": "hours", "value": 1, **data},
    }


def mail(id: str = "mail", next: str | None = None, **message: Any) -> Json:
    about = {"name": id, "subject_line": "Hello", "template_id": TEMPLATE, **message}
    return {"temporary_id": id, "type": "send-email", "links": {"next": next}, "data": {"message": about}}


SUBSCRIBED = {
    "type": "profile-marketing-consent",
    "consent": {
        "channel": "sms",
        "can_receive_marketing": True,
        "consent_status": {"subscription": "subscribed", "filters": None},
    },
}


def split(id: str, yes: str | None, no: str | None, *conditions: Json) -> Json:
    return {
        "temporary_id": id,
        "type": "conditional-split",
        "links": {"next_if_true": yes, "next_if_false": no},
        "data": {"profile_filter": groups(*(conditions or (SUBSCRIBED,)))},
    }


def step(kind: str, data: Any, id: str = "a", **more: Any) -> Json:
    return {"temporary_id": id, "type": kind, "links": {"next": None}, "data": data, **more}


def definition(*actions: Json, **changes: Any) -> Json:
    """A flow on the checkout metric; its first action is the entry."""
    steps = actions or (wait(next="mail"), mail())
    return deepcopy(
        {
            "triggers": [{"type": "metric", "id": CHECKOUT, "trigger_filter": None}],
            "profile_filter": None,
            "actions": list(steps),
            "entry_action_id": steps[0]["temporary_id"],
            **changes,
        }
    )


def flow(about: Json, name: Any = "A flow") -> Json:
    return {"data": {"type": "flow", "attributes": {"name": name, "definition": about}}}


def problems(answer: httpx.Response) -> list[tuple[str, str]]:
    """(pointer or parameter, detail) of every error."""
    found = []
    for error in answer.json()["errors"]:
        assert set(error) == {"id", "status", "code", "title", "detail", "source", "links", "meta"}
        found.append((next(iter(error["source"].values())), error["detail"]))
    return found
