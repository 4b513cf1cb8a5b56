"""An account breaks: its owner and the operator see it with the next press, and another system hears of it, signed.

In a workspace of its own, so that nobody else's story meets it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from accounts.models import KlaviyoAccount, Workspace
from accounts.operations import mark_disconnected
from tests import make
from tests.browser import scene
from tests.browser.conftest import Desk, open_desk

pytestmark = pytest.mark.browser
EMAIL, NAME = "lena@lantern.example", "Lantern Lane"


class Receiver:
    """Somebody else's system: it keeps what it gets, and says yes."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/flowbuilder"

    def wait_for(self, kind: str) -> tuple[dict[str, str], bytes]:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for headers, body in list(self.got):
                if json.loads(body)["type"] == kind:
                    return headers, body
            time.sleep(0.2)
        raise AssertionError(f"no message of type {kind} among {len(self.got)}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(5)


def is_ours(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """As the README tells others to check it."""
    parts = dict(part.split("=", 1) for part in headers["Flowbuilder-Signature"].split(","))
    known = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return abs(time.time() - int(parts["t"])) < 300 and hmac.compare_digest(known, parts["v1"])


def a_shop() -> None:
    shop = Workspace.objects.create(slug="lantern", name=NAME, kind=Workspace.Kind.MERCHANT)
    scene.person(EMAIL, "Lena Holm", (shop, "owner"))
    made = make.account(shop, "LnT4nE", "pk_sandbox_lantern")
    KlaviyoAccount.objects.filter(pk=made.pk).update(name="Lantern Store")


def break_it() -> None:
    account = KlaviyoAccount.objects.get(klaviyo_id="LnT4nE")
    mark_disconnected(account=account, reason="Klaviyo no longer accepts the private key of this account.")


def test_an_account_breaks(desk: Desk, chromium: Browser, in_site, receiver: Receiver):
    page = desk.page
    in_site(a_shop)
    desk.sign_in(EMAIL)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Health").click()
    expect(page.locator("#health")).to_contain_text("All is well")

    # Another system is to hear of it.
    page.get_by_role("link", name="Alerts").click()
    expect(page.locator("main")).to_contain_text("Nobody is told yet")
    page.get_by_role("textbox", name="Address").fill(receiver.url)
    page.get_by_role("button", name="Add this webhook").click()
    secret = page.locator("#secret").inner_text()
    assert re.fullmatch(r"whsec_[\w-]{43}", secret)
    desk.picture("health-1-secret", whole=True)
    page.get_by_role("button", name=re.compile("^Send a test")).click()
    expect(page.locator("#deliveries")).to_contain_text("Delivered", timeout=60_000)
    expect(page.locator("main")).not_to_contain_text("whsec_")
    headers, body = receiver.wait_for("test")
    assert is_ours(headers, body, secret)
    assert not is_ours(headers, body, "whsec_of_somebody_else")
    assert not is_ours(headers, body.replace(b"test", b"tent"), secret)

    # It breaks: one alert, once.
    in_site(break_it)
    headers, body = receiver.wait_for("alerts")
    assert is_ours(headers, body, secret)
    told = json.loads(body)
    assert told["workspace"]["name"] == NAME
    [alert] = told["alerts"]
    assert alert["kind"] == "disconnected"
    assert alert["text"].startswith("Lantern Store: disconnected.")
    page.reload()
    expect(page.locator("main")).to_contain_text("Wrong right now")

    # Its line leads to where one acts.
    page.get_by_role("link", name="Health", exact=True).first.click()
    line = page.locator("#health li", has_text="Lantern Store")
    expect(line).to_contain_text("Klaviyo no longer accepts the private key")
    desk.picture("health-2-broken", whole=True)
    line.get_by_role("link", name=re.compile("^Reconnect")).click()
    expect(
        page.locator("article", has_text="Lantern Store").get_by_role("button", name="Reconnect")
    ).to_be_visible()
    assert alert["url"] == page.url

    as_the_operator(chromium, desk)
    assert len([one for one in receiver.got if b"disconnected" in one[1]]) == 1


def as_the_operator(chromium: Browser, desk: Desk) -> None:
    """Who sees all accounts, also without scripts."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    other = open_desk(context, desk.site)
    other.sign_in("rowan@flowbuilder.example")
    other.page.get_by_role("link", name="Health", exact=True).click()
    line = other.page.locator("#health li", has_text="Lantern Store").first
    expect(line).to_contain_text("Disconnected")
    other.picture("health-3-operator", whole=True)
    line.get_by_role("link").click()
    assert "/history/?account=" in other.page.url
    context.close()
