"""The demo's three accounts and what stands in them. Same ids in every run.

Used by the server at the first start and by the control path's reset.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from .flows import store_flow
from .store import Store

SINCE = "2026-03-02T09:00:00+00:00"
HARBOUR, KETTLE, ORCHARD = "UpK3sZ", "QwE92b", "ZxT41p"
KEYS = {HARBOUR: "pk_sandbox_harbour", KETTLE: "pk_sandbox_kettle", ORCHARD: "pk_sandbox_orchard"}


def account(
    name: str, domain: str, city: str, country: str, zone: str, currency: str, **more: Any
) -> dict[str, Any]:
    address = {
        "address1": "1 Market Street",
        "address2": None,
        "city": city,
        "region": None,
        "country": country,
    }
    return {
        "test_account": more.get("test_account", False),
        "contact_information": {
            "default_sender_name": name,
            "default_sender_email": f"hello@{domain}",
            "website_url": f"https://{domain}",
            "organization_name": name,
            "street_address": {**address, "zip": more["postcode"]},
        },
        "industry": more["industry"],
        "timezone": zone,
        "preferred_currency": currency,
        "public_api_key": "",
        "locale": more["locale"],
    }


ACCOUNTS: dict[str, dict[str, Any]] = {
    HARBOUR: account(
        *("Harbour & Pine", "harbourpine.example", "New York", "United States", "America/New_York", "USD"),
        postcode="10001",
        industry="Ecommerce, Home & Garden",
        locale="en-US",
    ),
    KETTLE: account(
        *("Kettle & Co", "kettleandco.example", "London", "United Kingdom", "Europe/London", "GBP"),
        postcode="E1 6AN",
        industry="Ecommerce, Food & Beverage",
        locale="en-GB",
        test_account=True,
    ),
    ORCHARD: account(
        *("Orchard Lane", "orchardlane.example", "Berlin", "Germany", "Europe/Berlin", "EUR"),
        postcode="10115",
        industry="Ecommerce, Apparel & Accessories",
        locale="de-DE",
    ),
}

SHOPIFY = {
    "object": "integration",
    "id": "0eMvjm",
    "key": "shopify",
    "name": "Shopify",
    "category": "eCommerce",
}
API = {"object": "integration", "id": "0rG4eQ", "key": "api", "name": "API", "category": "API"}
KLAVIYO = {
    "object": "integration",
    "id": "7FtS4J",
    "key": "klaviyo",
    "name": "Klaviyo",
    "category": "Internal",
}

Property = tuple[str, str, list[Any]]  # name, type, samples
ORDER: list[Property] = [
    ("$value", "numeric", [42.5, 18.0]),
    ("Items", "list", ["Oak stool", "Linen throw"]),
    ("Collections", "list", ["Autumn"]),
    ("Discount Codes", "list", ["WELCOME10"]),
]
PRODUCT: list[Property] = [
    ("Name", "string", ["Oak stool"]),
    ("ProductID", "string", ["8801"]),
    ("price", "numeric", [24.0]),
]
MAIL: list[Property] = [
    ("Subject", "string", ["Welcome"]),
    ("$flow", "string", [""]),
    ("Campaign Name", "string", ["Spring"]),
]
CHECKOUT: list[Property] = [*ORDER, ("price", "numeric", [24.0])]
METRICS: tuple[tuple[str, dict[str, str], list[Property]], ...] = (
    ("Checkout Started", SHOPIFY, CHECKOUT),
    ("Placed Order", SHOPIFY, ORDER),
    ("Ordered Product", SHOPIFY, PRODUCT),
    ("Viewed Product", SHOPIFY, PRODUCT),
    ("Added to Cart", SHOPIFY, PRODUCT),
    ("Fulfilled Order", SHOPIFY, ORDER),
    ("Cancelled Order", SHOPIFY, ORDER),
    ("Refunded Order", SHOPIFY, ORDER),
    ("Viewed Product", API, PRODUCT),
    ("Added to Cart", API, PRODUCT),
    ("Loyalty Tier Reached", API, [("Tier", "string", ["Gold"]), ("Points", "numeric", [1200])]),
    ("Received Email", KLAVIYO, MAIL),
    ("Opened Email", KLAVIYO, MAIL),
    ("Clicked Email", KLAVIYO, MAIL),
    ("Bounced Email", KLAVIYO, MAIL),
    ("Unsubscribed from Email Marketing", KLAVIYO, MAIL),
    ("Received SMS", KLAVIYO, [("Message Body", "string", ["Hello"])]),
    ("Clicked SMS", KLAVIYO, [("Message Body", "string", ["Hello"])]),
    ("Subscribed to List", KLAVIYO, [("List", "string", ["Newsletter"])]),
    ("Subscribed to Email Marketing", KLAVIYO, [("List", "string", ["Newsletter"])]),
    ("Subscribed to SMS Marketing", KLAVIYO, [("List", "string", ["SMS Subscribers"])]),
    ("Active on Site", API, [("page", "string", ["/"])]),
)
# Events a day of each metric; of the shop's own where the API sends the same name too.
DAILY = {
    "Checkout Started": 40,
    "Placed Order": 17,
    "Ordered Product": 31,
    "Viewed Product": 260,
    "Added to Cart": 70,
}
PROFILES = {"Newsletter": 8_412, "VIP": 236, "SMS Subscribers": 1_904}
MEMBERS = {"Engaged 90 days": 3_120, "Repeat buyers": 871, "VIP members": 236}
# Not every shop sends everything: a mapping has to cope with a metric that is missing.
MISSING = {KETTLE: {("Loyalty Tier Reached", "API")}, ORCHARD: {("Added to Cart", "Shopify")}}
FIXED = {(HARBOUR, "Checkout Started"): "UpixsZ"}
LISTS = (("Newsletter", "double_opt_in"), ("VIP", "single_opt_in"), ("SMS Subscribers", "single_opt_in"))
TAGS = ("Seasonal", "Retention")


def fill(store: Store) -> None:
    """Put the demo data into an empty store; do nothing if it holds accounts already."""
    with store.transaction():
        if store.row("select 1 from account"):
            return
        for number, (id, attributes) in enumerate(ACCOUNTS.items()):
            kept = json.dumps({**attributes, "public_api_key": id})
            store.run("insert into account values (?, ?, ?, ?)", id, number, KEYS[id], kept)
            fill_account(store, id)
        fill_flows(store)


def fill_account(store: Store, account: str) -> None:
    for name, integration, properties in METRICS:
        if (name, integration["name"]) in MISSING.get(account, set()):
            continue
        described = [
            {"label": label.strip("$").title(), "property": label, "inferred_type": kind, "samples": samples}
            for label, kind, samples in properties
        ]
        daily = DAILY.get(name, 5) if integration is not API else 1
        attributes = {"name": name, "integration": integration, "properties": described, "daily": daily}
        store.add("metric", account, attributes, id=FIXED.get((account, name)), created=SINCE)
    for name, process in LISTS:
        about = {"name": name, "opt_in_process": process, "profiles": PROFILES[name]}
        store.add("list", account, about, created=SINCE)
    vip = store.all("list", account)[1].id
    order = next(m.id for m in store.all("metric", account) if m.attributes["name"] == "Placed Order")
    for name, condition in (
        ("Engaged 90 days", bought(order, 0, "in-the-last")),
        ("Repeat buyers", bought(order, 1, "alltime")),
        ("VIP members", {"type": "profile-group-membership", "is_member": True, "group_ids": [vip]}),
    ):
        definition = {"condition_groups": [{"conditions": [condition]}]}
        state = {"is_active": True, "is_processing": False, "is_starred": name == "Repeat buyers"}
        about = {"name": name, "definition": definition, "profiles": MEMBERS[name], **state}
        store.add("segment", account, about, created=SINCE)
    shop = ACCOUNTS[account]["contact_information"]["organization_name"]
    add_template(store, account, "Checkout reminder", shop, id="RfgG9g" if account == HARBOUR else None)
    add_template(store, account, "Welcome", shop)
    add_template(store, account, "Thank you", shop)
    for name in TAGS:
        store.add(
            "tag", account, {"name": name}, id=str(uuid5(NAMESPACE_URL, f"{account}/{name}")), created=SINCE
        )


def bought(metric: str, more_than: int, when: str) -> dict[str, Any]:
    time: dict[str, Any] = {"type": "date", "operator": when}
    if when == "in-the-last":
        time |= {"unit": "day", "quantity": 90}
    return {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "greater-than", "value": more_than},
        "timeframe_filter": time,
        "metric_filters": None,
    }


def add_template(store: Store, account: str, name: str, shop: str, id: str | None = None) -> None:
    html = (
        "<!doctype html><html><body><table width='100%'><tr><td align='center'>"
        f"<h1>{name}</h1><p>Hello {{{{ first_name|default:'there' }}}}, this is {shop.replace('&', '&amp;')}.</p>"
        "<p>{% unsubscribe %}</p></td></tr></table></body></html>"
    )
    text = f"{name}\n\nHello {{{{ first_name|default:'there' }}}}, this is {shop}.\n\n{{% unsubscribe %}}"
    attributes = {"name": name, "editor_type": "CODE", "html": html, "text": text, "amp": None}
    store.add("template", account, attributes, id=id, created=SINCE)


def fill_flows(store: Store) -> None:
    """Two flows of Harbour & Pine that start from the same metric as the product's example."""
    trigger = {"type": "metric", "id": "UpixsZ", "trigger_filter": None}
    order = next(m.id for m in store.all("metric", HARBOUR) if m.attributes["name"] == "Placed Order")
    not_bought = bought(order, 0, "flow-start")
    not_bought["measurement_filter"] = {"type": "numeric", "operator": "equals", "value": 0}
    wait = {"unit": "hours", "value": 4, "secondary_value": 0, "timezone": "profile"}
    message = {"name": "Reminder", "subject_line": "Still thinking it over?", "template_id": "RfgG9g"}
    reminder = {
        "triggers": [trigger],
        "profile_filter": {"condition_groups": [{"conditions": [not_bought]}]},
        "actions": [
            {"temporary_id": "wait", "type": "time-delay", "links": {"next": "mail"}, "data": wait},
            {
                "temporary_id": "mail",
                "type": "send-email",
                "links": {"next": None},
                "data": {"status": "live", "message": message},
            },
        ],
        "entry_action_id": "wait",
        "reentry_criteria": {"duration": 7, "unit": "day"},
    }
    store_flow(
        store, HARBOUR, "Checkout reminder", reminder, created="2026-04-14T10:20:00+00:00", status="live"
    )
    text = {"name": "Cart SMS", "body": "You left something in your cart. {{ event.extra.checkout_url }}"}
    sms = {
        "triggers": [trigger],
        "profile_filter": None,
        "actions": [
            {"temporary_id": "text", "type": "send-sms", "links": {"next": None}, "data": {"message": text}},
        ],
        "entry_action_id": "text",
    }
    store_flow(store, HARBOUR, "Cart SMS", sms, created="2026-06-01T08:00:00+00:00")
