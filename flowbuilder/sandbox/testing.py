"""A sandbox in a thread, for tests: `with RunningSandbox() as klaviyo: httpx.get(klaviyo.url + ...)`.

Needs no pytest. Each one has its own port, its own state and short hands for the control path.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from . import seed
from .options import Options
from .server import start

NAMES = {"harbour": seed.HARBOUR, "kettle": seed.KETTLE, "orchard": seed.ORCHARD}


class RunningSandbox:
    """Keyword arguments are those of Options; by default limits are off and any loopback redirect is allowed."""

    def __init__(self, **given: Any) -> None:
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        if "data" not in given:
            self.folder = tempfile.TemporaryDirectory(prefix="sandbox-")
            given["data"] = Path(self.folder.name) / "sandbox.sqlite3"
        quiet = {"quiet": True, "limits": False, "any_loopback_redirect": True, "port": 0}
        self.options = Options(**{**quiet, **given})
        self.url = ""

    @property
    def client_id(self) -> str:
        return self.options.client_id

    @property
    def client_secret(self) -> str:
        return self.options.client_secret

    def account(self, name: str) -> str:
        """The id of "harbour", "kettle" or "orchard"; an id is returned as it is."""
        return NAMES.get(name, name)

    def api_key(self, account: str = "harbour") -> str:
        return seed.KEYS[self.account(account)]

    def start(self) -> Self:
        self.server, self.sandbox = start(self.options)
        self.url = f"http://{self.options.host}:{self.server.port}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def stop(self) -> None:
        """Stop serving; the data stays until the end of the `with` block, so that a second start finds it."""
        self.sandbox.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
        self.sandbox.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self.folder:
            self.folder.cleanup()

    # -- the control path

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call to /_sandbox/<path>; returns its JSON, raises ValueError with its complaint."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/_sandbox/{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except HTTPError as problem:
            with problem:
                raise ValueError(json.load(problem)["error"]) from None

    def fault(self, kind: str, method: str | None = None, path: str | None = None, **more: Any) -> None:
        """Ask for a fault, e.g. fault("after_reset", "POST", "/api/flows", times=2). See faults.py for the kinds."""
        match = {"method": method, "path": path, "account": more.pop("account", None)}
        kept = {name: value for name, value in match.items() if value}
        self.control("POST", "faults", {"match": kept, "kind": kind, **more})

    def clear_faults(self) -> None:
        self.control("DELETE", "faults")

    def reset(self) -> None:
        self.control("POST", "reset")

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "requests")["requests"]
        return found

    def flows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "flows")["flows"]
        return found

    def advance(self, seconds: int) -> None:
        self.control("POST", "clock", {"advance": seconds})

    def expire_tokens(self) -> None:
        self.control("POST", "expire-tokens")

    def uninstall(self, account: str) -> None:
        self.control("POST", "uninstall", {"account": self.account(account)})

    def remove(self, kind: str, id: str, account: str = "harbour") -> None:
        self.control("POST", "remove", {"account": self.account(account), "kind": kind, "id": id})

    def edit(self, kind: str, id: str, account: str = "harbour", **more: Any) -> None:
        """A person's hand in Klaviyo's own pages: edit("template", id, attributes={"html": ...}), body={...}."""
        self.control("POST", "edit", {"account": self.account(account), "kind": kind, "id": id, **more})
