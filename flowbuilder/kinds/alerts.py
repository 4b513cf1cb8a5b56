"""Internal alerts: an email to colleagues about what somebody did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict

from flowbuilder.kinds.base import Finding, Hint, Words, both, count
from flowbuilder.kinds.messages import MessageKind, Named, check_address, check_line


class InternalAlert(Named):
    to_emails: Annotated[list[str], Hint("To", "The addresses of colleagues, one a line.")]
    from_email: Annotated[str | None, Hint("From address", asks="sender", part="email")]
    from_label: Annotated[str | None, Hint("From name", asks="sender", part="label")]
    subject_line: Annotated[str | None, Hint("Subject", asks="text")]
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

    def rules(self) -> Iterator[Finding]:
        if not self.to_emails:
            yield Finding("no-recipients", "Write who gets the alert.", ("to_emails",))
        for index, address in enumerate(self.to_emails):
            yield from check_address(address, ("to_emails", index), "not-an-address")
        if not self.from_email:
            yield Finding("no-sender", "Write the address that the alert comes from.", ("from_email",))
        yield from check_address(self.from_email, ("from_email",), "not-an-address")
        if not self.from_label:
            yield Finding("no-sender-name", "Write the name that the alert comes from.", ("from_label",))
        if not (self.subject_line or "").strip():
            yield Finding("no-subject", "Write a subject.", ("subject_line",))
        yield from check_line(self.subject_line, ("subject_line",))
        if not self.template_id:
            yield Finding("no-content", "Choose what the alert says.", ("template_id",))


class SendInternalAlert(MessageKind):
    TYPE = "send-internal-alert"
    LABEL = "Internal alert"
    ICON = "siren"
    HELP = "An email to colleagues."
    SENDS = False  # not to the person in the flow
    FRESH: ClassVar[dict[str, Any]] = {
        "to_emails": [],
        "from_email": None,
        "from_label": None,
        "subject_line": None,
        "template_id": None,
    }
    CALLED = ("name", "subject_line")

    model_config = ConfigDict(title="Internal alert")
    message: Annotated[InternalAlert, Hint()]

    def summary(self, words: Words) -> str:
        to = self.message.to_emails
        if not to:
            return "No recipients yet."
        return f"Tells {both(to) if len(to) < 3 else count(len(to), 'colleague')}."
