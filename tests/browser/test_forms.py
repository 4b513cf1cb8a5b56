"""Forms in a browser: pickers by keyboard, conditions, tags, counts, pairs, folds; and all of it without script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Desk, Site, open_desk
from tests.browser.test_keyboard import new_flow

pytestmark = pytest.mark.browser


@pytest.fixture
def connected(ada: Desk) -> Desk:
    """Ada's workspace with an account whose metrics, lists and segments are known."""
    page = ada.page
    page.goto(f"{ada.site.url}/w/northwind/accounts/")
    if not page.get_by_text("Harbour & Pine").count():
        field = page.locator("input[name=key]")
        for fold in page.locator("details", has=field).all():
            fold.evaluate("one => { one.open = true }")
        field.fill("pk_sandbox_harbour")
        field.press("Enter")
        expect(page.get_by_text("Harbour & Pine").first).to_be_visible()
    return ada


def step_of(page: Page, url: str, key: str) -> None:
    page.goto(f"{url}?step={key}")
    expect(page.locator("#_panel_step")).to_have_attribute("data-step", key)


def saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text("Saved")


def add_step(page: Page, url: str, label: str, after: str = "mail-2:next") -> None:
    page.goto(f"{url}?insert={after}")
    page.locator("#insert-filter").fill(label)
    expect(page.locator("#insert-form .pick[data-word]:visible")).to_have_count(1)
    page.locator("#insert-form .pick[data-word]:visible").click()
    expect(page.locator("#_panel_step")).to_be_visible()


# --- Pickers -----------------------------------------------------------------------------------------------------


def test_a_picker_by_keyboard(connected: Desk):
    page, url = connected.page, new_flow(connected, "outline")
    add_step(page, url, "Update list")
    field = page.get_by_role("combobox", name="List", exact=True)
    field.focus()
    options = page.locator("#picks [role=option]")
    expect(options.first).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press_sequentially("news")
    expect(options.filter(has_not_text=re.compile("news", re.IGNORECASE))).to_have_count(0)
    expect(options.first).to_be_visible()  # one for each account that is connected by now
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", options.first.get_attribute("id") or "-")
    violations = Axe().run(page, context={"exclude": [["#toasts"]]}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in violations] == []
    name = options.first.locator(".picked-name").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator(".picker .picked")).to_contain_text(name)
    expect(field).to_be_focused()
    saved(page)
    value = field.input_value()
    assert re.fullmatch(r"[A-Za-z0-9]{6}", value)
    field.press_sequentially("zzz")  # Escape takes back what was typed, and closes nothing else
    expect(page.locator(".picks-more")).to_be_visible()
    page.keyboard.press("Escape")
    expect(field).to_have_value(value)
    expect(page.locator("#_panel_step")).to_be_visible()
    page.reload()
    expect(page.locator(".picker .picked")).to_contain_text(name)


def test_what_is_no_id_is_not_taken_for_one(connected: Desk):
    page, url = connected.page, new_flow(connected, "outline")
    add_step(page, url, "Update list")
    field = page.get_by_role("combobox", name="List", exact=True)
    field.fill("no such list")
    expect(page.locator(".picks-more")).to_contain_text("You can also write the id")
    field.blur()
    expect(page.locator(".toast")).to_contain_text("Nothing was chosen for “no such list”")
    expect(field).to_have_value("")
    field.fill("AbC123")
    field.blur()
    saved(page)
    page.reload()
    expect(field).to_have_value("AbC123")


def test_several_are_chips(connected: Desk):
    page, url = connected.page, new_flow(connected, "outline")
    step_of(page, url, "can-text")
    page.locator(".row-head select").first.select_option(label="Is in a list or segment")
    field = page.get_by_role("combobox", name="Add to Lists and segments")
    chips = page.locator(".picked-list li")
    for text, number in (("news", 1), ("a", 2)):
        field.press_sequentially(text)
        page.locator("#picks [role=option]").first.click()
        expect(chips).to_have_count(number)
        expect(field).to_have_value("")
    chips.first.get_by_role("button").click()
    expect(chips).to_have_count(1)


# --- Conditions --------------------------------------------------------------------------------------------------


def test_conditions_grow_and_shrink(ada: Desk):
    page, url = ada.page, new_flow(ada, "outline")
    step_of(page, url, "can-text")
    conditions, groups = page.locator(".condition"), page.locator(".conditions > .field-group")
    start = conditions.count()
    page.get_by_role("button", name="+ or another condition in this group").first.click()
    expect(conditions).to_have_count(start + 1)
    expect(page.get_by_text("Any of these:").first).to_be_visible()
    page.get_by_role("button", name="+ and another condition").click()
    expect(page.get_by_text("All of these must hold:")).to_be_visible()
    expect(conditions).to_have_count(start + 2)
    page.get_by_role("button", name="Duplicate this condition").last.click()
    expect(conditions).to_have_count(start + 3)
    page.get_by_role("button", name="Duplicate group").last.click()
    expect(conditions).to_have_count(start + 5)
    for _ in range(groups.count() - 1):
        number = conditions.count()
        group = groups.last
        for _ in range(group.locator(".condition").count()):
            group.get_by_role("button", name="Take this condition away").last.click()
            number -= 1
            expect(conditions).to_have_count(number)
    expect(page.get_by_text("All of these must hold:")).to_have_count(0)


