"""The doors for machines: no sign-in, no session, no redirect; and a sentence of what is missing, never of where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError

from flowbuilder.health import probes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def broker(monkeypatch):
    """A broker that answers as it is told."""

    class Broker:
        is_there = True

        def __enter__(self) -> Broker:
            return self

        def __exit__(self, *_: object) -> None: ...

        def ensure_connection(self, **_: object) -> None:
            if not self.is_there:
                raise OperationalError("amqp://user:secret@broker.internal refused")

    made = Broker()
    monkeypatch.setattr(probes.app, "connection_for_write", lambda **_: made)
    return made


def test_it_lives_without_a_database():
    """No mark for the database: a query would fail the test."""
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})
    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_it_is_ready(broker):
    with CaptureQueriesContext(connection) as caught:
        answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {"database": "ok", "migrations": "ok", "broker": "ok"}}
    assert not answer.cookies
    assert not any("django_session" in query["sql"] for query in caught)


@pytest.mark.django_db
def test_without_its_broker_it_is_not(broker):
    broker.is_there = False
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "migrations": "ok", "broker": "not there"}
    assert b"secret" not in answer.content


@pytest.mark.django_db
def test_with_a_migration_that_is_missing_it_is_not(broker):
    [(_, last)] = MigrationLoader(connection).graph.leaf_nodes("flowbuilder")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'flowbuilder' AND name = %s", [last])
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "not there"


def test_without_its_database_it_is_not(broker, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise DatabaseError("could not connect to db.internal as flowbuilder")

    monkeypatch.setattr(probes.connection, "cursor", away)
    monkeypatch.setattr(probes, "MigrationExecutor", away)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "not there", "migrations": "not there", "broker": "ok"}
    assert b"internal" not in answer.content


def test_production_redirects_neither():
    """All else is led to https."""
    code = (
        "import django; django.setup(); from django.test import Client; client = Client(headers={'host': 'localhost'});"
        "print([client.get(path).status_code for path in ('/healthz', '/account/login/')])"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "flowbuilder.settings",
        "SITE_URL": "https://flows.example.org",
        "SECRET_KEY": "x" * 60,
        "TOKEN_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[200, 301]", done.stderr
