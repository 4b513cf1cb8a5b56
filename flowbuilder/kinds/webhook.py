"""Webhooks: Klaviyo posts to an address of yours, with headers and a body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import ConfigDict

from flowbuilder.kinds.base import Finding, Hint, Words
from flowbuilder.kinds.messages import MessageKind, Named

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token: RFC 9110, 5.6.2


class Webhook(Named):
    url: Annotated[
        str | None, Hint("Address", "Begins with https://. Klaviyo sends a POST there.", asks="text")
    ]
    headers: Annotated[dict[str, str] | None, Hint("Headers", "Sent along with each call.")] = None
    body: Annotated[
        str | None,
        Hint("Body", "Usually JSON; tags such as {{ person.email }} are filled in.", widget="textarea"),
    ] = None

    def rules(self) -> Iterator[Finding]:
        url = (self.url or "").strip()
        if not url:
            yield Finding("no-url", "Write the address that Klaviyo posts to.", ("url",))
        elif not url.lower().startswith("https://"):
            yield Finding("not-https", "The address must begin with https://.", ("url",))
        elif not host(url) or re.search(r"\s", re.sub(r"{{.*?}}", "", url)):
            text = "That is no web address: write one such as https://hooks.example.org/flow."
            yield Finding("not-a-url", text, ("url",))
        for name in self.headers or {}:
            if not _HEADER.fullmatch(name):
                text = f"“{name}” is no name of a header: use letters, digits and hyphens."
                yield Finding("not-a-header", text, ("headers",))
        if self._means_json() and not _is_json(self.body or ""):
            text = "The body is to be JSON by its Content-Type, and is not."
            yield Finding("not-json", text, ("body",), blocks=False)

    def _means_json(self) -> bool:
        types = [text for name, text in (self.headers or {}).items() if name.lower() == "content-type"]
        return any("json" in text.lower() for text in types) and bool((self.body or "").strip())


def host(url: str) -> str:
    """“hooks.example.org”, empty where an address has none."""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


def _is_json(text: str) -> bool:
    if "{{" in text or "{%" in text:  # only Klaviyo knows what it becomes
        return True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class SendWebhook(MessageKind):
    TYPE = "send-webhook"
    LABEL = "Webhook"
    ICON = "webhook"
    HELP = "Tells another system, by a POST to its address."
    SENDS = False  # nobody's inbox
    FRESH: ClassVar[dict[str, Any]] = {
        "url": None,
        "headers": {"Content-Type": "application/json"},
        "body": '{"email": "{{ person.email }}"}',
    }

    model_config = ConfigDict(title="Webhook")
    message: Annotated[Webhook, Hint()]

    def summary(self, words: Words) -> str:
        url = self.message.url or ""
        return f"Posts to {host(url) or url}." if url.strip() else "No address yet."
