"""What the README and the house promise: the map, the settings, the locked libraries, the guards of the database."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from accounts.guards import OF_THE_LOG
from flowbuilder.guards import APPROVALS, EDIT, READING, RECEIPTS, REVIEWS, VERSION
from flowbuilder.kinds.registry import PALETTE, TRIGGERS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def map_names(start: str, end: str) -> set[str]:
    """The files and folders the map names below one folder."""
    block = README.split("## The map")[1].split("```")[1]
    lines = block.split(f"\n{start}")[1].split(f"\n{end}")[0].splitlines()[1:]
    return {name for line in lines for name in re.split(r"\s{2,}", line.strip())[0].split(" ")}


def there(folder: str) -> set[str]:
    found = set()
    for path in (ROOT / folder).iterdir():
        if path.name in ("__pycache__", "__init__.py", "apps.py", "migrations") or path.name.startswith("."):
            continue
        found.add(path.name + "/" if path.is_dir() else path.name)
    return found


def test_the_map_is_true():
    wiring = {"settings.py", "urls.py", "celery.py", "wsgi.py"}  # named in the first line of flowbuilder/
    assert map_names("accounts/", "flowbuilder/") == there("accounts")
    assert map_names("flowbuilder/", "templates/") == there("flowbuilder") - wiring


def test_the_two_commands_come_first():
    commands = README.split("```")[1]
    assert [line.split("#")[0].strip() for line in commands.strip().splitlines()] == [
        "make demo",
        "make test",
    ]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {"install", "demo", "demo-reset", "test"} <= set(targets)
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_every_setting_is_in_the_readme():
    settings = (ROOT / "flowbuilder" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings))
    table = README.split("## Settings")[1].split("##")[0]
    told = {name for row in re.findall(r"^\| ([A-Z_, ]+) \|", table, re.M) for name in row.split(", ")}
    assert read == told


def test_every_kind_with_a_form_is_in_the_readme():
    line = README.split("4. this table:")[1].split(".\n")[0]
    told = set(re.findall(r"[a-z-]+", line))
    assert told == {kind.TYPE for kind in PALETTE} | set(TRIGGERS)


def test_pictures_of_the_readme_are_there():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("name", ["SECRET_KEY", "TOKEN_KEYS"])
def test_production_refuses_development_secrets(name: str):
    """With a secret of its own for everything but one, the site does not start; with all, it does."""
    own = {"SECRET_KEY": "x" * 60, "TOKEN_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
    environment = {**os.environ, "SITE_URL": "https://flows.example.org", **own}
    check = [sys.executable, "manage.py", "check"]
    assert subprocess.run(check, cwd=ROOT, env=environment, capture_output=True, check=False).returncode == 0
    del environment[name]
    refused = subprocess.run(check, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "Production needs" in refused.stderr
    assert name in refused.stderr


def test_production_is_safe_to_deploy():
    """Django's own list for production, with nothing to say."""
    environment = {
        **os.environ,
        "SITE_URL": "https://flows.example.org",
        "SECRET_KEY": "5c8Vw0nJf2Lq7sXbTz4yRk9PmHd1GaEu6CoWiYtQvN3BxKjZrSlFeDpMgAhUOI",
        "TOKEN_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.django_db
def test_the_guards_of_the_database_are_there():
    """A later migration that rebuilds a table in SQLite would lose its triggers without a word."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        names = " ".join(row[0] for row in cursor.fetchall())
    assert "link_stays_in_its_flow" in names
    assert "publication_moves_by_the_table" in names
    assert "move_stays" in names
    assert "publications_are_counted" in names
    assert "publication_has_its_errors" in names
    for guard in (VERSION, EDIT, READING, *REVIEWS, *RECEIPTS, *APPROVALS, *OF_THE_LOG):
        assert guard.name in names


def test_the_pages_keep_a_strict_policy(client, db):
    policy = client.get("/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "object-src 'none'" in policy
