"""A coupon and a link inside of an email made questions by hand, with a script and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from flowbuilder.models import Email
from flowbuilder.queries.emails import uses_of
from tests.browser.conftest import Desk, Site, open_desk

pytestmark = pytest.mark.browser
HTML = """<a href="https://shop.example/sale?a=1&amp;b=2">Sale</a>
<p>Use {% coupon_code 'SAVE10' %} or write to hello@shop.example. {% unsubscribe %}</p>"""


@pytest.fixture
def email(in_site) -> Iterator[int]:
    """One that a flow of the demo sends, with something to ask for in it while the test runs."""

    def write() -> tuple[int, str, str]:
        used = next(
            one for one in Email.objects.select_related("workspace") if uses_of(one.workspace).get(one.key)
        )
        Email.objects.filter(pk=used.pk).update(html=HTML, text="")
        return used.pk, used.html, used.text

    pk, html, text = in_site(write)
    yield pk
    in_site(lambda: Email.objects.filter(pk=pk).update(html=html, text=text))


def asked(page: Page) -> Locator:
    return page.locator("#asked")


def test_a_coupon_becomes_a_question_and_nothing_typed_is_lost(ada: Desk, email: int):
    page = ada.page
    page.goto(f"{ada.site.url}/emails/{email}/")
    expect(asked(page).get_by_text("SAVE10", exact=True)).to_be_visible()
    page.locator("#text").fill("Not saved yet")
    asked(page).get_by_text("Ask for it: SAVE10").click()
    asked(page).get_by_label("The question").first.fill("Which code do your customers get?")
    asked(page).get_by_role("button", name="Make it a question").first.click()
    expect(asked(page)).to_contain_text("Asked as “Which code do your customers get?”")
    assert page.locator("#text").input_value() == "Not saved yet"
    found = Axe().run(page, context="#asked")
    assert found.violations_count == 0, found.generate_report()
    ada.picture("email-asked", whole=True)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    asked(page).scroll_into_view_if_needed()
    ada.picture("email-asked-phone")
    page.locator("#text").fill("")
    asked(page).get_by_role("button", name="Ask no longer for SAVE10").click()
    expect(asked(page)).not_to_contain_text("Which code do your customers get?")


def test_it_works_without_a_script(chromium: Browser, site: Site, email: int):
    context = chromium.new_context(java_script_enabled=False)
    desk = open_desk(context, site)
    desk.sign_in("ada@northwind.example")
    page = desk.page
    page.goto(f"{site.url}/emails/{email}/")
    asked(page).get_by_text("Ask for it: https://shop.example/sale?a=1&b=2").click()
    asked(page).locator("details[open]").get_by_role("button", name="Make it a question").click()
    expect(asked(page)).to_contain_text("Asked as “Which web address?”")
    asked(page).get_by_role("button", name="Ask no longer for https://shop.example/sale").click()
    expect(asked(page)).not_to_contain_text("Asked as")
    context.close()
