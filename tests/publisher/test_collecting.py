"""How flows do, collected from the running sandbox: which flows, which questions, and what waits for the limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import now as right_now

from accounts.counted import counted
from accounts.models import Allowance, CatalogEntry, KlaviyoAccount
from flowbuilder.definition import frames
from flowbuilder.models import Figure, Measuring, Report
from flowbuilder.publisher import collecting
from flowbuilder.sandbox.testing import RunningSandbox
from flowbuilder.tasks import collect_account, collect_numbers
from tests.publisher.test_after import landed as landed
from tests.sandbox.talk import definition, flow, mail

pytestmark = pytest.mark.django_db
EXACT = {"recipients": 10, "delivered": 8, "opens_unique": 4, "clicks_unique": 2, "conversion_value": 30.5}


def turn(account: KlaviyoAccount, now: datetime | None = None, **more) -> Measuring:
    now = now or right_now()
    collecting.collect(account.pk, now, clock=lambda: now, **more)
    return Measuring.objects.get(account=account)


def figures(frame: str) -> list[Figure]:
    return list(Figure.objects.filter(frame=frame).order_by("message_id", "at"))


def asked(klaviyo: RunningSandbox) -> list[str]:
    return [one["path"] for one in klaviyo.requests() if "reports" in one["path"]]


@pytest.fixture
def exact(landed, klaviyo):
    klaviyo.edit("flow", landed.live_flow_id, attributes={"numbers": {"exactly": EXACT}})
    klaviyo.control("DELETE", "requests")
    return landed


def test_a_day_s_questions(exact, account, klaviyo):
    measuring = turn(account)
    assert measuring.problem == ""
    assert measuring.metric_name == "Placed Order (Shopify)"
    assert measuring.flows == {exact.live_flow_id: {"name": "Abandoned cart", "ours": True, "metrics": []}}
    assert sorted(asked(klaviyo)) == ["/api/flow-series-reports"] * 2 + ["/api/flow-values-reports"] * 7
    month = figures("past_30")
    assert {one.message_id for one in month} == {
        str(step["message"]) for step in exact.step_map.values() if step.get("message")
    }
    assert [one.statistics["recipients"] for one in month] == [300] * len(month)
    assert month[0].statistics["open_rate"] == 0.5
    assert month[0].groupings == {"send_channel": "email"}
    days = figures("days")
    assert len(days) == 60 * len(month)
    zone = collecting.zone_of(account)
    assert max(one.at for one in days).date() == right_now().astimezone(zone).date() - timedelta(days=1)
    assert {one.at.weekday() for one in figures("weeks")} == {0}
    assert not Report.objects.filter(due_at__lte=right_now()).exists()
    assert collecting.due_accounts(right_now(), 9) == []


def test_found_again_it_is_written_over_and_what_rests_is_not_asked_for(exact, account, klaviyo):
    turn(account)
    before = Figure.objects.count()
    klaviyo.edit("flow", exact.live_flow_id, attributes={"numbers": {"exactly": {**EXACT, "recipients": 11}}})
    tomorrow = right_now() + timedelta(hours=36)
    klaviyo.advance(36 * 3600)
    turn(account, tomorrow)
    rows = figures("days")
    first = [one for one in rows if one.message_id == rows[0].message_id]
    told = [one.statistics["recipients"] for one in first]
    moved = (max(one.at for one in first) - min(one.at for one in first)).days + 1 - 60
    assert moved in (1, 2)  # the days that have passed
    assert told == [10] * (60 + moved - frames.SETTLES) + [11] * frames.SETTLES
    messages = len(figures("past_30"))
    assert {one.at for one in figures("past_30")} == {figures("past_30")[0].at}  # the newest answer alone
    assert Figure.objects.count() < before + messages * (moved + 2)


def test_more_flows_than_a_call_takes_and_a_new_one_gets_its_past(exact, account, klaviyo, monkeypatch):
    turn(account)
    measuring = Measuring.objects.get(account=account)
    report = Report.objects.get(frame="days")
    measuring.flows = {f"F{number}": {} for number in range(150)} | measuring.flows
    parts = collecting._begin(report, measuring, right_now().date())["parts"]
    assert [(len(part["flows"]), part["whole"]) for part in parts] == [(100, True), (50, True), (1, False)]
    values = Report.objects.get(frame="past_30")
    parts = collecting._begin(values, measuring, right_now().date())["parts"]
    assert [len(part["flows"]) for part in parts] == [100, 51]


def test_page_by_page_and_killed_in_between(exact, account, klaviyo, monkeypatch):
    monkeypatch.setattr("flowbuilder.sandbox.reports.PAGE", 1)
    turn(account)
    whole = sorted((one.message_id, one.at) for one in figures("days"))
    Figure.objects.all().delete()
    Report.objects.update(due_at=right_now(), filled=[])
    real, calls = collecting.flow_report, []

    def dies(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt  # the worker is killed
        return real(*args)

    monkeypatch.setattr(collecting, "flow_report", dies)
    with pytest.raises(KeyboardInterrupt):
        turn(account)
    assert Report.objects.filter(progress__has_key="cursor").exclude(progress__cursor="").exists()
    monkeypatch.setattr(collecting, "flow_report", real)
    turn(account, right_now() + collecting.LEASE)
    assert sorted((one.message_id, one.at) for one in figures("days")) == whole


def test_flows_of_our_own_metrics_too(exact, account, klaviyo, settings):
    settings.KLAVIYO_INTEGRATION, settings.KLAVIYO_INTEGRATION_CATEGORY = "Shopify", "eCommerce"
    client = counted(account)
    other = client.create_flow(flow(definition(mail("a")), name="Theirs")).id
    measuring = turn(account)
    assert measuring.flows[other]["name"] == "Theirs"
    assert measuring.flows[other]["ours"] is False
    checkout = next(one for one in measuring.metrics if one["name"] == "Checkout Started")
    assert set(checkout["flows"]) >= {other, exact.live_flow_id}
    assert checkout["category"] == "eCommerce"
    assert measuring.flows[exact.live_flow_id]["metrics"] == [checkout["id"]]
    assert {one.flow_id for one in figures("past_30")} == set(measuring.flows)


def test_case_matters(exact, account, settings):
    settings.KLAVIYO_INTEGRATION = "shopify"
    assert turn(account).metrics == []


def test_a_missing_scope_is_said_and_nothing_is_asked(exact, account, klaviyo):
    KlaviyoAccount.objects.filter(pk=account.pk).update(scopes=["accounts:read", "flows:read"])
    measuring = turn(account)
    assert "metrics:read" in measuring.problem
    assert measuring.not_before is not None
    assert asked(klaviyo) == []
    assert collecting.due_accounts(right_now(), 9) == []


def test_without_a_metric_for_orders_it_says_so(exact, account, klaviyo):
    CatalogEntry.objects.all().delete()
    assert "Choose what counts as a conversion" in turn(account).problem
    assert asked(klaviyo) == []


def test_a_metric_that_is_refused_stops_no_other_question(exact, account, klaviyo):
    turn(account)
    Report.objects.create(account=account, metric_id="NoSuch", frame="last_week", due_at=right_now())
    Report.objects.filter(frame="past_7").update(due_at=right_now())
    turn(account)
    assert "NoSuch" in Report.objects.get(frame="last_week").problem
    assert Report.objects.get(frame="past_7").due_at > right_now()


def test_late_numbers_are_read_again(exact, account, klaviyo):
    klaviyo.edit("flow", exact.live_flow_id, attributes={"numbers": {"exactly": EXACT, "silent": 5}})
    turn(account)
    assert sum(one.statistics.get("recipients", 0) == 0 for one in figures("days")) == 4 * len(
        figures("past_7")
    )
    klaviyo.edit("flow", exact.live_flow_id, attributes={"numbers": {"exactly": EXACT}})
    Report.objects.update(due_at=right_now())
    turn(account)
    assert all(one.statistics["recipients"] == 10 for one in figures("days"))


def test_klaviyo_is_away(exact, account, klaviyo):
    klaviyo.fault("status", "POST", "/api/flow-values-reports", status=503)
    measuring = turn(account)
    assert measuring.problem.startswith("The last try failed")
    assert measuring.not_before is not None
    assert measuring.lease_until is None
    turn(account, measuring.not_before + timedelta(seconds=1))
    assert Measuring.objects.get(account=account).problem == ""


def test_one_at_a_time_and_not_before_its_time(exact, account, klaviyo):
    now = right_now()
    Measuring.objects.create(account=account, lease_until=now + timedelta(minutes=1))
    turn(account, now)
    Measuring.objects.update(lease_until=None, not_before=now + timedelta(minutes=1))
    turn(account, now)
    assert asked(klaviyo) == []


def test_the_clock_s_bell(exact, account, klaviyo, monkeypatch):
    rung = []
    monkeypatch.setattr(collect_account, "apply_async", lambda args, **_: rung.append(args))
    assert collect_numbers() == 1
    assert rung == [(account.pk,)]
    collect_account(account.pk)
    assert figures("past_30")
    assert collect_numbers() == 0


def test_a_flow_that_lands_later_is_asked_for_at_once(exact, account, klaviyo):
    turn(account)
    exact.publications.update(ended_at=right_now() + timedelta(seconds=1))
    assert collecting.due_accounts(right_now(), 9) == [account.pk]


def test_questions_of_two_days_rest_when_nothing_changes_any_more(exact, account):
    now = right_now()
    turn(account)
    today = now.date()
    metric = Measuring.objects.get().metric_id
    spans = {"old": today - timedelta(days=40), "new": today - timedelta(days=5)}
    for last in spans.values():
        frame = frames.read_frame(str(last - timedelta(days=3)), str(last), today)
        Report.objects.create(account=account, metric_id=metric, frame=frame, due_at=now)
    turn(account)
    by_frame = {one.frame: one for one in Report.objects.filter(is_standing=False)}
    due = {name: by_frame[f"{last - timedelta(days=3)}/{last}"].due_at for name, last in spans.items()}
    assert due["old"] is None
    assert due["new"] > now


def test_what_is_kept(exact, account):
    turn(account)
    now = right_now()
    figure = Figure.objects.filter(frame="days").first()
    Figure.objects.filter(pk=figure.pk).update(at=now - collecting.KEPT - timedelta(days=1))
    hour = Figure.objects.filter(frame="past_7").first()
    Figure.objects.filter(pk=hour.pk).update(collected_at=now - collecting.KEPT_SHORT - timedelta(days=1))
    assert collecting.forget(now) == 2


def test_inside_the_limits_and_parked_with_a_time(landed, account, settings):
    """Against a sandbox that counts: in half an hour never a 429, and everything is there."""
    settings.KLAVIYO_SPEED = 1
    with RunningSandbox(limits=True) as strict:
        settings.KLAVIYO_BASE_URL = strict.url
        Allowance.objects.all().delete()
        begun = right_now()
        measuring = turn(account)
        assert measuring.not_before is not None
        assert timedelta(seconds=0) < measuring.not_before - begun <= timedelta(seconds=70)
        paths = [one["path"] for one in strict.requests() if "reports" in one["path"]]
        assert 2 <= len(paths) <= 4
        assert all(one["status"] != 429 for one in strict.requests())
        assert right_now() - begun < timedelta(seconds=10)  # no worker is held


def test_the_night_of_the_account():
    account = KlaviyoAccount(pk=3, timezone="America/New_York")
    due = collecting.next_night(
        account, datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    )  # the evening of the 20th there
    assert due == datetime(2026, 11, 21, 7, 21, tzinfo=UTC)
    assert collecting.zone_of(KlaviyoAccount(timezone="Mars/Olympus")).key == "UTC"
