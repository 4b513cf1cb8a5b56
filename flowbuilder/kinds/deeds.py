"""What a metric means in a sentence: “has placed an order”, “has not opened an email”.

The names are those that Klaviyo and its common integrations give; any other metric is “done”.
"""

from __future__ import annotations

_DEEDS = {
    "Active on Site": "been active on the site",
    "Added to Cart": "added something to the cart",
    "Bounced Email": "had an email bounce",
    "Cancelled Order": "cancelled an order",
    "Checkout Started": "started a checkout",
    "Clicked Email": "clicked in an email",
    "Clicked SMS": "clicked in a text",
    "Consented to Receive SMS": "agreed to texts",
    "Fulfilled Order": "had an order fulfilled",
    "Marked Email as Spam": "marked an email as spam",
    "Opened Email": "opened an email",
    "Opened Push": "opened a push",
    "Ordered Product": "ordered a product",
    "Placed Order": "placed an order",
    "Received Email": "received an email",
    "Received Push": "received a push",
    "Received SMS": "received a text",
    "Refunded Order": "had an order refunded",
    "Started Checkout": "started a checkout",
    "Subscribed to Back in Stock": "asked to be told when an item is back",
    "Subscribed to Email Marketing": "subscribed to emails",
    "Subscribed to List": "subscribed to a list",
    "Subscribed to SMS Marketing": "subscribed to texts",
    "Unsubscribed from Email Marketing": "unsubscribed from emails",
    "Unsubscribed from List": "unsubscribed from a list",
    "Unsubscribed from SMS Marketing": "unsubscribed from texts",
    "Viewed Product": "viewed a product",
}


def has_done(metric: str, adverb: str = "") -> str:
    """“has placed an order”, “has never done Loyalty Points Earned”; `adverb` is “not” or “never”."""
    deed = _DEEDS.get(metric) or f"done {metric or 'a metric'}"
    return f"has {adverb} {deed}" if adverb else f"has {deed}"
