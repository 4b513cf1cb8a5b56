"""What `Hint.picks` may say: the kinds of things that a setting can be chosen from, and how people call them."""

from __future__ import annotations

# What a picker of this kind reads of the accounts.
CATALOG: dict[str, tuple[str, ...]] = {
    "metric": ("metric",),
    "list": ("list",),
    "segment": ("segment",),
    "group": ("list", "segment"),
    "template": ("template",),
}
NOUNS = {
    "metric": "metrics",
    "list": "lists",
    "segment": "segments",
    "group": "lists and segments",
    "template": "email templates",
    "email": "emails",
    "coupon": "coupons",
    "property": "properties",
    "event": "properties",
}
FREE = frozenset({"property", "event", "coupon"})  # the text is the value: there is no id behind it
PICKERS = ("picker", "pickers", "email")  # widgets
