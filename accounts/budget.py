"""The account's limits, obeyed before sending."""

from __future__ import annotations

from datetime import datetime


class MustWait(Exception):
    """Nothing was sent: the account's limits let the next call through at `until`. str() says why."""

    def __init__(self, until: datetime, why: str) -> None:
        super().__init__(why)
        self.until, self.why = until, why
