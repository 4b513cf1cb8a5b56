"""The emails of a workspace in a real browser: written beside their preview, saved, clashed over, tested."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.conftest import Desk, Site, open_desk

pytestmark = pytest.mark.browser
SAVED = re.compile("^Saved$")


@pytest.fixture
def ada(desk: Desk) -> Iterator[Desk]:
    desk.sign_in("ada@northwind.example")
    yield desk
    desk.complaints[:] = [one for one in desk.complaints if "status of 409" not in one]  # a clash is no fault


def new_email(desk: Desk, name: str, start: str = "A simple design") -> Page:
    page = desk.page
    page.goto(f"{desk.site.url}/w/northwind/emails/")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label(start).check()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    return page


def mail(page: Page) -> FrameLocator:
    return page.frame_locator("#mail-frame")


def inside(page: Page, script: str) -> object:
    """What a script says inside the frame that is shown now."""
    frame = page.locator("#mail-frame").element_handle().content_frame()
    assert frame is not None
    return frame.evaluate(script)


def test_the_preview_follows(ada: Desk):
    """What is typed is seen; for whom, as what, how wide and in which light is chosen; Back leaves the page."""
    page = new_email(ada, "Preview")
    html = page.get_by_label("HTML", exact=True).first
    expect(mail(page).get_by_role("heading")).to_have_text("Hello Alex")
    before = page.evaluate("history.length")
    for word in ("Good day", "Good evening"):
        html.fill(html.input_value().replace("Hello" if word == "Good day" else "Good day", word))
        expect(mail(page).get_by_role("heading")).to_have_text(f"{word} Alex")
    page.get_by_label("Filled in for").select_option("Somebody without a name")
    expect(mail(page).get_by_role("heading")).to_have_text("Good evening there")
    page.get_by_label("As written").check()
    expect(mail(page).get_by_role("heading")).to_contain_text("{{ first_name|default:'there' }}")
    page.get_by_label("Filled", exact=True).check()
    page.get_by_label("Dark", exact=True).check()
    expect(mail(page).locator(".card")).to_have_css("background-color", "rgb(32, 36, 44)")
    page.get_by_label("Phone", exact=True).check()
    assert inside(page, "innerWidth") == 375
    ada.picture("email-dark-phone")
    page.get_by_label("Light", exact=True).check()
    expect(mail(page).locator(".card")).to_have_css("background-color", "rgb(255, 255, 255)")
    page.locator("#part-text").check()
    expect(mail(page).locator("pre")).to_contain_text("Unsubscribe: #unsubscribe")
    page.get_by_text("My own sample data").click()
    page.get_by_label("As JSON").fill('{"first_name": "Kim"}')
    expect(mail(page).locator("pre")).to_contain_text("Hello Kim")
    page.get_by_label("As JSON").fill('{"first_name": ')
    expect(page.locator("#judged")).to_contain_text("Your sample data is not JSON")
    assert page.evaluate("history.length") == before
    assert page.locator("#mail-stage iframe").count() == 1
    page.get_by_role("button", name="Save", exact=True).click()


def test_the_frame_opens_where_one_writes(ada: Desk):
    page = new_email(ada, "Long", "Bare HTML")
    html = page.get_by_label("HTML", exact=True).first
    long = "".join(f"<p>Line {number}</p>\n" for number in range(300)) + "{% unsubscribe %}"
    html.fill(long)
    expect(mail(page).get_by_text("Line 299")).to_be_attached()
    at = long.index("Line 200")
    html.evaluate("(it, at) => { it.focus(); it.setSelectionRange(at, at); }", at)
    page.keyboard.type("new ")
    expect(mail(page).get_by_text("new Line 200")).to_be_attached()
    top, height = inside(
        page, "[document.getElementById('you-write-here').getBoundingClientRect().top, innerHeight]"
    )
    assert 0 <= top <= height
    page.keyboard.press("Control+s")
    expect(page.locator("#unsaved")).to_have_text(SAVED)


def test_nothing_in_it_runs(ada: Desk):
    """Scripts, handlers, forms and frames of an email do nothing, and reach nothing of the site."""
    page = new_email(ada, "Hostile", "Bare HTML")
    hostile = (
        "<p>Here</p><script>document.title = 'ran'; top.location = '/'</script>"
        "<img src=x onerror=\"top.document.title = 'ran'\"><form action=/account/logout/ method=post><button>Go"
        "</button></form><meta http-equiv=refresh content='0;url=/account/logout/'>{% unsubscribe %}"
    )
    page.get_by_label("HTML", exact=True).first.fill(hostile)
    expect(mail(page).get_by_text("Here")).to_be_visible()
    page.wait_for_timeout(400)
    assert page.title() == "Hostile · Flowbuilder"
    assert page.url.split("/")[3] == "emails"
    page.keyboard.press("Control+s")
    expect(page.locator("#unsaved")).to_have_text(SAVED)
    page.get_by_label("More for this email").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted “Hostile”.")).to_be_visible()
    refused = (
        "Blocked script execution",
        "Content Security Policy",
        "Blocked form",
        "Refused",
        "status of 404",
    )
    assert all(any(word in one for word in refused) for one in ada.complaints), ada.complaints
    ada.complaints.clear()  # the browser says what it kept from running


def test_a_problem_leads_to_its_line(ada: Desk):
    page = new_email(ada, "Problem")
    html = page.get_by_label("HTML", exact=True).first
    lines = html.input_value().split("\n")
    number = next(index for index, line in enumerate(lines) if "A quiet line" in line)
    lines[number] += " {% if person.vip %}"
    html.fill("\n".join(lines))
    page.get_by_role("link", name=f"Line {number + 1}").click()
    expect(html).to_be_focused()
    marked = html.evaluate("it => it.value.slice(it.selectionStart, it.selectionEnd)")
    assert marked == lines[number]
    ada.picture("email-problem")
    html.fill("\n".join(lines).replace("{% if person.vip %}", ""))
    expect(page.locator("#judged")).to_contain_text("Nothing to mend")
    page.keyboard.press("Control+s")
    expect(page.locator("#unsaved")).to_have_text(SAVED)


def test_nothing_unsaved_is_lost(ada: Desk):
    """Said, asked about before one leaves, saved by a key without leaving; a clash shows both and lets one choose."""
    page = new_email(ada, "Clash", "Bare HTML")
    html = page.get_by_label("HTML", exact=True).first
    html.fill("<p>Mine</p>{% unsubscribe %}")
    expect(page.locator("#unsaved")).to_have_text("Not saved yet")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="Emails", exact=True).first.click(no_wait_after=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    expect(html).to_have_value("<p>Mine</p>{% unsubscribe %}")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("HTML", exact=True).first.fill("<p>Theirs</p>{% unsubscribe %}")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.locator("#unsaved")).to_have_text(SAVED)
    other.close()
    for _ in range(2):  # pressed again by habit: still nothing is replaced
        html.press("Control+s")
        expect(page.get_by_role("alert")).to_contain_text("saved this email while you wrote")
    expect(page.locator("del")).to_contain_text("<p>Theirs</p>")
    expect(page.locator("ins")).to_contain_text("<p>Mine</p>")
    assert Axe().run(page).response["violations"] == []
    ada.picture("email-clash")
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.locator("#unsaved")).to_have_text(SAVED)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.reload()
    expect(html).to_have_value("<p>Mine</p>{% unsubscribe %}")


def test_a_test_email(ada: Desk):
    """What stands there, saved or not, is sent to those who were typed; what is wrong is said in its place."""
    page = ada.page
    page.goto(f"{ada.site.url}/w/northwind/accounts/")
    if page.get_by_text("Kettle & Co").count() == 0:
        page.get_by_text("Use a private key instead").click()
        page.locator("#id_key").fill("pk_sandbox_kettle")
        page.locator("#id_key").press("Enter")
        page.wait_for_url(f"{ada.site.url}/**")
        expect(page.get_by_text("Kettle & Co").first).to_be_visible()
    new_email(ada, "Tested", "Plain text")
    page.get_by_label("Text optional").fill("Unsaved words {% unsubscribe_link %}")
    page.get_by_label("To", exact=True).fill("nobody")
    page.get_by_role("button", name="Send the test email").click()
    expect(page.locator("#test").get_by_role("alert")).to_contain_text("“nobody” is no email address")
    page.get_by_label("To", exact=True).fill("me@example.org, you@example.org")
    page.get_by_role("button", name="Send the test email").click()
    expect(page.locator("#test").get_by_role("status")).to_contain_text("sends the test email now")
    expect(page.locator("#unsaved")).to_have_text("Not saved yet")
    page.keyboard.press("Control+s")
    expect(page.locator("#unsaved")).to_have_text(SAVED)


def test_from_the_flow_and_back(ada: Desk):
    page = ada.page
    page.goto(f"{ada.site.url}/w/northwind/emails/")
    page.locator(".mail-card", has_text="Still thinking it over?").get_by_role(
        "link", name="Abandoned cart"
    ).first.click()
    page.wait_for_url("**/flows/*/**")
    key = page.evaluate("[...document.querySelectorAll('[id^=step-mail]')].at(0).id.slice(5)")
    flow = page.url.split("?")[0]
    page.goto(f"{flow}?step={key}")
    page.get_by_role("link", name="Edit the email").click()
    page.get_by_role("link", name="Back to the flow").click()
    page.wait_for_url(f"{flow}?step={key}")
    expect(page.locator("#_panel_step")).to_have_attribute("data-step", key)
    expect(page.frame_locator(".mail-preview").locator("body")).to_contain_text("Alex")


def test_choosing_while_an_answer_is_on_its_way(ada: Desk):
    """A press on one of two choices stays, though the answer to what was typed before comes later."""
    page = new_email(ada, "Chosen", "Bare HTML")
    page.goto(f"{ada.site.url}/w/northwind/flows/")
    page.get_by_label("Name", exact=True).fill("Choices")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Email", exact=True).first.click()
    page.get_by_label("Klaviyo template", exact=True).fill("AbC123")
    page.route("**/steps/*/", lambda route: (time.sleep(0.3), route.continue_()))
    page.get_by_label("Write it here").check()
    page.get_by_label("Email", exact=True).select_option("Chosen")
    expect(page.get_by_label("Write it here")).to_be_checked()
    expect(page.frame_locator(".mail-preview").locator("body")).to_contain_text("Write your email here")
    page.unroute_all(behavior="wait")


def test_emails_without_script(chromium: Browser, site: Site):
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    desk = open_desk(context, site)
    desk.sign_in("ada@northwind.example")
    page = new_email(desk, "By hand")
    page.get_by_label("HTML", exact=True).first.fill("<p>Dear {{ first_name }}</p>{% unsubscribe %}")
    page.get_by_role("button", name="Show").click()
    expect(mail(page).get_by_text("Dear Alex")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("HTML", exact=True).first).to_have_value(
        "<p>Dear {{ first_name }}</p>{% unsubscribe %}"
    )
    page.get_by_label("More for this email").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted “By hand”.")).to_be_visible()
    context.close()
    assert desk.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_that_anybody_can_use(ada: Desk, scheme: str):
    """axe finds nothing, and nothing is wider than a phone."""
    page = ada.page
    page.emulate_media(color_scheme=scheme)
    new_email(ada, f"A name that never ends and {'goes on and on ' * 8}")
    for address in (page.url, f"{ada.site.url}/w/northwind/emails/"):
        for width in (1440, 768, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.goto(address)
            page.wait_for_timeout(250)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []
