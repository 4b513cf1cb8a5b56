"""The engine's settings: what must be longer than what, who waits for whom, and the files that describe it grown up."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from kombu import Connection

from accounts.connection import LEASE as RENEWAL_LEASE
from accounts.connection import RENEWAL_DEADLINE
from flowbuilder import tasks
from flowbuilder.broker import RedisChannel, RedisTransport
from flowbuilder.celery import app
from flowbuilder.publisher.calls import LEASE
from flowbuilder.publisher.lanes import LANE_LEASE, RING_AGAIN, TURN

ROOT = Path(__file__).resolve().parents[1]
CONSUMER_TIMEOUT = 1800  # seconds, of RabbitMQ, to acknowledge a message
TOLD = """
import json
from flowbuilder.celery import app
from flowbuilder.publisher.calls import LEASE
from flowbuilder.publisher.lanes import LANE_LEASE
conf = app.conf
print(json.dumps({
    "lease": LEASE.total_seconds(), "lane": LANE_LEASE.total_seconds(), "soft": conf.task_soft_time_limit,
    "hard": conf.task_time_limit, "visible": conf.broker_transport_options["visibility_timeout"],
}))
"""
RING = """
import time
from kombu.exceptions import OperationalError
from accounts.tasks import read_account
started = time.monotonic()
try:
    read_account.delay(1)
except (OperationalError, OSError):
    print(time.monotonic() - started)
"""


def in_a_process(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup()\n{program}"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "flowbuilder.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- Longer than ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", ["2", "120"])
def test_each_wait_is_longer_than_the_one_inside_it(timeout: str):
    """visibility time-out > countdown + time limit > soft limit > lane's lease > lease > twice a call."""
    told = json.loads(in_a_process(TOLD, KLAVIYO_TIMEOUT=timeout, REDIS_URL="redis://127.0.0.1:9/0"))
    countdown = max(tasks.LONGEST_COUNTDOWN.total_seconds(), tasks.REMOVE_AFTER)
    assert told["visible"] > told["hard"] + countdown
    assert told["hard"] > told["soft"] > told["lane"] > told["lease"]
    assert told["lease"] > 2 * float(timeout), (
        "a lease is kept until half of it is over; then a call may begin"
    )
    assert told["soft"] > TURN.total_seconds() + told["lane"]


def test_a_call_is_never_sent_when_its_lease_may_be_over():
    """A client sends nothing after its deadline; a lease with less than half of it left is renewed before a call."""
    assert timedelta(seconds=settings.KLAVIYO_TIMEOUT) < LEASE / 2
    assert timedelta(seconds=RENEWAL_DEADLINE) < RENEWAL_LEASE < LEASE < LANE_LEASE


def test_what_was_lost_is_rung_for_again_before_anybody_wonders():
    assert timedelta(seconds=settings.SWEEP_EVERY) < RING_AGAIN <= timedelta(minutes=1)


def test_rabbitmq_gets_its_acknowledgement_in_time():
    longest = max(tasks.LONGEST_COUNTDOWN.total_seconds(), tasks.REMOVE_AFTER) + app.conf.task_time_limit
    assert longest < CONSUMER_TIMEOUT


# --- What a worker does ----------------------------------------------------------------------------------------


def test_a_message_is_done_when_its_task_is_and_none_is_hoarded():
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert not app.conf.worker_cancel_long_running_tasks_on_connection_loss
    assert app.conf.broker_connection_max_retries is None, "a worker gives up on its broker"


def test_a_worker_takes_from_both_queues_unless_told_otherwise():
    assert set(app.amqp.queues) == {"celery", "rollouts"} == {tasks.ASKED, tasks.ROLLOUTS}


def test_a_worker_survives_a_broker_that_went_away_while_a_task_ran():
    """The message of a task that is done now cannot be acknowledged, and that is a connection's error."""
    with Connection("redis://127.0.0.1:9/0", transport=RedisTransport) as connection:
        channel = RedisChannel.__new__(RedisChannel)
        channel.connection = connection.transport
        assert channel._connparams()["port"] == 9
        connection.transport.client = None  # as kombu leaves it
        with pytest.raises(connection.connection_errors):
            channel._connparams()


def test_redis_is_spoken_to_by_our_own_transport():
    program = "from flowbuilder.celery import app; print(type(app.connection().transport).__name__)"
    for url in ("redis://127.0.0.1:9/0", "rediss://127.0.0.1:9/0?ssl_cert_reqs=required"):
        assert in_a_process(program, REDIS_URL=url).strip() == "RedisTransport"
    assert in_a_process(program, CELERY_BROKER_URL="amqp://127.0.0.1:9//").strip() == "Transport"


