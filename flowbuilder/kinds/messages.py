"""Messages: what all of them share, email and text. Texts are counted in segments as phones count them.

Push, WhatsApp, webhooks and internal alerts stand in files of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict

from flowbuilder.graph.values import Path
from flowbuilder.kinds.base import (
    ActionKind,
    Finding,
    Hint,
    Settings,
    StatusField,
    Words,
    count,
)
from flowbuilder.kinds.conditions import PersonConditions

SUBJECT_LIMIT = 250  # characters, for the subject and for the preview text
_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = set("^{}\\[~]|€\f")
_PLAIN = _BASIC | _EXTENDED


def segments(text: str) -> int:
    """How many parts a text is sent in: 160 or 153 basic characters each (GSM 03.38), else 70 or 67 (UCS-2)."""
    if not text:
        return 0
    if len(text) <= 70 and text.isascii():  # one part, in whichever alphabet
        return 1
    chars = set(text)
    if chars <= _PLAIN:
        units, single, part = len(text) + sum(map(text.count, chars & _EXTENDED)), 160, 153
    else:
        units, single, part = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= single else -(-units // part)


class TrackingParam(Settings):
    ROW = "Parameter"
    param: Annotated[str, Hint("Name", "Such as utm_campaign.")]
    value: Annotated[str, Hint("Value")]

    def rules(self) -> Iterator[Finding]:
        if not self.param.strip():
            yield Finding("no-parameter", "Name the tracking parameter.", ("param",))


ImageAddress = Annotated[
    str | None,
    Hint("Image by address", "A web address, or a tag such as {{ event.ImageURL }}.", advanced=True),
]


class Named(Settings):
    name: Annotated[
        str | None, Hint("Name", "For you and for Klaviyo's reports; recipients do not see it.")
    ] = None


class Sent(Named):
    """A message that people get."""

    smart_sending_enabled: Annotated[
        bool, Hint("Smart sending", "Skips people who got a message shortly before.", advanced=True)
    ] = True
    additional_filters: Annotated[
        PersonConditions | None, Hint("Send only to people who", "Others skip this message.", advanced=True)
    ] = None


class Linked(Sent):
    """A message whose links are counted."""

    transactional: Annotated[
        bool, Hint("Transactional", "Needs Klaviyo's approval for each message.", advanced=True)
    ] = False
    add_tracking_params: Annotated[
        bool,
        Hint("Add tracking parameters to links", "UTM parameters, for your web analytics.", advanced=True),
    ] = False


class Message(Linked):
    """What email and text have in common."""

    custom_tracking_params: Annotated[
        list[TrackingParam] | None,
        Hint("Tracking parameters of this message", "Instead of those of the account.", advanced=True),
    ] = None


class Email(Message):
    from_email: Annotated[str | None, Hint("From address", asks="sender", part="email")] = None
    from_label: Annotated[str | None, Hint("From name", asks="sender", part="label")] = None
    reply_to_email: Annotated[
        str | None, Hint("Reply to", "Empty: answers go to the sender.", advanced=True)
    ] = None
    cc_email: Annotated[str | None, Hint("Copy to", advanced=True)] = None
    bcc_email: Annotated[str | None, Hint("Blind copy to", advanced=True)] = None
    subject_line: Annotated[str | None, Hint("Subject", asks="text")] = None
    preview_text: Annotated[
        str | None, Hint("Preview text", "What mail programs show after the subject.", asks="text")
    ] = None
    template_id: Annotated[str | None, Hint("Content", widget="content", asks="template")] = None


class Sms(Message):
    body: Annotated[str, Hint("Text", widget="textarea", asks="text")]
    image_id: Annotated[
        str | None,
        Hint("Image", "The id of an image in Klaviyo; makes it a multimedia message.", advanced=True),
    ] = None
    dynamic_image: ImageAddress = None
    message_hierarchy: Annotated[list[Any] | None, Hint(widget="hidden")] = None  # RCS: loosely typed, kept
    shorten_links: Annotated[bool, Hint("Shorten links", advanced=True)] = True
    include_contact_card: Annotated[bool, Hint("Attach the contact card", advanced=True)] = False
    add_org_prefix: Annotated[bool, Hint("Begin with the company's name", advanced=True)] = True
    add_info_link: Annotated[bool, Hint("Add the info link", advanced=True)] = True
    add_opt_out_language: Annotated[bool, Hint("Add how to opt out", advanced=True)] = False
    sms_quiet_hours_enabled: Annotated[
        bool, Hint("Respect quiet hours", "Texts wait until the account's quiet hours end.", advanced=True)
    ] = True
    template_id: Annotated[str | None, Hint(widget="hidden")] = None


_ADDRESS = re.compile(r"[^@\s\[\]]+@[^@\s\[\]]+\.[^@\s\[\]]+")
LINKED: dict[str, Any] = {  # of a new message with links
    "smart_sending_enabled": True,
    "transactional": False,
    "add_tracking_params": False,
}
_ADDRESSES = ("from_email", "reply_to_email", "cc_email", "bcc_email")


class MessageKind(ActionKind):
    """`FRESH`: what the message of a new step holds. `CALLED`: where its title stands, the first that says anything."""

    FAMILY = "message"
    SENDS = True
    OLD_NAMES: ClassVar[dict[str, str]] = {}
    FRESH: ClassVar[dict[str, Any]] = {}
    CALLED: ClassVar[tuple[str, ...]] = ("name",)

    message: Annotated[Named | None, Hint()] = None
    status: StatusField = "draft"

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"message": {"name": None, **deepcopy(cls.FRESH)}, "status": "draft"}

    def title(self, words: Words) -> str:
        return next((text for name in self.CALLED if (text := getattr(self.message, name, None))), self.LABEL)

    @classmethod
    def renew(cls, config: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
        """A message read from an account carries the id it has there, which no new flow may send."""
        message = config.get("message")
        if not isinstance(message, dict):
            return config, []
        fresh: dict[str, Any] = {}
        for key, value in message.items():
            if key != "id":
                fresh.setdefault(cls.OLD_NAMES.get(str(key), str(key)), value)
        # No address is null: an empty text is refused, and a form shows both alike.
        fresh |= {key: None for key in _ADDRESSES if fresh.get(key) == ""}
        return {**config, "message": fresh}, []


class SendEmail(MessageKind):
    TYPE = "send-email"
    LABEL = "Email"
    ICON = "mail"
    HELP = "An email, written here or cloned from a Klaviyo template."
    FRESH: ClassVar[dict[str, Any]] = {
        "from_email": None,
        "from_label": None,
        "subject_line": None,
        "preview_text": None,
        "template_id": None,
        **LINKED,
    }
    CALLED = ("name", "subject_line")

    model_config = ConfigDict(title="Email")
    message: Annotated[Email | None, Hint()] = None

    def summary(self, words: Words) -> str:
        subject = self.message and self.message.subject_line
        return f"“{subject}”" if subject else "No subject yet."

    def rules(self) -> Iterator[Finding]:
        mail = self.message or Email()
        if not (mail.subject_line or "").strip():
            yield Finding("no-subject", "Write a subject.", ("message", "subject_line"))
        yield from check_line(mail.subject_line, ("message", "subject_line"))
        yield from check_line(mail.preview_text, ("message", "preview_text"))
        if not mail.template_id:
            yield Finding(
                "no-content", "Write the email, or choose a Klaviyo template.", ("message", "template_id")
            )
        if not mail.from_email:
            text = "No sender: Klaviyo will use the account's default sender."
            yield Finding("no-sender", text, ("message", "from_email"), blocks=False)
        for name in _ADDRESSES:
            if address := getattr(mail, name):
                yield from check_address(address, ("message", name))


class SendSms(MessageKind):
    TYPE = "send-sms"
    LABEL = "Text message"
    ICON = "message-square"
    HELP = "A text message (SMS)."
    OLD_NAMES: ClassVar[dict[str, str]] = {"respecting_sms_quiet_hours": "sms_quiet_hours_enabled"}
    FRESH: ClassVar[dict[str, Any]] = {
        "body": "",
        "shorten_links": True,
        "add_org_prefix": True,
        "add_info_link": True,
        "sms_quiet_hours_enabled": True,
        **LINKED,
    }

    model_config = ConfigDict(title="Text message")
    message: Annotated[Sms | None, Hint()] = None

    def summary(self, words: Words) -> str:
        body = self.message.body.strip() if self.message else ""
        return f"“{body}”" if body else "No text yet."

    def rules(self) -> Iterator[Finding]:
        body = self.message.body if self.message else ""
        if not body.strip():
            yield Finding("no-text", "Write the text.", ("message", "body"))
        elif (parts := segments(body)) > 1:
            text = f"The text is sent, and paid for, in {count(parts, 'segment')}."
            yield Finding("many-segments", text, ("message", "body"), blocks=False)


def check_line(text: str | None, path: Path) -> tuple[Finding, ...]:
    if not text or len(text) <= SUBJECT_LIMIT:
        return ()
    name = str(path[-1]).replace("_", " ")
    return (Finding("too-long", f"“{name}” has more than {SUBJECT_LIMIT} characters.", path),)


@lru_cache(maxsize=1024)
def check_address(address: str | None, path: Path, code: str = "no-address") -> tuple[Finding, ...]:
    """A flow writes from one or two addresses, again and again."""
    if not address or "{{" in address or _ADDRESS.fullmatch(address):
        return ()
    text = f"“{address}” is no email address."
    # A placeholder that somebody wrote for an address on purpose, such as “[email protected]”.
    stands_in = address.startswith("[") and address.endswith("]")
    if stands_in:
        text = f"“{address}” stands in for an address, and Klaviyo will refuse it: write one, or ask."
    return (Finding(code, text, path, blocks=not stands_in),)
