"""What metrics are called: the roles Klaviyo maps, names that platforms give, and what makes a metric appear.

Values for finding.py and for whoever writes a question. Roles are the ids of Klaviyo's mapped metrics.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

ROLES: Mapping[str, str] = {
    "revenue": "revenue",
    "ordered_product": "ordered product",
    "started_checkout": "started checkout",
    "added_to_cart": "added to cart",
    "viewed_product": "viewed product",
    "cancelled_sales": "cancelled sales",
    "refunded_sales": "refunded sales",
}

# What shops that are connected to Klaviyo call what plays a role.
KNOWN_AS: Mapping[str, tuple[str, ...]] = {
    "revenue": ("Placed Order",),
    "ordered_product": ("Ordered Product",),
    "started_checkout": ("Checkout Started", "Started Checkout"),
    "added_to_cart": ("Added to Cart",),
    "viewed_product": ("Viewed Product",),
    "cancelled_sales": ("Cancelled Order",),
    "refunded_sales": ("Refunded Order",),
}

# What software of one's own often calls it: near enough to be offered, never to be taken.
LIKE: Mapping[str, tuple[str, ...]] = {
    "revenue": (
        *("Order Completed", "Completed Order", "Order Paid", "Order Created", "Purchase", "Purchased"),
        *("Bestellung aufgegeben", "Commande passée", "Pedido realizado", "Ordine effettuato"),
        *("Bestelling geplaatst", "Pedido feito", "注文完了"),
    ),
    "ordered_product": ("Product Ordered", "Produkt bestellt", "Produit commandé", "Producto pedido"),
    "started_checkout": (
        *("Initiated Checkout", "Begin Checkout", "Checkout Began", "Checkout", "Kasse begonnen"),
        *("Checkout begonnen", "Paiement commencé", "Pago iniciado", "Checkout iniziato"),
    ),
    "added_to_cart": (
        *("Product Added", "Add to Cart", "Cart Updated", "In den Warenkorb gelegt"),
        *("Ajouté au panier", "Añadido al carrito", "カート追加"),
    ),
    "viewed_product": (
        *("Product Viewed", "View Item", "Produkt angesehen", "Produit vu", "Producto visto", "商品閲覧"),
    ),
    "cancelled_sales": ("Order Cancelled", "Bestellung storniert", "Commande annulée"),
    "refunded_sales": ("Order Refunded", "Refund Issued", "Bestellung erstattet", "Commande remboursée"),
}

SHOPS = (
    *("shopify", "woocommerce", "bigcommerce", "magento", "adobe commerce", "prestashop", "wix", "square"),
    *("salesforce commerce", "squarespace", "shopware", "ecwid", "shift4shop", "volusion", "opencart"),
    *("miva", "lightspeed", "commercetools", "neto", "mystore", "nuvemshop", "vtex"),
)
KLAVIYO = "klaviyo"
API = "api"
ASIDE = frozenset(
    {"test", "tests", "testing", "staging", "sandbox", "demo", "dev"}
    | {"old", "deprecated", "legacy", "backup", "copy"}
)

# What happens first, for the sentence that says when a metric appears.
FIRST: Mapping[str, str] = {
    "placed order": "order",
    "ordered product": "order",
    "checkout started": "checkout that somebody starts",
    "started checkout": "checkout that somebody starts",
    "added to cart": "product that somebody puts into a cart",
    "viewed product": "product page that a known visitor looks at",
    "active on site": "visit of somebody whom Klaviyo knows",
    "fulfilled order": "order that is fulfilled",
    "cancelled order": "order that is cancelled",
    "refunded order": "order that is refunded",
    "subscribed to back in stock": "request to be told when a product is back",
    "opened email": "email that somebody opens",
    "clicked email": "link in an email that somebody clicks",
    "received email": "email that is delivered",
    "received sms": "text that is delivered",
    "clicked sms": "link in a text that somebody clicks",
    "subscribed to list": "person who joins a list",
}
OF_KLAVIYO = frozenset(
    {"opened email", "clicked email", "received email", "received sms", "clicked sms", "subscribed to list"}
)


@lru_cache(maxsize=50_000)
def spelled(name: str) -> str:
    """A name without what people write differently: case, marks, underscores, CamelCase, American spelling."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    words = re.findall(r"\w+", apart.replace("_", " ").casefold())
    return " ".join("cancelled" if word == "canceled" else word for word in words)


_ROLE_OF = {spelled(name): role for role, names in KNOWN_AS.items() for name in names}
_ALIKE = {role: frozenset(map(spelled, (*KNOWN_AS[role], *names))) for role, names in LIKE.items()}


def role_of(name: str) -> str:
    """The role that a metric of this name plays in a shop; "" where it is no such name."""
    return _ROLE_OF.get(spelled(name), "")


def other_names(role: str) -> frozenset[str]:
    """Spelled: what shops call what plays this role."""
    return frozenset(name for name, its in _ROLE_OF.items() if its == role)


def is_alike(name: str, wanted: str, role: str) -> bool:
    """Whether a metric of this name might be meant: it says the same in other words, or says more."""
    have, want = spelled(name), spelled(wanted)
    return have in _ALIKE.get(role, ()) or set(want.split()) <= set(have.split())


def is_aside(name: str) -> bool:
    """Whether its name says that it is a test, or was left behind."""
    return not ASIDE.isdisjoint(spelled(name).split())


def is_shop(integration: str) -> bool:
    return integration.casefold().startswith(SHOPS)


def what_creates(name: str, integration: str, connected: frozenset[str]) -> str:
    """What makes a metric appear that is not there, in a sentence. `connected`: where the account's come from."""
    known = spelled(name)
    first = FIRST.get(known)
    where = integration
    if not where and known in OF_KLAVIYO:
        where = "Klaviyo"
    if not where and first:
        where = next(iter(sorted(one for one in connected if is_shop(one))), "")
    if where.casefold() == API:
        return "It appears in Klaviyo with the first event of this name that your own software sends."
    what = f"the first {first}" if first else "its first event"
    if where and where.casefold() != KLAVIYO and where not in connected:
        return f"Nothing in your account comes from {where}: connect it in Klaviyo. It appears after {what} there."
    if where:
        return f"It appears after {what} in {where}."
    if first:
        return f"It appears after {what}, once your shop is connected to Klaviyo."
    return f"It appears after {what}, sent by an app or by your own software."
