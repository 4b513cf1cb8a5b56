"""All kinds, by the type that a definition names. To add one: its class, a line here, a case file, a README line."""

from __future__ import annotations

from flowbuilder.graph.values import Config
from flowbuilder.kinds.base import ActionKind, TriggerKind
from flowbuilder.kinds.logic import ConditionalSplit, Kept, TriggerSplit, kept
from flowbuilder.kinds.messages import SendEmail, SendSms
from flowbuilder.kinds.timing import CountdownDelay, TargetDate, TimeDelay
from flowbuilder.kinds.triggers import (
    DateTrigger,
    ListTrigger,
    MetricTrigger,
    PriceDropTrigger,
    SegmentTrigger,
    kept_trigger,
)

TRIGGERS: dict[str, type[TriggerKind]] = {
    kind.TYPE: kind for kind in (MetricTrigger, ListTrigger, SegmentTrigger, DateTrigger, PriceDropTrigger)
}

# In the order of the palette.
ACTIONS: dict[str, type[ActionKind]] = {
    kind.TYPE: kind
    for kind in (
        SendEmail,
        SendSms,
        TimeDelay,
        TargetDate,
        CountdownDelay,
        ConditionalSplit,
        TriggerSplit,
        # Kept whole: an imported flow may hold them.
        kept("send-mobile-push", "Push notification", "bell", "message"),
        kept("send-whatsapp", "WhatsApp", "message-square", "message"),
        kept("send-webhook", "Webhook", "code", "message"),
        kept("send-internal-alert", "Internal alert", "alert-triangle", "message"),
        kept("back-in-stock-delay", "Back in stock", "package", "timing"),
        kept("multi-branch-split", "Multi-branch split", "git-branch", "logic"),
        kept("action-output-split", "Action output split", "split", "logic"),
        kept("ab-test", "A/B test", "split", "logic"),
        kept("content-experiment", "Content experiment", "split", "logic"),
        kept("update-profile", "Update profile", "user", "data"),
        kept("list-update", "Update list", "list", "data"),
        kept("internal-service", "Internal service", "package", "data"),
        kept("code", "Code", "code", "data"),
    )
}
FAMILIES = {"message": "Messages", "timing": "Timing", "logic": "Logic", "data": "Data"}
PALETTE = [kind for kind in ACTIONS.values() if not issubclass(kind, Kept)]


def action_kind(action_type: str) -> type[ActionKind]:
    """The kind of an action; a type of a future revision is kept whole."""
    return ACTIONS.get(action_type) or kept(action_type, _label(action_type, "Other step"), "package", "data")


def trigger_kind(trigger_type: str, config: Config) -> type[TriggerKind]:
    """The kind of a trigger; what has no form is kept whole."""
    if trigger_type == "date" and config.get("date_field_type") == "custom-object":
        return kept_trigger("date", "Date of a custom object")
    return TRIGGERS.get(trigger_type) or kept_trigger(trigger_type, _label(trigger_type, "Other trigger"))


def _label(name: str, otherwise: str) -> str:
    return name.replace("-", " ").strip().capitalize() or otherwise
