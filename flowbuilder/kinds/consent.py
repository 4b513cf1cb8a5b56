"""Who may be written to: the consent of each channel, and why it is so. Said in words like all conditions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from flowbuilder.kinds.base import Hint, Settings, yes_or_no
from flowbuilder.kinds.unions import Choice


class ConsentStatus(Settings):
    """`filters` narrow it by method or date; they are kept whole."""

    WORDS: ClassVar[str] = ""
    subscription: str
    filters: Annotated[list[dict[str, Any]] | None, Hint(widget="hidden")] = None

    def words(self) -> str:
        return self.WORDS


class AnyStatus(ConsentStatus):
    WORDS: ClassVar[str] = ""
    CHOICES: ClassVar[dict[str, str]] = {"": "for any reason"}
    subscription: Literal["any"]


class SubscribedStatus(ConsentStatus):
    WORDS: ClassVar[str] = "is subscribed"
    CHOICES: ClassVar[dict[str, str]] = {"": "because they are subscribed"}
    subscription: Literal["subscribed"]


class NeverSubscribedStatus(ConsentStatus):
    WORDS: ClassVar[str] = "never subscribed"
    CHOICES: ClassVar[dict[str, str]] = {"": "and they never subscribed"}
    subscription: Literal["never_subscribed"]


class UnsubscribedStatus(ConsentStatus):
    WORDS: ClassVar[str] = "unsubscribed"
    CHOICES: ClassVar[dict[str, str]] = {"": "because they unsubscribed"}
    subscription: Literal["unsubscribed"]


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
        return f"{can} receive {self.WORDS} marketing" + (f" and {status}" if status else "")


class CanReceiveSms(Consent):
    WORDS: ClassVar[str] = "SMS"
    CHOICES: ClassVar[dict[str, str]] = {"": "Can receive SMS marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "subscribed", "filters": None}}
    channel: Literal["sms"]
    can_receive_marketing: Can
    consent_status: Annotated[ConsentStatus, Choice(SubscribedStatus), Hint("Why")]


class CannotReceiveSms(Consent):
    WORDS: ClassVar[str] = "SMS"
    CHOICES: ClassVar[dict[str, str]] = {"": "Cannot receive SMS marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any", "filters": None}}
    channel: Literal["sms"]
    can_receive_marketing: Cannot
    consent_status: Annotated[
        ConsentStatus, Choice(AnyStatus, UnsubscribedStatus, NeverSubscribedStatus), Hint("Why")
    ]


class CanReceiveEmail(Consent):
    WORDS: ClassVar[str] = "email"
    CHOICES: ClassVar[dict[str, str]] = {"": "Can receive email marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any", "filters": None}}
    channel: Literal["email"]
    can_receive_marketing: Can
    consent_status: Annotated[
        ConsentStatus, Choice(AnyStatus, SubscribedStatus, NeverSubscribedStatus), Hint("Why")
    ]


class CannotReceiveEmail(Consent):
    WORDS: ClassVar[str] = "email"
    CHOICES: ClassVar[dict[str, str]] = {"": "Cannot receive email marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any", "filters": None}}
    channel: Literal["email"]
    can_receive_marketing: Cannot
    consent_status: Annotated[
        ConsentStatus,
        Choice(AnyStatus, UnsubscribedStatus, NeverSubscribedStatus, SubscribedStatus),
        Hint("Why"),
    ]


class CanReceivePush(Consent):
    WORDS: ClassVar[str] = "push"
    CHOICES: ClassVar[dict[str, str]] = {"": "Can receive push marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any", "filters": None}}
    channel: Literal["push"]
    can_receive_marketing: Can
    consent_status: Annotated[ConsentStatus, Choice(AnyStatus), Hint("Why")]


class CannotReceivePush(Consent):
    WORDS: ClassVar[str] = "push"
    CHOICES: ClassVar[dict[str, str]] = {"": "Cannot receive push marketing"}
    START: ClassVar[dict[str, Any]] = {"consent_status": {"subscription": "any", "filters": None}}
    channel: Literal["push"]
    can_receive_marketing: Cannot
    consent_status: Annotated[ConsentStatus, Choice(AnyStatus), Hint("Why")]


ANY_CONSENT = Choice(
    CanReceiveSms, CannotReceiveSms, CanReceiveEmail, CannotReceiveEmail, CanReceivePush, CannotReceivePush
)
