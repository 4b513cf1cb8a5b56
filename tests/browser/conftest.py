"""The demo itself, started as a person starts it, in a real browser. Screenshots go to build/screenshots."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from accounts.demo import PASSWORD

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "screenshots"
expect.set_options(timeout=30_000)  # a slow machine is no fault; how fast the page is, benchmarks say
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
)


@dataclass(frozen=True)
class Site:
    url: str
    klaviyo: str
    database: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`manage.py demo` on free ports with data of its own; ended by Ctrl-C, and then nothing of it is left."""
    web, sandbox = free_port(), free_port()
    folder = tmp_path_factory.mktemp("demo")
    told = folder / "said.txt"  # no pipe: nobody reads while the tests run, and a full one stops the demo
    with told.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(web), "--sandbox-port", str(sandbox)],
            cwd=ROOT,
            env={**os.environ, "VAR_DIR": str(folder)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    until = time.monotonic() + 300  # a machine with much else to do
    while "Ctrl-C ends it all" not in told.read_text():
        if process.poll() is not None or time.monotonic() > until:
            pytest.fail("the demo did not start:\n" + told.read_text())
        time.sleep(0.1)
    yield Site(f"http://127.0.0.1:{web}", f"http://127.0.0.1:{sandbox}", folder / "demo" / "db.sqlite3")
    ended = process.poll()
    assert ended is None, f"the demo ended by itself (code {ended}):\n{told.read_text()[-4000:]}"
    os.kill(process.pid, signal.SIGINT)
    process.wait(20)
    wrong = re.search(r"\bERROR\b.*", told.read_text(), re.DOTALL)
    assert wrong is None, wrong[0][:20_000]
    for port in (web, sandbox):
        until = time.monotonic() + 5
        while _is_answered(port) and time.monotonic() < until:
            time.sleep(0.1)
        assert not _is_answered(port), "something of the demo outlived Ctrl-C"


def _is_answered(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def in_site(site: Site, django_db_blocker) -> Callable[[Callable[[], T]], T]:
    """What a function reads or writes, in the database of the running demo. In a thread of its own: the one of the
    browser has an event loop, where Django does not query."""

    def ask(do: Callable[[], T]) -> T:
        settings = connections.databases["default"] | {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(site.database),
            # As the site's own: what reads first and writes then would be refused at once where another one wrote.
            "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
        }
        connections["default"] = DatabaseWrapper(settings, "default")  # of this thread alone
        try:
            return do()
        finally:
            connections["default"].close()

    def in_thread(do: Callable[[], T]) -> T:
        with django_db_blocker.unblock(), ThreadPoolExecutor(1) as thread:
            return thread.submit(ask, do).result()

    return in_thread


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@dataclass
class Desk:
    """A browser window of one person. Whatever the console complains of is a failure of the test."""

    page: Page
    site: Site
    complaints: list[str]

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.page.goto(f"{self.site.url}/account/login/")
        self.page.locator("#id_login").fill(email)
        self.page.locator("#id_password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(lambda url: "/account/login" not in url)

    def picture(self, name: str, *, whole: bool = False) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(350)  # motion comes to rest
        # The caret stays: to hide it leaves styles in the page, which htmx would carry over.
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=whole, caret="initial")


@pytest.fixture
def desk(chromium: Browser, site: Site) -> Iterator[Desk]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    made = open_desk(context, site)
    yield made
    context.close()
    assert made.complaints == []


@pytest.fixture
def ada(desk: Desk) -> Desk:
    """The demo's designer, signed in."""
    desk.sign_in("ada@northwind.example")
    return desk


def open_desk(context: BrowserContext, site: Site) -> Desk:
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        # Leaving a page ends what it was still asking for; a server that is away the browser tells by itself.
        is_left = message.text.startswith(("htmx:afterRequest", "htmx:sendAbort", "htmx:sendError"))
        if message.type in ("error", "warning") and "status of 422" not in message.text and not is_left:
            complaints.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return Desk(page, site, complaints)
