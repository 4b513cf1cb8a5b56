"""Every act on a flow in a real browser: the canvas shows what the database holds, and the console is silent."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.canvas import (
    Canvas,
    alike,
    canvas_of,
    drag,
    middle,
    number_of,
    rest,
)
from tests.browser.canvas import cart as cart
from tests.browser.conftest import Desk, Site, open_desk
from tests.browser.test_keyboard import new_flow

pytestmark = pytest.mark.browser


# --- New steps, and steps in other places -----------------------------------------------------------------------------


def test_a_step_on_a_link(cart: Canvas):
    """wait-1 -> [new] -> can-text"""
    key = cart.insert("send-sms", "wait-1")
    ways = cart.agrees()
    assert (ways["wait-1", "next"], ways[key, "next"]) == (key, "can-text")
    assert cart.held().graph.by_key[key].type == "send-sms"
    split = cart.insert("conditional-split", "trigger")
    ways = cart.agrees()
    assert (ways["trigger", "next"], ways[split, "yes"], ways[split, "no"]) == (split, "wait-1", None)


def test_a_kind_of_the_palette_pressed_and_dragged(cart: Canvas):
    page = cart.page
    known = set(cart.held().graph.by_key)
    cart.open("mail-1")
    page.locator('.palette [data-add="time-delay"]').click()
    key = cart.arrived(known)
    assert cart.agrees()["mail-1", "next"] == key
    drag(page, '.palette [data-add="send-email"]', "#plus-text-1-next a")
    mail = cart.arrived({*known, key})
    assert cart.agrees()["text-1", "next"] == mail
    drag(page, '.palette [data-add="send-email"]', ".topbar h1")  # beside the canvas nothing happens
    rest(page)
    assert set(cart.held().graph.by_key) == {*known, key, mail}


def test_a_step_is_moved_onto_a_plus(cart: Canvas):
    drag(cart.page, "#step-mail-1", "#plus-text-1-next a")
    expect(cart.page.locator("#link-text-1-next")).to_have_attribute("data-target", "mail-1")
    ways = cart.agrees()
    assert ways["can-text", "no"] == "wait-2"
    assert ways["mail-1", "next"] is None
    cart.menu("can-text", "Move with all below to…")
    cart.page.locator("#places button.pick").first.click()
    expect(cart.page.locator("#link-trigger-next")).to_have_attribute("data-target", "can-text")
    assert cart.agrees()["trigger", "next"] == "can-text"


# --- Copies ---------------------------------------------------------------------------------------------------------


def test_duplicate_copy_cut_and_paste(cart: Canvas):
    page, steps = cart.page, cart.page.locator("#nodes .step")
    cart.menu("wait-1", "Duplicate")
    expect(steps).to_have_count(8)
    ways = cart.agrees()
    twin = ways["wait-1", "next"]
    assert cart.held().graph.by_key[twin].config == cart.held().graph.by_key["wait-1"].config
    cart.menu("can-text", "Copy with all below")
    expect(page.locator(".toast").first).to_contain_text("Copied 5 steps")
    cart.menu("text-1", "Paste after it")
    expect(steps).to_have_count(13)
    ways = cart.agrees()
    copy = ways["text-1", "next"]
    assert cart.held().graph.by_key[copy].type == "conditional-split"
    assert ways[copy, "yes"] not in (None, "text-1")
    cart.menu(copy, "Cut with all below")
    expect(steps).to_have_count(8)
    assert cart.agrees()["text-1", "next"] is None
    cart.plus("trigger").click()
    page.locator("#insert-form").get_by_role("button", name=re.compile("^Paste")).click()
    expect(steps).to_have_count(13)
    ways = cart.agrees()
    assert cart.held().graph.by_key[ways["trigger", "next"]].type == "conditional-split"
    assert ways[cart.held().graph.targets(ways["trigger", "next"])[0][1], "next"] == "wait-1", (
        "what was there follows"
    )


def test_a_branch_goes_to_another_flow_with_its_email_and_its_question(
    cart: Canvas, ada: Desk, in_site: Callable
):
    page = cart.page
    mail = cart.held().graph.by_key["mail-1"].config["message"]
    cart.open("mail-1")
    page.locator("#step-mail-1").focus()
    page.keyboard.press("Control+c")
    expect(page.locator(".toast").first).to_contain_text("Copied 1 step")
    page.goto(f"{ada.site.url}/w/northwind/flows/")
    page.get_by_label("Name", exact=True).fill("Where it goes")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile(r"/flows/\d+/$"))
    other = canvas_of(ada, in_site, page.url)
    page.locator("#step-trigger").focus()
    page.keyboard.press("Control+v")
    key = other.arrived(set())
    draft = other.held()
    assert draft.graph.by_key[key].config["message"] == mail
    assert draft.requirements["sender"] == cart.held().requirements["sender"]
    expect(page.frame_locator(".mail-preview").locator("body")).to_contain_text("Alex")


# --- Gone, turned, named ---------------------------------------------------------------------------------------------


def test_one_step_is_deleted_or_all_below_it(cart: Canvas):
    page, steps = cart.page, cart.page.locator("#nodes .step")
    page.locator("#step-wait-2").focus()
    page.keyboard.press("Delete")
    expect(steps).to_have_count(6)
    assert cart.agrees()["mail-1", "next"] == "mail-2"
    cart.menu("mail-1", "Delete it and all below")
    expect(steps).to_have_count(4)
    assert cart.agrees()["can-text", "no"] is None
    cart.menu("can-text", "Delete, keep Yes")
    expect(steps).to_have_count(3)
    assert cart.agrees()["wait-1", "next"] == "text-1"
    page.locator(".toast").last.get_by_role("button", name="Undo").click()
    expect(steps).to_have_count(4)
    assert cart.agrees()["can-text", "yes"] == "text-1"


def test_sides_are_swapped(cart: Canvas):
    cart.menu("can-text", "Swap Yes and No")
    expect(cart.page.locator("#link-can-text-yes")).to_have_attribute("data-target", "mail-1")
    ways = cart.agrees()
    assert (ways["can-text", "yes"], ways["can-text", "no"]) == ("mail-1", "text-1")
    rest(cart.page)
    left, right = middle(cart.page, "#step-mail-1"), middle(cart.page, "#step-text-1")
    assert left[0] < right[0], "Yes stands on the left"


def test_a_step_becomes_another_type(cart: Canvas):
    page = cart.page
    cart.menu("text-1", "Push notification")
    expect(page.locator("#inspector .step-kind h2")).to_have_text("Push notification")
    cart.agrees()
    step = cart.held().graph.by_key["text-1"]
    assert step.type == "send-mobile-push"
    assert "your cart is waiting" in step.config["message"]["body"]
    cart.menu("can-text", "Multi-branch split")
    expect(page.locator("#port-can-text-else")).to_have_text("Everyone else")
    ways = cart.agrees()
    assert (ways["can-text", "branch-1"], ways["can-text", "else"]) == ("text-1", "mail-1")


def test_names(cart: Canvas):
    page = cart.page
    cart.open("wait-1")
    page.locator("#step-name-field").fill("A <b>short</b> & quiet hour")
    page.locator("#step-name-field").press("Enter")
    expect(page.locator("#step-wait-1 .step-name")).to_have_text("A <b>short</b> & quiet hour")
    cart.agrees()
    assert cart.held().graph.by_key["wait-1"].name == "A <b>short</b> & quiet hour"
    page.keyboard.press("Escape")
    expect(cart.panel).to_have_attribute("data-step", "flow")
    page.locator("#flow-name").fill("The cart of {{ nobody }}")
    page.locator("#flow-name").press("Tab")
    expect(page.locator(".topbar h1")).to_have_text("The cart of {{ nobody }}")
    cart.agrees()
    assert cart.held().name == "The cart of {{ nobody }}"


def test_branches_change_places_with_all_that_hangs_on_them(cart: Canvas):
    """(split) -branch-1-> wait, -branch-2-> push: the second goes first, and takes its step along."""
    page = cart.page
    split = cart.insert("multi-branch-split", "text-1")
    cart.fit()
    first = cart.insert("time-delay", split, "branch-1")
    second = cart.insert("send-mobile-push", split, "branch-2")

    def lefts() -> list[float]:
        return [box["x"] for key in (first, second) if (box := page.locator(f"#step-{key}").bounding_box())]

    assert lefts() == sorted(lefts())
    cart.open(split)
    page.get_by_role("button", name="Move Branch 2 up").click()
    expect(page.locator("#saved")).to_have_text("Saved")
    rest(page)
    ways = cart.agrees()
    assert [one["branch_id"] for one in cart.held().graph.by_key[split].config["branches"]] == [
        *("branch-2", "branch-1", "else"),
    ]
    assert (ways[split, "branch-1"], ways[split, "branch-2"]) == (first, second)
    assert lefts() == sorted(lefts(), reverse=True)


def test_an_end_goes_on_with_a_step_that_is_there(cart: Canvas):
    """text-1 and mail-1 both lead to wait-2; then the way ends again, by undo; then by the menu."""
    page = cart.page
    drag(page, "#exit-text-1-next", "#step-wait-2")
    expect(page.locator("#link-text-1-next")).to_have_attribute("data-target", "wait-2")
    ways = cart.agrees()
    assert ways["text-1", "next"] == ways["mail-1", "next"] == "wait-2"
    page.keyboard.press("Control+z")
    expect(page.locator("#exit-text-1-next")).to_have_count(1)
    assert cart.agrees()["text-1", "next"] is None
    cart.menu("text-1", "Go on with…")
    page.locator("#places-q").fill("Wait 1 day")
    expect(page.locator("#places button.pick")).to_have_count(1)
    page.locator("#places button.pick").click()
    expect(page.locator("#link-text-1-next")).to_have_attribute("data-target", "wait-2")
    assert cart.agrees()["text-1", "next"] == "wait-2"


# --- On a phone, and without script -----------------------------------------------------------------------------------


def test_by_touch_on_a_phone(chromium: Browser, site: Site, in_site: Callable):
    """Through the outline at 390 px: a step is added, moved, deleted, and all of it undone."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    desk = open_desk(context, site)
    desk.sign_in("ada@northwind.example")
    url = new_flow(desk, "outline")
    page, rows = desk.page, desk.page.locator(".outline-step")
    flow = Canvas(page, number_of(url), in_site)
    start = flow.held()
    page.locator("#item-wait-1 > .outline-place .outline-add").tap()
    page.locator("#insert-form [value=send-sms]").tap()
    expect(rows).to_have_count(8)
    [key] = set(flow.held().graph.by_key) - set(start.graph.by_key)
    expect(flow.panel).to_have_attribute("data-step", key)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="Back to the flow").tap()
    page.locator(f"#item-{key} > .outline-row summary").tap()
    page.locator(f"#item-{key} > .outline-row .menu-list").get_by_text("Move to…").tap()
    page.locator("#item-text-1 .outline-add").tap()
    expect(page.locator(f"#way-can-text-yes #row-{key}")).to_be_attached()
    assert flow.held().graph.out["text-1"] == {"next": key}
    page.get_by_role("link", name="Back to the flow").tap()
    page.locator("#item-mail-2 > .outline-row summary").tap()
    page.locator("#item-mail-2 > .outline-row .menu-list").get_by_text("Delete this step").tap()
    expect(rows).to_have_count(7)
    for count in (8, 8, 7):
        was = page.locator("#main").get_attribute("data-revision") or ""
        page.locator("#undo").tap()
        expect(page.locator("#main")).not_to_have_attribute("data-revision", was)
        expect(rows).to_have_count(count)
    assert alike(flow.held()) == alike(start)
    context.close()
    assert desk.complaints == []


