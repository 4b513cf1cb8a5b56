"""Who may be written to: the consent of each channel, why it is so, and what narrows it down.

Said in words like all conditions. WhatsApp is told by permissions.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from flowbuilder.kinds import sources as s
from flowbuilder.kinds.base import Finding, Hint, Settings, both, yes_or_no
from flowbuilder.kinds.unions import Choice

_SUPPRESSED = Choice(s.SuppressionDate)
_EMAIL_SUBSCRIBED = Choice(
    s.StatusDate,
    s.DoubleOptIn,
    s.CustomSource,
    s.FormMethod,
    s.PageMethod,
    s.ApiMethod,
    s.ByHandMethod,
    s.EmailSubscribeMethod,
    s.ShopifyMethod,
)
_EMAIL_UNSUBSCRIBED = Choice(
    s.StatusDate,
    s.ApiMethod,
    s.EmailUnsubscribeMethod,
    s.ConstantContactMethod,
    s.SuppressionDate,
)
_SMS_SUBSCRIBED = Choice(
    s.StatusDate,
    s.FormMethod,
    s.ByHandMethod,
    s.SmsSubscribeMethod,
    s.ShopifyMethod,
    s.RcsCapable,
)
_SMS_UNSUBSCRIBED = Choice(
    s.StatusDate,
    s.FormMethod,
    s.ByHandMethod,
    s.SmsUnsubscribeMethod,
    s.ShopifyMethod,
)
_PUSH = Choice(s.StatusDate)
_WHERE = Hint("Where", advanced=True)


class ConsentStatus(Settings):
    WORDS: ClassVar[str] = ""
    subscription: str

    def words(self) -> str:
        found: Sequence[s.Source] | None = getattr(self, "filters", None)
        where = f"where {both([one.words() for one in found])}" if found else ""
        return " ".join(part for part in (self.WORDS, where) if part)


class AnyStatus(ConsentStatus):
    """Whatever the reason. Klaviyo names no filters for it; what stands there is kept."""

    CHOICES: ClassVar[dict[str, str]] = {"": "for any reason"}
    subscription: Literal["any"]
    filters: Annotated[Any, Hint(widget="hidden")] = None

    def words(self) -> str:
        return ""


class AnyPushStatus(ConsentStatus):
    CHOICES: ClassVar[dict[str, str]] = {"": "for any reason"}
    subscription: Literal["any"]
    filters: Annotated[list[Annotated[s.Source, _PUSH]] | None, _WHERE] = None


class AnySuppressedStatus(ConsentStatus):
    CHOICES: ClassVar[dict[str, str]] = {"": "for any reason"}
    subscription: Literal["any"]
    filters: Annotated[list[Annotated[s.Source, _SUPPRESSED]] | None, _WHERE] = None


class EmailSubscribedStatus(ConsentStatus):
    WORDS: ClassVar[str] = "is subscribed"
    CHOICES: ClassVar[dict[str, str]] = {"": "because they are subscribed"}
    subscription: Literal["subscribed"]
    filters: Annotated[list[Annotated[s.Source, _EMAIL_SUBSCRIBED]] | None, _WHERE] = None


class SmsSubscribedStatus(ConsentStatus):
    WORDS: ClassVar[str] = "is subscribed"
    CHOICES: ClassVar[dict[str, str]] = {"": "because they are subscribed"}
    subscription: Literal["subscribed"]
    filters: Annotated[list[Annotated[s.Source, _SMS_SUBSCRIBED]] | None, _WHERE] = None


class NeverSubscribedStatus(ConsentStatus):
    WORDS: ClassVar[str] = "never subscribed"
    CHOICES: ClassVar[dict[str, str]] = {"": "and they never subscribed"}
    subscription: Literal["never_subscribed"]
    filters: Annotated[Any, Hint(widget="hidden")] = None

    def words(self) -> str:
        return self.WORDS


class SuppressedStatus(ConsentStatus):
    """Subscribed, or never so, and suppressed all the same: Klaviyo wants a list, be it empty."""

    CHOICES: ClassVar[dict[str, str]] = {
        "never_subscribed": "and they never subscribed",
        "subscribed": "although they are subscribed",
    }
    START: ClassVar[dict[str, Any]] = {"filters": []}
    subscription: Literal["never_subscribed", "subscribed"]
    filters: Annotated[list[Annotated[s.Source, _SUPPRESSED]], _WHERE]

    def words(self) -> str:
        status = "is subscribed" if self.subscription == "subscribed" else "never subscribed"
        return f"{status} {super().words()}".strip()


class EmailUnsubscribedStatus(ConsentStatus):
    WORDS: ClassVar[str] = "unsubscribed"
    CHOICES: ClassVar[dict[str, str]] = {"": "because they unsubscribed"}
    subscription: Literal["unsubscribed"]
    filters: Annotated[list[Annotated[s.Source, _EMAIL_UNSUBSCRIBED]] | None, _WHERE] = None

    def rules(self) -> Iterator[Finding]:
        if len({isinstance(one, s.SuppressionDate) for one in self.filters or ()}) > 1:
            text = "Klaviyo takes either how they unsubscribed or when they were suppressed, not both."
            yield Finding("mixed-filters", text, ("filters",))


class SmsUnsubscribedStatus(ConsentStatus):
    WORDS: ClassVar[str] = "unsubscribed"
    CHOICES: ClassVar[dict[str, str]] = {"": "because they unsubscribed"}
    subscription: Literal["unsubscribed"]
    filters: Annotated[list[Annotated[s.Source, _SMS_UNSUBSCRIBED]] | None, _WHERE] = None


Can = Annotated[Literal[True], BeforeValidator(yes_or_no)]
Cannot = Annotated[Literal[False], BeforeValidator(yes_or_no)]


class Consent(Settings):
    WORDS: ClassVar[str]
    channel: str
    can_receive_marketing: bool
    consent_status: ConsentStatus

    def words(self) -> str:
        status = self.consent_status.words()
        can = "can" if self.can_receive_marketing else "cannot"
        joint = " " if status.startswith("where ") else " and "
        return f"{can} receive {self.WORDS} marketing" + (f"{joint}{status}" if status else "")


class CanReceiveSms(Consent):
    WORDS: ClassVar[str] = "SMS"
    CHOICES: ClassVar[dict[str, str]] = {"": "Can receive SMS marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "subscribed", "filters": None}}
    channel: Literal["sms"]
    can_receive_marketing: Can
    consent_status: Annotated[ConsentStatus, Choice(SmsSubscribedStatus), Hint("Why")]


class CannotReceiveSms(Consent):
    WORDS: ClassVar[str] = "SMS"
    CHOICES: ClassVar[dict[str, str]] = {"": "Cannot receive SMS marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any"}}
    channel: Literal["sms"]
    can_receive_marketing: Cannot
    consent_status: Annotated[
        ConsentStatus, Choice(AnyStatus, SmsUnsubscribedStatus, NeverSubscribedStatus), Hint("Why")
    ]


class CanReceiveEmail(Consent):
    WORDS: ClassVar[str] = "email"
    CHOICES: ClassVar[dict[str, str]] = {"": "Can receive email marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any", "filters": None}}
    channel: Literal["email"]
    can_receive_marketing: Can
    consent_status: Annotated[
        ConsentStatus, Choice(AnyStatus, EmailSubscribedStatus, NeverSubscribedStatus), Hint("Why")
    ]


class CannotReceiveEmail(Consent):
    WORDS: ClassVar[str] = "email"
    CHOICES: ClassVar[dict[str, str]] = {"": "Cannot receive email marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any", "filters": None}}
    channel: Literal["email"]
    can_receive_marketing: Cannot
    consent_status: Annotated[
        ConsentStatus, Choice(AnySuppressedStatus, EmailUnsubscribedStatus, SuppressedStatus), Hint("Why")
    ]


class CanReceivePush(Consent):
    WORDS: ClassVar[str] = "push"
    CHOICES: ClassVar[dict[str, str]] = {"": "Can receive push marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any", "filters": None}}
    channel: Literal["push"]
    can_receive_marketing: Can
    consent_status: Annotated[ConsentStatus, Choice(AnyPushStatus), Hint("Why")]


class CannotReceivePush(Consent):
    WORDS: ClassVar[str] = "push"
    CHOICES: ClassVar[dict[str, str]] = {"": "Cannot receive push marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any"}}
    channel: Literal["push"]
    can_receive_marketing: Cannot
    consent_status: Annotated[ConsentStatus, Choice(AnyStatus), Hint("Why")]


ANY_CONSENT = Choice(
    CanReceiveSms, CannotReceiveSms, CanReceiveEmail, CannotReceiveEmail, CanReceivePush, CannotReceivePush
)
