"""Numbers after a collection on the pretend Klaviyo, as a merchant and as a partner sees them: a chart by keyboard, the
canvas, consent given and ended, and all of it without a script."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils.timezone import now as right_now
from playwright.sync_api import Browser, Page, expect

from accounts.models import KlaviyoAccount, User
from flowbuilder.models import Install, Measuring, Publication, Report, TemplateFlow
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.library import settle_offer
from flowbuilder.publisher import collecting
from tests import make
from tests.browser import scene
from tests.browser.conftest import Desk, Site, open_desk

pytestmark = pytest.mark.browser
MERCHANT, PARTNER = "tove@tindra.example", "nils@nordvik.example"


@pytest.fixture(scope="module")
def measured(site: Site, in_site) -> int:
    """A flow that landed with Tove, and its numbers: collected by this process or by the site's worker."""

    def build() -> int:
        home, nils = scene.room("nordvik", "Nordvik", "Nils Nord")
        shop, tove = scene.room("tindra", "Tindra", "Tove Tind")
        shop.kind = "merchant"
        shop.save()
        (account,) = scene.shops(site, shop, ["Tindra Wool"])
        template = scene.hello(home, "Hello in wool")
        settle_offer(template=template, by=nils, visibility="site", categories=["welcome"], languages=["en"])
        live = _landed(make.approved(template), account, tove)
        Publication.objects.filter(install=live).update(ended_at=right_now() - timedelta(days=40))
        _collected(account)
        return account.pk

    return int(scene.build(site, in_site, build))


def _landed(template: TemplateFlow, account: KlaviyoAccount, tove: User) -> Install:
    live = scene.install(template, account, tove)
    scene.finish(confirm_install(install=live, by=tove))
    live.refresh_from_db()
    return live


def _collected(account: KlaviyoAccount) -> None:
    """What the pages show first; the limits let two calls of a kind through in a minute."""
    for _ in range(60):
        Measuring.objects.filter(account=account, lease_until=None).update(not_before=None)
        collecting.collect(account.pk, right_now())
        first = Report.objects.filter(account=account, frame__in=("past_30", "days", "prior_30"))
        if first.exclude(collected_at=None).count() == 3:
            return
        scene.time.sleep(2)
    raise AssertionError(Measuring.objects.get(account=account).problem or "nothing was collected")


def number_in(page: Page, label: str) -> int:
    text = page.locator(".figure").filter(has_text=label).locator("b").first.inner_text()
    return int(text.replace(",", ""))


def test_a_merchant_and_a_partner(desk: Desk, chromium: Browser, measured: int):
    page = desk.page
    desk.sign_in(MERCHANT)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Performance").click()
    page.get_by_role("link", name="Tindra Wool").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tindra Wool")
    got = number_in(page, "Recipients")
    assert got > 100

    # The chart by keyboard: one stop, from which the arrows go from day to day; the value of each is said.
    stops, said = page.locator("[data-walk] [tabindex='0']"), page.locator(".series .said")
    page.get_by_label("By", exact=True).focus()
    page.keyboard.press("Tab")
    days = []
    for key in ("End", "ArrowLeft", "Home", "ArrowRight"):
        page.keyboard.press(key)
        expect(stops).to_have_count(1)
        expect(stops).to_be_focused()
        days.append(stops.get_attribute("aria-label") or "")
        expect(said).to_have_text(days[-1])
    assert len(set(days)) == 4
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"

    # Its table opens, scrolls and says what the bars say.
    summary = page.locator("summary", has_text="Recipients as a table")
    summary.focus()
    page.keyboard.press("Enter")
    rows = page.locator(".behind tbody tr")
    expect(rows).to_have_count(30)
    told = [
        int(text.replace(",", "").replace("–", "0"))
        for text in rows.locator("td:nth-child(2)").all_inner_texts()
    ]
    assert sum(told) == got
    expect(page.locator(".series svg.chart .bar")).to_have_count(sum(one is not None for one in told))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Recipients, point by point"

    # Another statistic, without leaving the page.
    page.get_by_label("Chart").select_option("click_rate")
    expect(page.locator(".series figcaption b")).to_have_text("Click rate")
    expect(page.locator(".series .dot").first).to_be_visible()
    expect(page).to_have_url(re.compile("statistic=click_rate"))
    desk.picture("performance-1-account", whole=True)

    # On the canvas.
    page.get_by_role("link", name="Hello in wool").click()
    expect(page.locator(".picture .step", has_text="got it")).to_have_count(1)
    expect(page.locator(".picture .step", has_text=f"{got:,} got it")).to_have_count(1)
    desk.picture("performance-2-flow", whole=True)

    # The partner sees nothing, then what is shared, then nothing.
    partner = open_desk(chromium.new_context(), desk.site)
    partner.sign_in(PARTNER)
    address = f"{desk.site.url}/performance/accounts/{measured}/"
    assert partner.page.goto(address).status == 404
    page.goto(address)
    page.get_by_role("button", name="Share with Nordvik").click()
    expect(page.locator(".consents li").first).to_contain_text("by Tove Tind")
    assert partner.page.goto(address).status == 200
    assert number_in(partner.page, "Recipients") == got
    expect(partner.page.get_by_text("Who sees these numbers")).to_have_count(0)
    partner.page.goto(f"{desk.site.url}/w/nordvik/performance/")
    partner.page.get_by_role("link", name="Hello in wool").click()
    expect(partner.page.locator(".versions-table")).to_contain_text("Version 1")
    expect(partner.page.locator(".range").first).to_be_visible()
    partner.picture("performance-3-versions", whole=True)
    page.get_by_role("button", name="End with Nordvik").click()
    expect(page.locator(".consents li").first).to_contain_text("Sees nothing")
    assert partner.page.goto(address).status == 404
    partner.page.context.close()
    partner.complaints[:] = [one for one in partner.complaints if "404" not in one]
    assert partner.complaints == []


def test_without_a_script(chromium: Browser, site: Site, measured: int):
    desk = open_desk(chromium.new_context(java_script_enabled=False), site)
    page = desk.page
    desk.sign_in(MERCHANT)
    page.goto(f"{site.url}/performance/accounts/{measured}/")
    page.get_by_label("By", exact=True).select_option("weeks")
    page.get_by_label("Chart").select_option("conversion_value")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".series figcaption b")).to_have_text("Revenue")
    page.locator("summary", has_text="Revenue as a table").click()
    expect(page.locator(".behind tbody tr")).to_have_count(8)
    page.get_by_label("Time frame").select_option("last_week")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("main")).to_contain_text("Last week")
    page.get_by_role("link", name="Last week").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Last week")
    with page.expect_download() as download:
        page.goto(f"{site.url}/performance/accounts/{measured}/")
        page.get_by_role("link", name="Export as CSV").click()
    assert "recipients" in download.value.path().read_text(encoding="utf-8-sig").splitlines()[0]
    page.context.close()
