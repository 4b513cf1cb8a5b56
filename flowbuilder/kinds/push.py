"""Push notifications to a mobile app: the text, what a tap opens, the badge, buttons, and data for the app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict

from flowbuilder.kinds.base import Finding, Hint, Settings, Words
from flowbuilder.kinds.messages import ImageAddress, MessageKind, Sent
from flowbuilder.kinds.unions import Choice

MOST_BUTTONS = 3  # as many as phones show


class Badge(Settings):
    CHOICES: ClassVar[dict[str, str]] = {}


class IncrementBadge(Badge):
    CHOICES: ClassVar[dict[str, str]] = {"": "One more than before"}
    badge_config: Literal["increment_one"]


class CountBadge(Badge):
    CHOICES: ClassVar[dict[str, str]] = {"": "A number"}
    START: ClassVar[dict[str, Any]] = {"value": "1"}
    badge_config: Literal["set_count"]
    value: Annotated[str, Hint("Number")]

    def rules(self) -> Iterator[Finding]:
        if not self.value.strip():
            yield Finding("no-number", "Write the number that the badge shows.", ("value",))


class PropertyBadge(Badge):
    CHOICES: ClassVar[dict[str, str]] = {"": "A property of the profile"}
    START: ClassVar[dict[str, Any]] = {"set_from_property": ""}
    badge_config: Literal["set_property"]
    set_from_property: Annotated[str, Hint("Property", picks="property", asks="property")]

    def rules(self) -> Iterator[Finding]:
        if not self.set_from_property.strip():
            yield Finding("no-property", "Name the property that the badge shows.", ("set_from_property",))


class PushButton(Settings):
    ROW = "Button"
    START: ClassVar[dict[str, Any]] = {"label": "", "action_type": "open_app"}
    label: Annotated[str, Hint("Label", asks="text")]
    action_type: Annotated[
        Literal["open_app", "deep_link", "open_url", "dismiss"],
        Hint(
            "A press",
            choices={
                "open_app": "opens the app",
                "deep_link": "opens a place in the app",
                "open_url": "opens a web page",
                "dismiss": "puts the message away",
            },
        ),
    ]
    position: Annotated[int | None, Hint(widget="hidden")] = None
    url: Annotated[str | None, Hint("Address", "For a place in the app or a web page.")] = None
    icon: Annotated[str | None, Hint("Icon", advanced=True)] = None
    custom_action_id: Annotated[str | None, Hint("Action id", "For your app's own code.", advanced=True)] = (
        None
    )

    def rules(self) -> Iterator[Finding]:
        if not self.label.strip():
            yield Finding("no-label", "Write what stands on the button.", ("label",))
        if self.action_type in ("deep_link", "open_url") and not (self.url or "").strip():
            yield Finding("no-url", "Write the address that the button opens.", ("url",))


class Push(Sent):
    title: Annotated[str | None, Hint("Title", asks="text")] = None
    body: Annotated[str, Hint("Text", widget="textarea", asks="text")]
    on_open: Annotated[
        Literal["home", "link", "open_url"],
        Hint(
            "A tap opens",
            choices={"home": "The app", "link": "A place in the app", "open_url": "A web page"},
        ),
    ] = "home"
    ios_link: Annotated[str | None, Hint("Place in the iOS app", "A deep link.", asks="text")] = None
    android_link: Annotated[str | None, Hint("Place in the Android app", "A deep link.", asks="text")] = None
    web_url: Annotated[str | None, Hint("Web page", asks="text")] = None
    push_type: Annotated[
        Literal["standard", "silent"] | None,
        Hint(
            "Type",
            "A silent one shows nothing; it only brings data to the app.",
            advanced=True,
            choices={"standard": "Standard", "silent": "Silent"},
        ),
    ] = None
    sound: Annotated[bool, Hint("Play a sound", advanced=True)] = False
    badge: Annotated[bool, Hint("Show a badge on the app", advanced=True)] = False
    badge_options: Annotated[
        Annotated[Badge, Choice(IncrementBadge, CountBadge, PropertyBadge)] | None,
        Hint("The badge shows", advanced=True),
    ] = None
    image_id: Annotated[str | None, Hint("Image", "The id of an image in Klaviyo.", advanced=True)] = None
    dynamic_image: ImageAddress = None
    video_asset_id: Annotated[
        str | None, Hint("Video", "The id of a video in Klaviyo, instead of an image.", advanced=True)
    ] = None
    action_buttons: Annotated[list[PushButton] | None, Hint("Buttons", "At most three.", advanced=True)] = (
        None
    )
    kv_pairs: Annotated[
        dict[str, str] | None,
        Hint("Data for the app", "Names and values that your app reads.", advanced=True),
    ] = None
    conversion_metric_id: Annotated[
        str | None,
        Hint("Counts as a conversion", picks="metric", asks="metric", advanced=True),
    ] = None

    def rules(self) -> Iterator[Finding]:
        if not self.body.strip() and self.push_type != "silent":
            yield Finding("no-text", "Write the text.", ("body",))
        if self.on_open == "link" and not (self.ios_link or self.android_link):
            yield Finding("no-link", "Write the place in the app that a tap opens.", ("ios_link",))
        if self.on_open == "open_url" and not (self.web_url or "").strip():
            yield Finding("no-url", "Write the web page that a tap opens.", ("web_url",))
        if self.video_asset_id and (self.image_id or self.dynamic_image):
            text = "A push shows an image or a video, not both: leave one out."
            yield Finding("image-and-video", text, ("video_asset_id",))
        if len(self.action_buttons or []) > MOST_BUTTONS:
            text = f"A push has at most {MOST_BUTTONS} buttons: take some away."
            yield Finding("many-buttons", text, ("action_buttons",))


class SendPush(MessageKind):
    TYPE = "send-mobile-push"
    LABEL = "Push notification"
    ICON = "bell"
    HELP = "A notification of your mobile app."
    FRESH: ClassVar[dict[str, Any]] = {
        "title": None,
        "body": "",
        "on_open": "home",
        "push_type": "standard",
        "smart_sending_enabled": True,
    }
    CALLED = ("name", "title")

    model_config = ConfigDict(title="Push notification")
    message: Annotated[Push | None, Hint()] = None

    @classmethod
    def tidy(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A badge of nothing is left out: Klaviyo takes no null there."""
        message = config.get("message")
        if not isinstance(message, dict) or message.get("badge_options", ...) is not None:
            return config
        return {**config, "message": {key: one for key, one in message.items() if key != "badge_options"}}

    def summary(self, words: Words) -> str:
        push = self.message
        text = push.body.strip() if push else ""
        if push and push.push_type == "silent":
            return "Brings data to the app, silently."
        return f"“{text}”" if text else "No text yet."

    def rules(self) -> Iterator[Finding]:
        if self.message is None:
            yield Finding("no-text", "Write the text.", ("message", "body"))
