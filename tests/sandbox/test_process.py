"""The sandbox as a program: state over a restart, the command line, a busy port, the pages for people."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import PLAIN, client, connect, definition, flow, renew

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "flowbuilder" / "sandbox"


def test_state_survives_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "sandbox.sqlite3"
    with RunningSandbox(data=data, limits=True) as first:
        tokens = connect(first)
        with client(first, token=tokens["access_token"]) as api:
            made = api.post("/api/flows", json=flow(definition(), "Kept")).json()["data"]
        first.fault("status", "GET", "/api/lists", status=504)
    with RunningSandbox(data=data, limits=True) as second:
        assert [item["name"] for item in second.flows()].count("Kept") == 1
        with client(second, token=tokens["access_token"]) as api:
            path, more = f"/api/flows/{made['id']}", {"additional-fields[flow]": "definition"}
            read = api.get(path, params=more).json()["data"]["attributes"]
            second.advance(1)
            again = api.post("/api/flows", json=flow(definition())).json()["data"]
        assert read["definition"] == made["attributes"]["definition"]
        assert again["id"] != made["id"]
        day = second.sandbox.store.row(
            "select used from allowance where seconds = 86400 and bucket like '%flows'"
        )
        assert day is not None
        assert day["used"] == 2  # the windows came along
        assert renew(second, tokens["refresh_token"]).status_code == 200
        assert second.control("GET", "faults")["faults"][0]["status"] == 504


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_command_line(tmp_path: Path) -> None:
    port = free_port()
    arguments = [
        "--port",
        str(port),
        "--data",
        str(tmp_path / "s.sqlite3"),
        "--no-limits",
        "--client-id",
        "mine",
    ]
    command = [sys.executable, "-m", "flowbuilder.sandbox", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as program:
        try:
            deadline = time.monotonic() + 10
            while True:
                try:
                    health = PLAIN.get(f"http://127.0.0.1:{port}/_sandbox/").json()
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < deadline
                    assert program.poll() is None
                    time.sleep(0.05)
            assert health["status"] == "ok"
            assert health["accounts"] == ["UpK3sZ", "QwE92b", "ZxT41p"]
            busy = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
        finally:
            program.send_signal(signal.SIGINT)
            _, shown = program.communicate(timeout=10)
    assert program.returncode == 0
    assert shown.startswith(f"Klaviyo sandbox on http://127.0.0.1:{port}/")
    assert "Traceback" not in shown
    assert busy.returncode == 1
    assert busy.stderr == f"The sandbox cannot listen on 127.0.0.1:{port}: Address already in use.\n"
    assert busy.stdout == ""


def test_the_management_command_is_the_same_program(tmp_path: Path) -> None:
    if not (ROOT / "manage.py").exists() or not (ROOT / "flowbuilder" / "settings.py").exists():
        pytest.skip("the project's settings are not there yet")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = ["sandbox", "--port", port, "--data", str(tmp_path / "s.sqlite3")]
        busy = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert busy.returncode == 1, busy.stderr
    assert busy.stderr == f"The sandbox cannot listen on 127.0.0.1:{port}: Address already in use.\n"


def test_it_imports_nothing_of_ours() -> None:
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [name.name for name in node.names]
            else:
                continue
            for name in names:
                top = name.split(".")[0]
                assert top in sys.stdlib_module_names or top == "werkzeug", f"{path.name} imports {name}"


def test_the_pages_for_people(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    name = "<b>Bold</b> & brave"
    id = api.post("/api/flows", json=flow(definition(), name)).json()["data"]["id"]
    index = PLAIN.get(f"{klaviyo.url}/")
    assert index.headers["content-type"].startswith("text/html")
    for text in ("Harbour &amp; Pine", "Kettle &amp; Co", "Orchard Lane", "pk_sandbox_harbour", "Cart SMS"):
        assert text in index.text
    assert f'<a href="/flow/{id}/edit">&lt;b&gt;Bold&lt;/b&gt; &amp; brave</a>' in index.text
    page = PLAIN.get(f"{klaviyo.url}/flow/{id}/edit")
    assert page.status_code == 200
    assert "time-delay" in page.text
    assert "&quot;entry_action_id&quot;" in page.text
    assert name not in page.text
    assert PLAIN.get(f"{klaviyo.url}/flow/Zzzzzz/edit").status_code == 404
    for answer in (index, page):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text


def test_controls_that_do_not_exist(klaviyo: RunningSandbox) -> None:
    assert PLAIN.get(f"{klaviyo.url}/_sandbox/nothing").status_code == 404
    assert PLAIN.delete(f"{klaviyo.url}/_sandbox/reset").status_code == 405
    assert PLAIN.post(f"{klaviyo.url}/_sandbox/clock", content="{").status_code == 400
    assert PLAIN.post(f"{klaviyo.url}/_sandbox/clock", json={}).status_code == 400
    assert klaviyo.control("POST", "reset") == {"status": "fresh"}
