"""Undo and redo in a real browser: by keys, by the list, and after a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from flowbuilder.graph.change import Draft
from tests.browser.canvas import Canvas, alike, drag, rest
from tests.browser.canvas import cart as cart

pytestmark = pytest.mark.browser


def test_undo_and_redo_by_keys_also_after_a_reload(cart: Canvas):
    page = cart.page
    states = [cart.held()]
    for act in (
        lambda: cart.insert("time-delay", "wait-1"),
        lambda: drag(page, "#step-text-1", "#plus-trigger-next a"),
        lambda: cart.menu("mail-1", "Delete this step"),
        lambda: cart.menu("can-text", "Swap Yes and No"),
    ):
        was = page.locator("#canvas").get_attribute("data-revision") or ""
        act()
        expect(page.locator("#canvas")).not_to_have_attribute("data-revision", was)
        rest(page)
        cart.agrees()
        states.append(cart.held())

    def press(key: str, to: Draft) -> None:
        was = page.locator("#canvas").get_attribute("data-revision") or ""
        page.keyboard.press(key)
        expect(page.locator("#canvas")).not_to_have_attribute("data-revision", was)
        cart.agrees()
        assert alike(cart.held()) == alike(to)

    press("Control+z", states[3])
    press("Control+z", states[2])
    press("Control+y", states[3])
    page.reload()
    rest(page)
    for state in (states[2], states[1], states[0]):
        press("Control+z", state)
    page.reload()
    rest(page)
    for state in states[1:]:
        press("Control+y", state)


def test_the_list_undoes_one_act_of_many_and_goes_back(cart: Canvas):
    page, steps = cart.page, cart.page.locator("#nodes .step")
    cart.menu("wait-1", "Duplicate")
    expect(steps).to_have_count(8)
    cart.agrees()
    twice = cart.held()
    cart.fit()
    cart.menu("mail-2", "Delete this step")
    expect(steps).to_have_count(7)
    page.locator("#flow-menu > summary").click()
    page.locator("#open-edits").click()
    page.get_by_role("button", name="Undo this: Duplicate").click()
    expect(steps).to_have_count(6)
    ways = cart.agrees()
    assert (ways["wait-1", "next"], ways["wait-2", "next"]) == ("can-text", None)
    expect(page.locator(".edit.is-undone")).to_have_count(1)
    page.locator(".edit").last.get_by_role("button", name="Go back").click()
    expect(steps).to_have_count(8)
    cart.agrees()
    assert alike(cart.held()) == alike(twice)
    page.get_by_role("button", name="Undo my last act").click()
    expect(steps).to_have_count(6)
    cart.agrees()