def test_a_fold_stays_open_and_typing_goes_on(ada: Desk):
    page, url = ada.page, new_flow(ada, "outline")
    step_of(page, url, "text-1")
    page.get_by_text("More settings").click()
    smart = page.get_by_role("checkbox", name="Smart sending")
    top = smart.bounding_box()
    smart.click()
    saved(page)
    page.wait_for_timeout(300)
    expect(smart).to_be_visible()
    assert smart.bounding_box() == top
    note = page.locator("#note-field")
    page.locator("summary", has_text="Note").click()
    note.fill("Look at this again")
    note.blur()
    saved(page)
    page.reload()
    expect(page.locator("#note-field")).to_have_value("Look at this again")


# --- Tags, counts, pairs, places ---------------------------------------------------------------------------------


def test_a_tag_goes_where_one_writes(ada: Desk):
    page, url = ada.page, new_flow(ada, "outline")
    step_of(page, url, "text-1")
    text = page.locator("#f-message-body")
    text.fill("Hi , hello")
    text.evaluate("one => one.setSelectionRange(3, 3)")
    page.locator("#f-message-body-field summary").click()
    page.get_by_role("button", name="First name, or “there”").click()
    expect(text).to_have_value("Hi {{ first_name|default:'there' }}, hello")
    expect(text).to_be_focused()
    saved(page)
    page.reload()
    expect(text).to_have_value("Hi {{ first_name|default:'there' }}, hello")


def test_segments_are_counted_while_typing_as_the_server_counts(ada: Desk):
    page, url = ada.page, new_flow(ada, "outline")
    step_of(page, url, "text-1")
    text, count = page.locator("#f-message-body"), page.locator("#f-message-body-count")
    for written in ("a" * 160, "a" * 161, "€" * 81, "ж" * 71, "😀" * 36, "Hi {{ first_name }}", ""):
        text.fill(written)
        while_typing = count.inner_text()
        text.blur()
        saved(page)
        page.reload()
        expect(count).to_have_text(while_typing)


def test_pairs(ada: Desk):
    page, url = ada.page, new_flow(ada, "outline")
    add_step(page, url, "Webhook")
    rows = page.locator(".pair")
    start = rows.count()
    page.get_by_label("New name in Headers").fill("X-Key")
    page.get_by_label("New value in Headers").fill("secret")
    page.get_by_label("New value in Headers").blur()
    expect(rows).to_have_count(start + 1)
    expect(page.get_by_label("New name in Headers")).to_have_value("")
    page.get_by_role("button", name="Take X-Key away").click()
    expect(rows).to_have_count(start)


def test_a_step_is_moved_to_a_place_that_was_looked_for(ada: Desk):
    page, url = ada.page, new_flow(ada, "outline")
    step_of(page, url, "text-1")
    page.get_by_label("More for this step").click()
    page.get_by_role("link", name="Move it to…").click()
    page.locator("#places-q").fill("at no")
    expect(page.locator("#places .pick")).to_have_count(1)
    page.locator("#places .pick").click()
    expect(page.locator("#way-can-text-no .step-name").first).to_contain_text(
        page.locator("#row-text-1 .step-name").inner_text()
    )
    expect(page.locator("#places")).to_have_count(0)


# --- Without script, and for everybody ---------------------------------------------------------------------------


@pytest.fixture
def plain(chromium: Browser, site: Site) -> Iterator[Desk]:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    made = open_desk(context, site)
    made.sign_in("ada@northwind.example")
    yield made
    context.close()


def test_a_form_works_without_script(plain: Desk):
    page, url = plain.page, new_flow(plain, "outline")
    step_of(page, url, "can-text")
    page.locator(".row-head select").first.select_option(label="Random sample")
    page.get_by_role("button", name="Use").first.click()
    page.get_by_role("textbox", name="Percent").fill("25")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator(".said")).to_contain_text("random 25% of people")
    step_of(page, url, "mail-2")
    page.locator("#step-menu > summary").click()
    page.get_by_role("link", name="Move it to…").click()
    expect(page.get_by_role("heading", name="Move it")).to_be_visible()
    page.locator("#places .pick").first.click()
    expect(page.locator("#_panel_step")).to_have_attribute("data-step", "mail-2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_of_the_gallery_stands_in_a_screen_reader_s_way(ada: Desk, scheme: str):
    ada.page.emulate_media(color_scheme=scheme)
    ada.page.goto(f"{ada.site.url}/styleguide/")
    for fold in ada.page.locator("details.fold").all():
        fold.evaluate("one => { one.open = true }")
    violations = Axe().run(ada.page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in violations] == []
    ada.picture(f"styleguide-{scheme}", whole=True)


@pytest.mark.parametrize("width", [360, 768])
def test_forms_fit_a_narrow_window(ada: Desk, width: int):
    page, url = ada.page, new_flow(ada, "outline")
    page.set_viewport_size({"width": width, "height": 844})
    for address in (f"{url}?step=can-text", f"{url}?step=text-1", f"{ada.site.url}/styleguide/"):
        page.goto(address)
        wide = page.locator(
            "#inspector :is(input, select, textarea, button):visible, .gallery :is(input, select)"
        )
        boxes = [box for one in wide.all()[:60] if (box := one.bounding_box()) and box["width"] > 2]
        assert all(box["x"] + box["width"] <= width + 1 for box in boxes)
