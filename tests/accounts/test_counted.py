"""Calls outside a lane: counted with the lanes' own, waited for a moment, and else told until when."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from celery.exceptions import Retry
from django.utils.timezone import now as right_now

from accounts import budget, tasks
from accounts.budget import MustWait
from accounts.catalog import metric_properties, read_catalog
from accounts.counted import counted, in_words
from accounts.klaviyo.errors import NotSent, Throttled
from accounts.models import Allowance, CatalogEntry
from flowbuilder import tasks as flow_tasks
from tests import make

pytestmark = pytest.mark.django_db
PROPERTIES = ("GET", "/api/metrics/UpixsZ/metric-properties")  # 1 a second, 15 a minute
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _real_time(settings):
    settings.KLAVIYO_SPEED = 1


@pytest.fixture
def account(workspace):
    return make.account(workspace)


def use_up(account, calls: int, what=PROPERTIES) -> None:
    """So many calls of the last minute, as a lane would have made them."""
    start = right_now() - timedelta(seconds=30)
    for number in range(calls):
        at = start + timedelta(seconds=1.1 * number)
        budget.settle(budget.spend(account.pk, *what, at), {}, at)


def asked(klaviyo) -> int:
    return sum(one["path"].startswith("/api/") for one in klaviyo.requests())


def test_what_a_page_asks_counts_for_the_lane_as_well(account, klaviyo):
    counted(account).flow_triggers("UpixsZ")
    row = Allowance.objects.get(account=account)
    assert row.endpoint == "GET /api/metrics/{id}/flow-triggers"
    assert sum(calls for _, calls in row.log) == 1


def test_every_page_of_a_list_is_a_call(account, klaviyo):
    counted(account).list_templates()
    row = Allowance.objects.get(account=account, endpoint="GET /api/templates")
    assert sum(calls for _, calls in row.log) == asked(klaviyo) >= 1


def test_a_short_wait_is_waited_out(account, klaviyo):
    door = counted(account, patience=3)
    began = time.monotonic()
    door.list_metric_properties("UpixsZ")
    door.list_metric_properties("UpixsZ")
    assert 0.9 < time.monotonic() - began < 2.5, "one a second"
    assert asked(klaviyo) == 2


def test_a_long_wait_is_told_and_nothing_is_sent(account, klaviyo):
    use_up(account, 15)
    began = time.monotonic()
    with pytest.raises(Throttled) as told:
        counted(account, patience=3).list_metric_properties("UpixsZ")
    assert time.monotonic() - began < 1
    assert asked(klaviyo) == 0
    assert 25 <= told.value.retry_after <= 31
    assert re.search(r"15 calls .* a minute. Nothing was sent; try again in \d+ seconds\.", str(told.value))


def test_patience_is_for_all_calls_together(account, klaviyo):
    door = counted(account, patience=1.5)
    door.list_metric_properties("UpixsZ")
    door.list_metric_properties("UpixsZ")
    with pytest.raises(Throttled):
        door.list_metric_properties("UpixsZ")


def test_a_refusal_to_wait_keeps_the_lane_away_too(account, klaviyo):
    klaviyo.fault("status", "GET", PROPERTIES[1], status=429, retry_after="40")
    with pytest.raises(Throttled):
        counted(account).list_metric_properties("UpixsZ")
    with pytest.raises(MustWait):
        budget.spend(account.pk, *PROPERTIES, right_now())


def test_what_never_left_is_given_back(account, settings):
    def unplugged(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    with pytest.raises(NotSent):
        counted(account, transport=httpx.MockTransport(unplugged)).get_template("AbCdEf")
    assert Allowance.objects.get(account=account).log == []


def test_a_catalog_that_must_wait_stays_as_it_was(account, klaviyo):
    read_catalog(account, [CatalogEntry.Kind.METRIC])
    known = CatalogEntry.objects.count()
    Allowance.objects.filter(account=account).update(blocked_until=time.time() + 60)
    with pytest.raises(Throttled, match="try again in"):
        read_catalog(account, [CatalogEntry.Kind.METRIC])
    assert CatalogEntry.objects.count() == known > 0
    account.refresh_from_db()
    assert account.is_connected


def test_a_picker_goes_without_what_would_take_long(account, workspace, klaviyo):
    read_catalog(account, [CatalogEntry.Kind.METRIC])
    use_up(account, 15)
    began = time.monotonic()
    assert metric_properties(workspace, "UpixsZ") == ()
    assert time.monotonic() - began < 1


def test_work_in_the_back_holds_no_worker_while_it_waits(account, klaviyo, monkeypatch):
    """The message comes again when the limits are free; a wait that no message is held for ends it."""
    read_catalog(account, [CatalogEntry.Kind.METRIC])
    came_again = []

    def retry(*, countdown, exc, max_retries):
        came_again.append(countdown)
        return Retry(exc=exc)

    began, sent = time.monotonic(), asked(klaviyo)
    for task, given in (
        (tasks.read_account, (account.pk,)),
        (flow_tasks.compare_account, (account.pk,)),
        (flow_tasks.remove_template, (account.pk, "AbCdEf")),
    ):
        monkeypatch.setattr(task, "retry", retry)
        for endpoint in ("GET /api/metrics", "GET /api/flows", "DELETE /api/templates/{id}"):
            until = {"blocked_until": time.time() + 40}
            Allowance.objects.update_or_create(
                account=account, endpoint=endpoint, defaults=until, create_defaults=until
            )
        with pytest.raises(Retry):
            task(*given)
        Allowance.objects.update(blocked_until=time.time() + 4_000)
        task(*given)  # no message is held for an hour
    assert time.monotonic() - began < 3
    assert asked(klaviyo) == sent
    assert [35 < wait <= 41 for wait in came_again] == [True] * 3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (0.2, "1 second"),
        (119, "119 seconds"),
        (121, "3 minutes"),
        (7_300, "3 hours"),
        (86_400, "24 hours"),
    ],
)
def test_in_words(seconds, words):
    assert in_words(seconds) == words


def test_nobody_calls_uncounted_but_the_lanes_and_who_connects():
    """`client_for` and `door` are the two ways to a client that counts nothing."""
    free = {"connection.py", "counted.py", "connecting.py", "publish.py", "lanes.py"}
    for path in [*ROOT.glob("accounts/**/*.py"), *ROOT.glob("flowbuilder/**/*.py")]:
        if re.search(r"import .*\b(client_for|door)\b", path.read_text()):
            assert path.name in free, f"{path.relative_to(ROOT)} calls Klaviyo and counts nothing"
