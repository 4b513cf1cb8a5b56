"""What the pages say of the rows: periods, changes, lateness, choices, other reports, files."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import CatalogEntry, KlaviyoAccount
from flowbuilder.models import Figure, Install, Measuring, Report
from flowbuilder.performance.wording import NONE
from tests import make
from tests.conftest import client_of
from tests.performance.make import DAY, METRIC, figure, land, merchant, owner_of, today

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(workspace):
    return make.template(workspace)


@pytest.fixture
def pine(template) -> Install:
    return merchant("pinesh", template)


@pytest.fixture
def mia(pine):
    return client_of(owner_of(pine))


def html(client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return str(answer.content.decode())


def account_page(client, pine: Install, query: str = "") -> str:
    return html(client, f"/performance/accounts/{pine.account_id}/{query}")


def test_a_period_against_the_one_before(mia, pine):
    shown = account_page(mia, pine)
    assert "<b>3,000</b>" in shown
    assert "100 % more than before" in shown
    assert "<b>40.0 %</b>" in shown
    assert "38.3 % to 41.8 %" in shown  # Wilson of 1,200 in 3,000
    assert "0.0 points down, may be chance" in shown or "0.0 points up, may be chance" in shown
    assert "6,000.00 USD" in shown


def test_a_chart_is_one_stop_that_says_every_moment(mia, pine):
    """The newest point has the stop; days without a number are said as well."""
    shown = account_page(mia, pine)
    points = re.findall(r'<rect class="point" [^>]+>', shown)
    assert len(points) == 30
    assert [number for number, one in enumerate(points) if 'tabindex="0"' in one] == [29]
    labels = [re.search(r'aria-label="([^"]+)"', one)[1] for one in points]
    rows = re.findall(
        r'<th scope="row">([^<]+)</th><td class="num-col">([^<]+)</td><td class="num-col">([^<]+)', shown
    )
    assert labels == [
        f"{day}: {'no number' if value == NONE else value}"
        + ("" if then == NONE else f"; {then} a period before")
        for day, value, then in rows[:30]
    ]
    assert f'aria-hidden="true">{labels[-1]}</p>' in shown


def test_a_statistic_that_makes_no_sense_is_the_usual_one(mia, pine):
    shown = account_page(mia, pine, "?statistic=happiness&period=5&interval=eons")
    assert "Recipients as a table" in shown
    assert "Last 30 days" in shown


@pytest.mark.parametrize(
    "statistic", ["open_rate", "conversion_value", "text_message_roi", "spam_complaints"]
)
def test_every_kind_of_statistic_has_a_chart_and_its_table(mia, pine, statistic):
    shown = account_page(mia, pine, f"?statistic={statistic}")
    assert shown.count('<th scope="row">') >= 30
    assert ('class="dot"' in shown) is (statistic == "open_rate")  # nothing was spent on texts: no point


def test_too_few_say_nothing(template, workspace):
    few = merchant("fewfew", template, counts={**DAY, "recipients": 6, "delivered": 6, "opens_unique": 2})
    shown = account_page(client_of(owner_of(few)), few)
    assert "not enough yet" in shown


def test_numbers_on_the_canvas_and_message_by_message(mia, pine):
    shown = html(mia, f"/performance/accounts/{pine.account_id}/flows/{pine.live_flow_id}/")
    assert "3,000 got it, 40.0 % opened, 10.0 % clicked, 4.0 % converted, 6,000 USD" in shown
    assert "Mpinesh" in shown
    assert "On the canvas" in shown


def test_a_flow_of_the_app_s_metric_has_no_picture(mia, pine):
    measuring = Measuring.objects.get()
    measuring.flows["Fapp"] = {"name": "Loyal", "ours": False, "metrics": ["L"]}
    measuring.metrics = [{"id": "L", "name": "Loyalty", "category": "API", "flows": ["Fapp"]}]
    measuring.save()
    Figure.objects.bulk_create([figure(pine.account, "past_30", "Fapp", "Mapp", today(), DAY)])
    shown = html(mia, f"/performance/accounts/{pine.account_id}/flows/Fapp/")
    assert "On the canvas" not in shown
    assert "Mapp" in shown
    assert "Loyalty" in account_page(mia, pine)


def test_late_and_missing_numbers_say_so(mia, pine):
    Report.objects.update(collected_at=timezone.now() - timedelta(days=3))
    Measuring.objects.update(problem="The last try failed: no answer.")
    assert "These numbers are late. The last try failed" in account_page(mia, pine)
    KlaviyoAccount.objects.update(scopes=["flows:read"])
    assert "lacks metrics:read" in account_page(mia, pine)
    KlaviyoAccount.objects.update(state="disconnected")
    assert "is disconnected" in account_page(mia, pine)
    KlaviyoAccount.objects.update(state="connected", scopes=[])
    Measuring.objects.all().delete()
    assert "Nothing was collected yet" in account_page(mia, pine)
    assert "Nothing was collected yet" in html(
        mia, f"/performance/accounts/{pine.account_id}/flows/{pine.live_flow_id}/"
    )


def test_a_period_that_is_not_there_yet_says_so(mia, pine):
    assert "These numbers are being collected" in account_page(mia, pine, "?period=7")


def test_no_page_calls_klaviyo(mia, pine, monkeypatch):
    def never(*args, **named):
        raise AssertionError("a page called Klaviyo")

    monkeypatch.setattr("accounts.klaviyo.client.Klaviyo.call", never)
    account_page(mia, pine)
    html(mia, "/w/pinesh/performance/")
    html(mia, "/performance/templates/abandoned-cart/")


def test_another_metric_counts_and_its_numbers_begin_anew(mia, pine):
    CatalogEntry.objects.create(account=pine.account, kind="metric", klaviyo_id="Other1", name="Signed up")
    press = f"/performance/accounts/{pine.account_id}/metric/"
    assert mia.post(press, {"metric": "NoSuch"}).status_code == 422
    assert mia.post(press, {"metric": "Other1"}).status_code == 302
    measuring = Measuring.objects.get()
    assert (measuring.metric_id, measuring.chosen_by) == ("Other1", owner_of(pine))
    assert set(Report.objects.filter(due_at__isnull=False).values_list("metric_id", flat=True)) == {"Other1"}
    assert Figure.objects.filter(metric_id=METRIC).exists()  # kept, no longer shown
    assert "<b>3,000</b>" not in account_page(mia, pine)
    CatalogEntry.objects.create(account=pine.account, kind="metric", klaviyo_id=METRIC, name="Order")
    mia.post(press, {"metric": METRIC})
    assert "<b>3,000</b>" in account_page(mia, pine)
    assert Report.objects.get(metric_id=METRIC, frame="past_30").due_at is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"frame": "last_month"}, ""),
        ({"frame": "last_week", "interval": "daily", "group": ["tag_name"]}, ""),
        ({"frame": "last_365_days", "interval": "hourly"}, "at most 7 days"),
        ({"frame": "last_90_days", "interval": "daily"}, "at most 60 days"),
        ({"frame": "last_12_months", "interval": "monthly"}, "at most 364 days"),
        ({"frame": "last_12_months", "interval": "weekly"}, ""),
        ({"frame": "last_5_days"}, "Choose a time frame"),
        ({"frame": "today", "interval": "yearly"}, "Choose hours"),
        ({"frame": "days", "start": "2026-01-01", "end": "2026-01-31"}, ""),
        ({"frame": "days", "start": "2026-02-01", "end": "2026-01-31"}, "after the last"),
        ({"frame": "days", "start": "2024-02-01", "end": "2026-01-31"}, "at most a year"),
        ({"frame": "days", "start": "2026-02-01", "end": "2999-01-31"}, "in the future"),
        ({"frame": "days", "start": "soon"}, "Give the first and the last day"),
    ],
)
def test_what_can_be_asked_for(mia, pine, given, said):
    answer = mia.post(f"/performance/accounts/{pine.account_id}/ask/", given)
    assert answer.status_code == (422 if said else 302)
    assert said in answer.content.decode()
    made = Report.objects.filter(is_standing=False)
    assert made.exists() is not bool(said)
    if not said:
        assert made.get().asked_by == owner_of(pine)
        assert "waits for its turn" in account_page(mia, pine)
        mia.post(f"/performance/accounts/{pine.account_id}/ask/", given)
        assert made.count() == 1


def test_a_report_as_it_was_answered_and_its_file(mia, pine, alice):
    mia.post(f"/performance/accounts/{pine.account_id}/ask/", {"frame": "last_week", "group": ["flow_name"]})
    report = Report.objects.get(is_standing=False)
    assert "waits for its turn" in html(mia, f"/performance/reports/{report.pk}/")
    one = figure(pine.account, "last_week", pine.live_flow_id, "M1", today(), DAY)
    one.groups, one.groupings = report.groups, {"flow_name": "=SUM(A1)"}
    one.save()
    Report.objects.filter(pk=report.pk).update(collected_at=timezone.now())
    shown = html(mia, f"/performance/reports/{report.pk}/?statistic=clicks&statistic=nonsense")
    assert "Clicks" in shown
    assert "=SUM(A1)" in shown
    rows = read(mia.get(f"/performance/reports/{report.pk}.csv"))
    assert rows[0]["flow_name"] == "'=SUM(A1)"
    assert rows[0]["clicks"] == "12"
    assert client_of(alice).get(f"/performance/reports/{report.pk}/").status_code == 404


def read(answer) -> list[dict[str, str]]:
    text = answer.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_has_every_day_and_statistic(mia, pine):
    answer = mia.get(f"/performance/accounts/{pine.account_id}/numbers.csv")
    assert answer.streaming
    rows = read(answer)
    assert len(rows) == 60
    assert (rows[0]["recipients"], rows[0]["open_rate"], rows[0]["bounced"]) == ("100", "0.4", "0")
    assert rows[0]["text_message_roi"] == ""  # nothing to divide by
    assert rows[-1]["date"] == (today() - timedelta(days=1)).date().isoformat()


def test_versions_are_told_apart_by_their_days(template, pine, alice):
    newer = make.publish_version(flow=template.flow, by=None)
    land(pine, newer, 20)
    shown = html(client_of(owner_of(pine)), "/performance/templates/abandoned-cart/")
    first, second = shown.index("Version 2"), shown.index("Version 1")
    assert first < second
    # 60 days of 100 each: 19 after the change; 40 before it, without its own day.
    assert ">1,900<" in shown[first:second]
    assert ">4,000<" in shown[second:]
    assert "2.00 USD to 2.00 USD" in shown


def test_money_of_two_currencies_is_not_added_up(template, pine, workspace, alice):
    from flowbuilder.operations import performance as operations

    other = merchant("eurosh", template, currency="EUR")
    for one in (pine, other):
        operations.share(account=one.account, workspace=workspace, by=owner_of(one))
    shown = html(client_of(alice), "/performance/templates/abandoned-cart/")
    assert "Several currencies" in shown
    assert ">12,000<" in shown


def test_the_number_of_queries_does_not_grow_with_the_numbers(mia, pine, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        account_page(mia, pine)
