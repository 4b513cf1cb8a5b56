"""Every scope an app may ask for, with the sentence that the consent page shows for it. Used by oauth and pages."""

from __future__ import annotations

THINGS = {
    "accounts": "your account's name, sender, time zone and currency",
    "campaigns": "your campaigns",
    "catalogs": "your catalog of products",
    "conversations": "conversations with your customers",
    "coupon-codes": "single coupon codes",
    "coupons": "your coupons",
    "custom-objects": "your custom objects",
    "data-privacy": "requests to delete personal data",
    "events": "what your customers did",
    "flows": "your flows",
    "forms": "your sign-up forms",
    "images": "your image library",
    "lists": "your lists",
    "metrics": "your metrics",
    "profiles": "your customers' profiles",
    "push-tokens": "push tokens",
    "reviews": "product reviews",
    "segments": "your segments",
    "subscriptions": "marketing subscriptions",
    "tags": "your tags",
    "templates": "your email templates",
    "tracking-settings": "your tracking settings",
    "web-feeds": "your web feeds",
    "webhooks": "your webhooks",
}
WRITE_ONLY = ("data-privacy",)
READ_ONLY = ("accounts",)

SCOPES: dict[str, str] = {
    f"{name}:{act}": f"{verb} {what}."
    for name, what in THINGS.items()
    for act, verb in (("read", "See"), ("write", "Create and change"))
    if not (act == "read" and name in WRITE_ONLY) and not (act == "write" and name in READ_ONLY)
}
