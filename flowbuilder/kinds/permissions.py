"""Conditions on WhatsApp permission: whether somebody can be reached, and how that came about."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.kinds.base import Hint, Settings, Words, both
from flowbuilder.kinds.dates import ANY_DATE, Filter
from flowbuilder.kinds.filters import OneOfFilter
from flowbuilder.kinds.groups import Condition
from flowbuilder.kinds.sources import METHODS, by_method
from flowbuilder.kinds.unions import Choice


class PermissionDate(Settings):
    CHOICES: ClassVar[dict[str, str]] = {
        "effective_date": "In force since",
        "recorded_date": "Recorded on",
    }
    START: ClassVar[dict[str, Any]] = {
        "filter": {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 30}
    }
    field: Literal["effective_date", "recorded_date"]
    filter: Annotated[Filter, ANY_DATE, Hint("Date")]

    def words(self) -> str:
        return f"the {self.field.replace('_', ' ')} {self.filter.words()}"


class PermissionForm(Settings):
    CHOICES: ClassVar[dict[str, str]] = {"": "By a form"}
    GROUP: ClassVar[str] = "Method"
    START: ClassVar[dict[str, Any]] = {"filter": None}
    field: Literal["subscribe_method"]
    method: Literal["form"]
    filter: Annotated[OneOfFilter | None, Hint("Only these forms", "Without it, any form.")] = None

    def words(self) -> str:
        return by_method("form", self.filter)


class PermissionMethod(Settings):
    CHOICES: ClassVar[dict[str, str]] = {
        f"subscribe_method:{name}": f"By {words}" for name, words in METHODS.items()
    }
    GROUP: ClassVar[str] = "Method"
    field: Literal["subscribe_method"]
    method: Literal[
        "api",
        "back_in_stock",
        "bigcommerce",
        "bulk_remove",
        "campaign_monitor",
        "carrier_deactivation",
        "checkout",
        "constant_contact",
        "exact_target",
        "facebook",
        "failed_age_gate",
        "inbound_message",
        "integration",
        "mad_mimi",
        "magento_two",
        "mailbox_provider",
        "manual_add",
        "manual_import",
        "manual_remove",
        "message_blocked",
        "netsuite",
        "preference_page",
        "provided_landline",
        "provided_no_age",
        "sftp",
        "shopify",
        "social_instagram_message",
        "spam_complaint",
        "square",
        "wix",
        "woocommerce",
    ]

    def words(self) -> str:
        return by_method(self.method, None)


_HOW = Choice(PermissionDate, PermissionForm, PermissionMethod)
How = PermissionDate | PermissionForm | PermissionMethod


class Permission(Settings):
    reachable_status: str

    def where(self) -> str:
        return ""


class ExplicitPermission(Permission):
    CHOICES: ClassVar[dict[str, str]] = {
        "explicitly_reachable": "can, explicitly",
        "explicitly_unreachable": "cannot, explicitly",
    }
    START: ClassVar[dict[str, Any]] = {"filters": []}
    reachable_status: Literal["explicitly_reachable", "explicitly_unreachable"]
    filters: Annotated[list[Annotated[How, _HOW]], Hint("Where")]

    def where(self) -> str:
        return f" where {both([one.words() for one in self.filters])}" if self.filters else ""


class ImplicitPermission(Permission):
    CHOICES: ClassVar[dict[str, str]] = {
        "implicitly_reachable": "can, implicitly",
        "implicitly_or_explicitly_reachable": "can, implicitly or explicitly",
        "implicitly_unreachable": "cannot, implicitly",
        "implicitly_or_explicitly_unreachable": "cannot, implicitly or explicitly",
    }
    reachable_status: Literal[
        "implicitly_reachable",
        "implicitly_or_explicitly_reachable",
        "implicitly_unreachable",
        "implicitly_or_explicitly_unreachable",
    ]


class PermissionCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "WhatsApp permission"}
    START: ClassVar[dict[str, Any]] = {
        "permission": {"reachable_status": "explicitly_reachable", "filters": []},
        "channel": "whatsapp_marketing",
    }
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type",)
    type: Literal["profile-permissions"]
    channel: Annotated[
        Literal["whatsapp_marketing", "whatsapp_transactional"],
        Hint(
            "Kind of message",
            choices={"whatsapp_marketing": "Marketing", "whatsapp_transactional": "Transactional"},
        ),
    ]
    permission: Annotated[Permission, Choice(ExplicitPermission, ImplicitPermission), Hint("They")]

    def sentence(self, words: Words) -> str:
        what = "WhatsApp " + self.channel.removeprefix("whatsapp_") + " messages"
        status = self.permission.reachable_status
        can = "cannot" if status.endswith("unreachable") else "can"
        how = status.removesuffix("_unreachable").removesuffix("_reachable").replace("_", " ")
        return f"{can} receive {what} ({how}){self.permission.where()}"
