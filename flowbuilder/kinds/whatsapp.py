"""WhatsApp messages. Klaviyo's API carries no text for them: the message itself is written in Klaviyo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import ConfigDict

from flowbuilder.kinds.base import Finding, Hint, Words
from flowbuilder.kinds.messages import LINKED, Linked, MessageKind


class WhatsApp(Linked):
    vendor_id: Annotated[
        str | None,
        Hint("Vendor id", "The id that WhatsApp's side gave the message, where there is one.", advanced=True),
    ] = None


class SendWhatsApp(MessageKind):
    TYPE = "send-whatsapp"
    LABEL = "WhatsApp"
    ICON = "whatsapp"
    HELP = "A WhatsApp message. Its text is written in Klaviyo, after publishing."
    FRESH = LINKED

    model_config = ConfigDict(title="WhatsApp")
    message: Annotated[WhatsApp | None, Hint()] = None

    def summary(self, words: Words) -> str:
        if self.message and self.message.vendor_id:
            return f"Sends the message {self.message.vendor_id}."
        return "Its text is written in Klaviyo."

    def rules(self) -> Iterator[Finding]:
        if not (self.message and self.message.vendor_id):
            text = "No text: the API carries none for WhatsApp, so write it in Klaviyo after publishing."
            yield Finding("no-text", text, ("message", "vendor_id"), blocks=False)
