"""Messages inside an experiment: whole actions with a type, a temporary id and settings of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.graph.values import Config
from flowbuilder.kinds.base import Hint, Settings, Status
from flowbuilder.kinds.messages import Email, MessageKind, SendEmail, SendSms, Sms
from flowbuilder.kinds.push import Push, SendPush
from flowbuilder.kinds.whatsapp import SendWhatsApp, WhatsApp

HiddenStatus = Annotated[Status, Hint(widget="hidden")]


class EmailInside(Email):
    template_id: Annotated[
        str | None,
        Hint(
            "Content",
            "An email of the library, or a Klaviyo template.",
            "email",
            picks="email",
            asks="template",
        ),
    ] = None


class InnerEmail(SendEmail):
    message: Annotated[EmailInside, Hint()]
    status: HiddenStatus = "draft"


class InnerSms(SendSms):
    message: Annotated[Sms, Hint()]
    status: HiddenStatus = "draft"


class InnerPush(SendPush):
    message: Annotated[Push, Hint()]
    status: HiddenStatus = "draft"


class InnerWhatsApp(SendWhatsApp):
    message: Annotated[WhatsApp, Hint()]
    status: HiddenStatus = "draft"


class Inner(Settings):
    """An action inside an experiment."""

    ROW = "Variation"
    CHOICES: ClassVar[dict[str, str]] = {
        "send-email": "Email",
        "send-sms": "Text message",
        "send-mobile-push": "Push notification",
        "send-whatsapp": "WhatsApp",
    }
    temporary_id: Annotated[str | None, Hint(widget="hidden")] = None
    links: Annotated[Any, Hint(widget="hidden")] = None
    data: MessageKind


class EmailAction(Inner):
    START: ClassVar[dict[str, Any]] = {"data": SendEmail.start()}
    type: Literal["send-email"]
    data: Annotated[InnerEmail, Hint()]


class SmsAction(Inner):
    START: ClassVar[dict[str, Any]] = {"data": SendSms.start()}
    type: Literal["send-sms"]
    data: Annotated[InnerSms, Hint()]


class PushAction(Inner):
    START: ClassVar[dict[str, Any]] = {"data": SendPush.start()}
    type: Literal["send-mobile-push"]
    data: Annotated[InnerPush, Hint()]


class WhatsAppAction(Inner):
    START: ClassVar[dict[str, Any]] = {"data": SendWhatsApp.start()}
    type: Literal["send-whatsapp"]
    data: Annotated[InnerWhatsApp, Hint()]


_KINDS: dict[str, type[MessageKind]] = {
    kind.TYPE: kind for kind in (SendEmail, SendSms, SendPush, SendWhatsApp)
}


def new_inner(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action inside an experiment, fit for a new flow: its id, which allocations name, as a temporary one."""
    fresh = {key: value for key, value in action.items() if key != "id"}
    if action.get("id") is not None:
        fresh.setdefault("temporary_id", str(action["id"]))
    if isinstance(data := fresh.get("data"), dict):
        kind = _KINDS.get(str(fresh.get("type")))
        fresh["data"] = kind.renew(data)[0] if kind else without(data, "message", "id")
    return fresh


def without(config: Config, name: str, key: str) -> dict[str, Any]:
    """A copy in which the object `name` lacks a key."""
    inner = config.get(name)
    if not isinstance(inner, Mapping) or key not in inner:
        return dict(config)
    return {**config, name: {one: value for one, value in inner.items() if one != key}}
