"""What tags say in a preview: a person, an event with a cart of two items, and the organization that sends.

The names are those that Klaviyo gives: `person.first_name`, `event.extra.line_items`, `organization.name`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

_ITEMS: list[dict[str, Any]] = [
    {
        "ProductID": "1001",
        "SKU": "MUG-BLUE",
        "ProductName": "Blue stoneware mug",
        "Quantity": 2,
        "ItemPrice": 18.0,
        "RowTotal": 36.0,
        "ProductURL": "https://shop.example.com/products/blue-mug",
        "ImageURL": "https://shop.example.com/images/blue-mug.jpg",
    },
    {
        "ProductID": "1002",
        "SKU": "TEA-GREEN",
        "ProductName": "Green tea, 100 g",
        "Quantity": 1,
        "ItemPrice": 12.5,
        "RowTotal": 12.5,
        "ProductURL": "https://shop.example.com/products/green-tea",
        "ImageURL": "https://shop.example.com/images/green-tea.jpg",
    },
]
_LINES: list[dict[str, Any]] = [
    {
        "product_id": int(one["ProductID"]),
        "sku": one["SKU"],
        "title": one["ProductName"],
        "quantity": one["Quantity"],
        "price": f"{one['ItemPrice']:.2f}",
        "line_price": f"{one['RowTotal']:.2f}",
        "product": {
            "title": one["ProductName"],
            "handle": one["ProductURL"].rsplit("/", 1)[1],
            "images": [{"src": one["ImageURL"]}],
        },
    }
    for one in _ITEMS
]
_PERSON: dict[str, Any] = {
    "id": "01HSAMPLE",
    "email": "alex.morgan@example.com",
    "phone_number": "+15005550006",
    "first_name": "Alex",
    "last_name": "Morgan",
    "full_name": "Alex Morgan",
    "organization": "",
    "title": "",
    "city": "Boston",
    "region": "Massachusetts",
    "zip": "02111",
    "country": "United States",
    "location": {
        "city": "Boston",
        "region": "Massachusetts",
        "zip": "02111",
        "country": "United States",
        "timezone": "America/New_York",
    },
    "birthday": "1990-06-14",
    "Loyalty tier": "gold",
    "Loyalty Points": 240,
}
_IMAGES = {
    "full": {"src": _ITEMS[0]["ImageURL"]},
    "thumbnail": {"src": _ITEMS[0]["ImageURL"]},
}

SAMPLE: dict[str, Any] = {
    "person": _PERSON,
    "email": _PERSON["email"],
    "first_name": _PERSON["first_name"],
    "last_name": _PERSON["last_name"],
    "phone_number": _PERSON["phone_number"],
    "event": {
        "$value": 48.5,
        "value": 48.5,
        "event_id": "1234567890",
        "ItemNames": [one["ProductName"] for one in _ITEMS],
        "Items": _ITEMS,
        "items": _ITEMS,
        "Collections": ["Kitchen", "Tea"],
        "CheckoutURL": "https://shop.example.com/checkout/sample",
        "URL": _ITEMS[0]["ProductURL"],
        "ProductID": "1001",
        "ProductName": _ITEMS[0]["ProductName"],
        "ImageURL": _ITEMS[0]["ImageURL"],
        "Price": 18.0,
        "Brand": "Northwind",
        "OrderId": "1042",
        "extra": {
            "line_items": _LINES,
            "checkout_url": "https://shop.example.com/checkout/sample",
            "responsive_checkout_url": "https://shop.example.com/checkout/sample",
            "total_price": "48.50",
            "subtotal_price": "48.50",
            "currency": "USD",
            "order_number": 1042,
            "created_at": "2026-05-01T09:30:00-04:00",
        },
    },
    "organization": {
        "name": "Northwind",
        "url": "https://shop.example.com",
        "full_address": "12 Harbor Street, Boston, MA 02111, United States",
        "address": "12 Harbor Street",
        "city": "Boston",
        "region": "MA",
        "zip_code": "02111",
        "country": "United States",
        "homepage_url": "https://shop.example.com",
    },
    "catalog_item": {
        "id": "1001",
        "title": _ITEMS[0]["ProductName"],
        "description": "Thrown by hand, holds 350 ml.",
        "url": _ITEMS[0]["ProductURL"],
        "price": 18.0,
        "featured_image": _IMAGES,
        "variant": {
            "title": "Blue",
            "price": 18.0,
            "url": _ITEMS[0]["ProductURL"],
            "featured_image": _IMAGES,
        },
        "metadata": {"price": 18.0, "color": "blue"},
    },
    "preview_text": "A line that mail programs show after the subject.",
}

# --- Its pictures: the addresses lead nowhere ----------------------------------------------------------------------


def _drawn(colour: str, shape: str) -> str:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="240" height="240" viewBox="0 0 240 240">'
        f'<rect width="240" height="240" fill="{colour}"/>{shape}</svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"


def with_pictures(html: str) -> str:
    for address, picture in _PICTURES.items():
        html = html.replace(address, picture)
    return html


_MUG = (
    '<g fill="none" stroke="#fff" stroke-width="10" stroke-linejoin="round"><path d="M70 80h80v70a16 16 0 0 1-16 16H86'
    'a16 16 0 0 1-16-16z"/><path d="M150 96h16a16 16 0 0 1 16 16v8a16 16 0 0 1-16 16h-16"/></g>'
)
_LEAF = (
    '<g fill="none" stroke="#fff" stroke-width="10" stroke-linecap="round" stroke-linejoin="round">'
    '<path d="M72 168c0-60 36-96 100-96 0 64-36 100-100 96z"/><path d="M72 168l56-56"/></g>'
)
_PICTURES = {
    "https://shop.example.com/images/blue-mug.jpg": _drawn("#5b7fa6", _MUG),
    "https://shop.example.com/images/green-tea.jpg": _drawn("#7d9a6b", _LEAF),
}