def test_without_script(chromium: Browser, site: Site, in_site: Callable):
    """Add, change, move, delete, undo: each a plain form of the outline."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    desk = open_desk(context, site)
    desk.sign_in("ada@northwind.example")
    url = new_flow(desk, "outline")
    page, rows = desk.page, desk.page.locator(".outline-step")
    flow = Canvas(page, number_of(url), in_site)
    start = flow.held()
    page.locator("#item-text-1 > .outline-place .outline-add").click()
    page.locator("#insert-form [value=time-delay]").click()
    expect(rows).to_have_count(8)
    key = flow.held().graph.out["text-1"]["next"]
    page.get_by_label("Wait", exact=True).fill("3")
    page.locator("#settings-form").get_by_role("button", name="Save").last.click()
    expect(page.locator(f"#row-{key}")).to_contain_text("Wait 3 days")
    assert flow.held().graph.by_key[key].config["value"] == 3
    page.get_by_label("Wait", exact=True).fill("many")
    page.locator("#settings-form").get_by_role("button", name="Save").last.click()
    expect(page.locator(".errorlist, [aria-invalid=true]").first).to_be_visible()
    assert flow.held().graph.by_key[key].config["value"] == 3
    page.goto(f"{url}?view=outline")
    page.locator(f"#item-{key} > .outline-row summary").click()
    page.locator(f"#item-{key} > .outline-row .menu-list").get_by_text("Move to…").click()
    page.get_by_role("button", name=re.compile("After Wait 1 hour")).click()
    assert flow.held().graph.out["wait-1"] == {"next": key}
    page.goto(f"{url}?view=outline")
    page.locator("#item-mail-2 > .outline-row summary").click()
    page.locator("#item-mail-2 > .outline-row .menu-list").get_by_text("Delete this step").click()
    expect(rows).to_have_count(7)
    assert "mail-2" not in flow.held().graph.by_key
    for _ in range(4):
        page.locator("#undo").click()
    expect(rows).to_have_count(7)
    assert alike(flow.held()) == alike(start)
    context.close()
    assert desk.complaints == []
