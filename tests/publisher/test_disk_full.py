"""The disk of an embedded site is full at any moment of a publication: what was sent is found, and sent once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import OperationalError, connection

from accounts.connection import client_for
from flowbuilder.operations.installs import confirm_install
from flowbuilder.publisher import publish
from tests.publisher.test_made import posted, templates
from tests.publisher.test_publish import created, run, sent_long_ago

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's disk is full in tests/faults"),
]


class Disk:
    """SQLite's pages: not one more from the moment on in which call number `at` was answered."""

    def __init__(self, at: int) -> None:
        self.at, self.calls = at, 0

    def client_for(self, account: Any) -> Any:
        client = client_for(account)
        call = client.call

        def counted(*given: Any, **more: Any) -> Any:
            answer = call(*given, **more)
            self.calls += 1
            if self.calls == self.at:
                self.fill()
            return answer

        client.call = counted
        return client

    def fill(self) -> None:
        with connection.cursor() as cursor, suppress(OperationalError):
            cursor.execute("PRAGMA page_count")
            cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
            while True:
                cursor.execute("INSERT INTO ballast VALUES (zeroblob(3000))")


@contextmanager
def ballast() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE ballast (bytes BLOB)")
        try:
            yield
        finally:
            cursor.execute("PRAGMA max_page_count = 1073741823")
            cursor.execute("DROP TABLE ballast")


@pytest.mark.parametrize("at", range(1, 7))
def test_a_full_disk_loses_and_doubles_nothing(ready, alice, klaviyo, at):
    before = templates(ready.account)
    publication = confirm_install(install=ready, by=alice)
    with ballast(), pytest.raises(OperationalError, match="full"):
        publish.run(publication.pk, client_for=Disk(at).client_for)
    for _ in range(6):
        sent_long_ago(publication)
        if run(publication).state == "published":
            break
    assert publication.state == "published"
    assert [one["id"] for one in created(klaviyo)] == [publication.klaviyo_flow_id]
    assert posted(klaviyo, "/api/flows") == 1
    assert len(templates(ready.account) - before) == posted(klaviyo, "/api/templates") == 2
