"""`python -m tests.faults.klaviyo`: the pretend Klaviyo, with a fault in so many of a hundred calls.

A process of its own, started by run.py. Beside the sandbox's own faults it kills who calls: the worker at the other
end of the connection, before the call takes effect or after it. What was drawn is kept in the table `drawn`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path
from typing import Any

from werkzeug import Request

from flowbuilder.sandbox.faults import Fault
from flowbuilder.sandbox.oauth import digest
from flowbuilder.sandbox.options import add_arguments, from_arguments
from flowbuilder.sandbox.server import HungUp, Sandbox, start
from tests.faults.draw import KILL_AFTER, KILL_BEFORE, Draw, endpoint_of
from tests.processes import MARK, owner_of

TABLE = "create table if not exists drawn (seq integer primary key, account text, endpoint text, kind text)"


class Faults:
    """Takes the place of `Sandbox.fault_for`."""

    def __init__(self, sandbox: Sandbox, draw: Draw) -> None:
        self.sandbox, self.draw = sandbox, draw
        self.mark = os.environ[MARK]
        sandbox.store.run(TABLE)

    def __call__(self, request: Request, path: str, notes: dict[str, Any]) -> Fault | None:
        account = notes["account"] or self.account_of_token(request, path)
        endpoint = endpoint_of(request.method, path)
        if account is None:
            return None
        kind, fault = self.draw(account, endpoint)
        if kind in (KILL_BEFORE, KILL_AFTER):
            notes["fault"] = kind
            caller = owner_of(int(request.environ["REMOTE_PORT"]), self.mark)
            if kind == KILL_AFTER:
                self.sandbox.respond(request, path)
            if caller is not None:
                os.kill(caller, signal.SIGKILL)
            self.note(account, endpoint, kind if caller else "connection reset, nobody found to kill")
            raise HungUp
        if kind:
            self.note(account, endpoint, kind)
        return fault

    def note(self, account: str, endpoint: str, kind: str) -> None:
        self.sandbox.store.run(
            "insert into drawn (account, endpoint, kind) values (?, ?, ?)", account, endpoint, kind
        )

    def account_of_token(self, request: Request, path: str) -> str | None:
        """Whose refresh token is being used."""
        if path != "/oauth/token":
            return None
        row = self.sandbox.store.row(
            "select account from installation where refresh_hash = ?",
            digest(request.form.get("refresh_token", "")),
        )
        return row["account"] if row else None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.klaviyo", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--draw", type=Path, required=True, help="JSON file with the arguments of Draw")
    given = vars(parser.parse_args())
    server, sandbox = start(from_arguments(given))
    drawn = json.loads(given["draw"].read_text())
    drawn["tokens"] = frozenset(drawn["tokens"])
    setattr(sandbox, "fault_for", Faults(sandbox, Draw(**drawn)))  # noqa: B010 - a method's place is taken
    server.serve_forever()


if __name__ == "__main__":
    main()