def test_rounds_of_the_sweeper_do_not_pile_up():
    sweep = app.conf.beat_schedule["sweep-publications"]
    assert sweep["options"]["expires"] == sweep["schedule"] == settings.SWEEP_EVERY


def test_everything_in_the_clock_is_a_task():
    app.loader.import_default_modules()
    assert {one["task"] for one in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_who_presses_a_button_does_not_wait_for_a_broker_that_is_away():
    assert float(in_a_process(RING, REDIS_URL="redis://127.0.0.1:9/0")) < 5


def test_who_presses_a_button_does_not_wait_for_ever_for_a_broker_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        assert 3 < float(in_a_process(RING, REDIS_URL=url)) < 15


# --- The files that describe it grown up -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def test_compose_has_every_part_and_each_says_how_it_is(compose):
    services = compose["services"]
    assert {"web", "worker", "beat", "postgres", "redis", "migrate"} == set(services)
    for name, service in services.items():
        assert ("healthcheck" in service) != (name == "migrate"), name
        assert service.get("restart") == ("on-failure" if name == "migrate" else "unless-stopped"), name
    assert services["beat"].get("deploy", {}).get("replicas") == 1, "exactly one beat"


def test_compose_sets_only_what_there_is(compose):
    table = (ROOT / "README.md").read_text().split("## Settings")[1].split("\n## ")[0]
    known = {name for row in re.findall(r"^\| ([A-Z_, ]+) \|", table, re.M) for name in row.split(", ")}
    for name in ("web", "worker", "beat", "migrate"):
        given = compose["services"][name]["environment"]
        assert set(given) <= known, name
        assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "TOKEN_KEYS", "SITE_URL"} <= set(given), name


def test_compose_refuses_to_start_without_secrets(compose):
    given = compose["services"]["web"]["environment"]
    for name in ("SECRET_KEY", "TOKEN_KEYS", "SITE_URL"):
        assert given[name].startswith("${" + name + ":?"), name


def test_workers_are_given_time_to_end(compose):
    grace = int(compose["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace > TURN.total_seconds() + settings.KLAVIYO_TIMEOUT


def test_commands_of_compose_are_those_of_the_readme(compose):
    readme = (ROOT / "README.md").read_text()
    commands = {name: " ".join(compose["services"][name]["command"]) for name in ("web", "worker", "beat")}
    assert commands["web"].startswith("gunicorn flowbuilder.wsgi")
    assert commands["worker"].startswith("celery -A flowbuilder worker --concurrency")
    assert commands["beat"].startswith("celery -A flowbuilder beat")
    for part in ("gunicorn flowbuilder.wsgi", "celery -A flowbuilder worker", "celery -A flowbuilder beat"):
        assert part in readme


def test_the_image_has_the_locked_libraries_and_no_root(dockerfile):
    install = (ROOT / ".ci" / "install.py").read_text()
    uv = re.search(r'UV = "(.+)"', install)
    assert uv is not None
    assert uv[1] in dockerfile, "the same uv as everywhere"
    assert "uv sync --frozen --no-dev" in dockerfile
    assert "collectstatic" in dockerfile
    lines = dockerfile.splitlines()
    user = next(number for number, line in enumerate(lines) if line.startswith("USER "))
    assert lines[user].split()[1] not in ("root", "0")
    assert not any(line.startswith(("RUN", "COPY")) for line in lines[user:])
    assert re.search(r"^FROM python:3\.\d+-slim", dockerfile, re.M)


def test_what_the_image_copies_is_there_and_secrets_are_not_in_it(dockerfile):
    for line in re.findall(r"^COPY (.+)$", dockerfile, re.M):
        words = [word for word in line.split() if not word.startswith("--")]
        if "--from" not in line:
            for name in words[:-1]:
                assert (ROOT / name).exists(), name
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".venv", "var", ".git"} <= {one.strip("/") for one in ignored}


def test_a_message_in_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    """A worker that looks while it is written finds nothing, and not half of it."""
    options = {
        "data_folder_in": str(tmp_path),
        "data_folder_out": str(tmp_path),
        "control_folder": str(tmp_path),
    }
    seen = []
    replace = os.replace
    monkeypatch.setattr(
        "flowbuilder.broker.os.replace",
        lambda old, new: (seen.append(sorted(one.suffix for one in tmp_path.iterdir())), replace(old, new)),
    )
    with Connection(transport="flowbuilder.broker:FileTransport", transport_options=options) as connection:
        # A name of its own: kombu remembers, for the whole process, which queues were bound, whatever their folder.
        queue = connection.SimpleQueue(tmp_path.name)
        queue.put({"hello": "there"})
        assert [one for one in seen if ".msg" in one] == []
        message = queue.get(timeout=30)
        assert message.payload == {"hello": "there"}
        message.ack()
        queue.close()
