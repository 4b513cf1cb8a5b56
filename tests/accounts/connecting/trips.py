"""The parts of a trip to Klaviyo and back: setting out, the answer at the consent page, what came of it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from django.test import Client

from accounts.models import KlaviyoAccount

LIST = "/w/harbour-pine/accounts/"
CALLBACK = "/accounts/callback/"


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
