"""What narrows a consent down: since when, by which method, with which proof. Used by consent.py and permissions.py.

Which of these go with which status is Klaviyo's OpenAPI document's to say (HasEmailMarketingSubscribed and its
neighbours). `words()` goes on after “where”.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.kinds.base import Hint, Settings
from flowbuilder.kinds.dates import CALENDAR, DATES, Filter, choice_of
from flowbuilder.kinds.filters import NOTHING, IsSetFilter, OneOfFilter, TextIsFilter, YesNoFilter

# Every method that Klaviyo lists for any consent, in words.
METHODS = {
    "api": "the API",
    "back_in_stock": "a back-in-stock request",
    "bigcommerce": "BigCommerce",
    "bulk_remove": "a bulk removal",
    "campaign_monitor": "Campaign Monitor",
    "carrier_deactivation": "a number that the carrier switched off",
    "checkout": "the checkout",
    "constant_contact": "Constant Contact",
    "data_warehouse_import": "an import from a data warehouse",
    "exact_target": "ExactTarget",
    "facebook": "Facebook",
    "failed_age_gate": "an age check that failed",
    "form": "a form",
    "inbound_message": "a message they sent",
    "integration": "an integration",
    "mad_mimi": "Mad Mimi",
    "magento_two": "Magento 2",
    "mailbox_provider": "the mailbox provider",
    "manual_add": "an addition by hand",
    "manual_import": "an import by hand",
    "manual_remove": "a removal by hand",
    "message_blocked": "a message that was blocked",
    "netsuite": "NetSuite",
    "one_click_unsubscribe": "one-click unsubscribe",
    "preference_page": "the preference page",
    "profile_modification": "a change of the profile",
    "provided_landline": "a landline number",
    "provided_no_age": "an age that was not given",
    "sftp": "SFTP",
    "shopify": "Shopify",
    "social_instagram_message": "a message on Instagram",
    "spam_complaint": "a spam complaint",
    "square": "Square",
    "wix": "Wix",
    "woocommerce": "WooCommerce",
}
LAST_30_DAYS = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 30}


def by_method(method: str, only: Filter | None) -> str:
    narrowed = f" that {only.words()}" if only is not None else ""
    return f"it came by {METHODS[method]}{narrowed}"


class Source(Settings):
    """One narrowing of a consent."""

    field: str

    def words(self) -> str:
        raise NotImplementedError


# --- Since when ----------------------------------------------------------------------------------------------------

_NARROWED = {"filter": LAST_30_DAYS}


class StatusDate(Source):
    CHOICES: ClassVar[dict[str, str]] = {"": "Date of the status"}
    START: ClassVar[dict[str, Any]] = dict(_NARROWED)
    field: Literal["status_date"]
    filter: Annotated[Filter, choice_of(*DATES, *CALENDAR), Hint("Date")]

    def words(self) -> str:
        return f"the date of it {self.filter.words()}"


class SuppressionDate(Source):
    CHOICES: ClassVar[dict[str, str]] = {
        "bounce_date": "Date of a bounce",
        "manual_suppression_date": "Date of suppression by hand",
        "invalid_email_date": "Date the address proved invalid",
    }
    START: ClassVar[dict[str, Any]] = dict(_NARROWED)
    field: Literal["bounce_date", "manual_suppression_date", "invalid_email_date"]
    filter: Annotated[Filter, choice_of(*DATES, *CALENDAR, IsSetFilter), Hint("Date")]

    def words(self) -> str:
        name = {
            "bounce_date": "the date of a bounce",
            "manual_suppression_date": "the date of suppression by hand",
            "invalid_email_date": "the date the address proved invalid",
        }[self.field]
        return f"{name} {self.filter.words()}"


# --- With which proof ------------------------------------------------------------------------------------------


class DoubleOptIn(Source):
    CHOICES: ClassVar[dict[str, str]] = {"": "Double opt-in"}
    START: ClassVar[dict[str, Any]] = {"filter": {"type": "boolean", "operator": "equals", "value": True}}
    field: Literal["is_double_opt_in"]
    filter: Annotated[Filter, choice_of(YesNoFilter), Hint("Double opt-in")]

    def words(self) -> str:
        return f"double opt-in {self.filter.words()}"


class RcsCapable(Source):
    CHOICES: ClassVar[dict[str, str]] = {"": "The phone can receive RCS"}
    START: ClassVar[dict[str, Any]] = {"filter": {"type": "boolean", "operator": "equals", "value": True}}
    field: Literal["is_rcs_capable"]
    filter: Annotated[Filter, choice_of(YesNoFilter), Hint("RCS")]

    def words(self) -> str:
        return f"the phone's RCS {self.filter.words()}"


class CustomSource(Source):
    CHOICES: ClassVar[dict[str, str]] = {"": "A source of your own"}
    START: ClassVar[dict[str, Any]] = {"filter": dict(TextIsFilter.START)}
    field: Literal["custom_source"]
    filter: Annotated[TextIsFilter, Hint("Source")]

    def words(self) -> str:
        return f"the source {self.filter.words()}"


# --- By which method -------------------------------------------------------------------------------------------


class Method(Source):
    """A method that says no more."""

    CHOICES: ClassVar[dict[str, str]] = {f"method:{name}": f"By {words}" for name, words in METHODS.items()}
    GROUP: ClassVar[str] = "Method"
    field: Literal["method"]
    method: str

    def words(self) -> str:
        return by_method(self.method, None)


class NarrowMethod(Method):
    """A method with a list of what it may have been."""

    START: ClassVar[dict[str, Any]] = {"filter": None}
    filter: Annotated[OneOfFilter | None, Hint("Only these", "Without it, any of them.")] = None

    def words(self) -> str:
        return by_method(self.method, self.filter)


class FormMethod(NarrowMethod):
    method: Literal["form"]


class ApiMethod(NarrowMethod):
    method: Literal["api"]


class ByHandMethod(NarrowMethod):
    method: Literal["manual_import", "manual_add"]


class PageMethod(Method):
    """The preference page that led to an email consent."""

    START: ClassVar[dict[str, Any]] = {"filter": None}
    method: Literal["preference_page"]
    filter: Annotated[TextIsFilter | None, Hint("Only this page", "Without it, any page.")] = None

    def words(self) -> str:
        return by_method(self.method, self.filter)


class ShopifyFilter(Filter):
    START: ClassVar[dict[str, Any]] = {"type": "string", "operator": "in", "value": ["shopify"]}
    type: Literal["string"]
    operator: Literal["in"]
    value: Annotated[list[Literal["shopify"]], Hint("Integration", choices={"shopify": "Shopify"})]

    def words(self) -> str:
        return f"is {'Shopify' if self.value else NOTHING}"


class ConstantContactFilter(Filter):
    START: ClassVar[dict[str, Any]] = {"type": "string", "operator": "in", "value": ["constant_contact"]}
    type: Literal["string"]
    operator: Literal["in"]
    value: Annotated[
        list[Literal["constant_contact"]],
        Hint("Integration", choices={"constant_contact": "Constant Contact"}),
    ]

    def words(self) -> str:
        return f"is {'Constant Contact' if self.value else NOTHING}"


class ShopifyMethod(Method):
    CHOICES: ClassVar[dict[str, str]] = {"": "By Shopify"}
    START: ClassVar[dict[str, Any]] = {"filter": dict(ShopifyFilter.START)}
    method: Literal["integration"]
    filter: Annotated[ShopifyFilter, Hint("Integration")]

    def words(self) -> str:
        return by_method(self.method, self.filter)


class ConstantContactMethod(Method):
    CHOICES: ClassVar[dict[str, str]] = {"": "By Constant Contact"}
    START: ClassVar[dict[str, Any]] = {"filter": dict(ConstantContactFilter.START)}
    method: Literal["integration"]
    filter: Annotated[ConstantContactFilter, Hint("Integration")]

    def words(self) -> str:
        return by_method(self.method, self.filter)


class EmailSubscribeMethod(Method):
    method: Literal["inbound_message", "back_in_stock", "sftp"]


class EmailUnsubscribeMethod(Method):
    method: Literal[
        "inbound_message",
        "preference_page",
        "manual_remove",
        "spam_complaint",
        "mailbox_provider",
        "one_click_unsubscribe",
        "manual_import",
        "sftp",
        "data_warehouse_import",
        "profile_modification",
    ]


class SmsSubscribeMethod(Method):
    method: Literal["checkout", "inbound_message", "preference_page", "sftp"]


class SmsUnsubscribeMethod(Method):
    method: Literal[
        "manual_remove",
        "bulk_remove",
        "checkout",
        "inbound_message",
        "preference_page",
        "sftp",
        "carrier_deactivation",
        "provided_landline",
        "message_blocked",
        "provided_no_age",
        "failed_age_gate",
    ]
