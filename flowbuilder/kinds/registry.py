"""All kinds, by the type that a definition names. To add one: its class, a line here, a case file, a README line."""

from __future__ import annotations

from typing import Any

from flowbuilder.graph.values import Config
from flowbuilder.kinds import becoming
from flowbuilder.kinds.alerts import SendInternalAlert
from flowbuilder.kinds.base import ActionKind, TriggerKind
from flowbuilder.kinds.branches import MultiBranchSplit
from flowbuilder.kinds.experiments import AbTest, ContentExperiment
from flowbuilder.kinds.logic import ConditionalSplit, Kept, TriggerSplit, kept
from flowbuilder.kinds.messages import SendEmail, SendSms
from flowbuilder.kinds.profile import ListUpdate, UpdateProfile
from flowbuilder.kinds.push import SendPush
from flowbuilder.kinds.timing import BackInStockDelay, CountdownDelay, TargetDate, TimeDelay
from flowbuilder.kinds.triggers import (
    DATES,
    DateTrigger,
    ListTrigger,
    LowInventoryTrigger,
    MetricTrigger,
    PriceDropTrigger,
    SegmentTrigger,
    kept_trigger,
)
from flowbuilder.kinds.webhook import SendWebhook
from flowbuilder.kinds.whatsapp import SendWhatsApp

TRIGGERS: dict[str, type[TriggerKind]] = {
    kind.TYPE: kind
    for kind in (
        MetricTrigger,
        ListTrigger,
        SegmentTrigger,
        DateTrigger,
        PriceDropTrigger,
        LowInventoryTrigger,
    )
}

# In the order of the palette.
ACTIONS: dict[str, type[ActionKind]] = {
    kind.TYPE: kind
    for kind in (
        SendEmail,
        SendSms,
        SendPush,
        SendWhatsApp,
        AbTest,
        ContentExperiment,
        SendWebhook,
        SendInternalAlert,
        TimeDelay,
        TargetDate,
        CountdownDelay,
        BackInStockDelay,
        ConditionalSplit,
        MultiBranchSplit,
        TriggerSplit,
        UpdateProfile,
        ListUpdate,
        # Kept whole: an imported flow may hold them.
        kept("action-output-split", "Action output split", "split", "logic"),
        kept("internal-service", "Internal service", "package", "data"),
        kept("code", "Code", "code", "data"),
    )
}
FAMILIES = {"message": "Messages", "timing": "Timing", "logic": "Logic", "data": "Data"}
PALETTE = [kind for kind in ACTIONS.values() if not issubclass(kind, Kept)]
FORMED = frozenset(kind.TYPE for kind in PALETTE)  # the others are kept whole


def action_kind(action_type: str) -> type[ActionKind]:
    """The kind of an action; a type of a future revision is kept whole."""
    return ACTIONS.get(action_type) or kept(action_type, _label(action_type, "Other step"), "package", "data")


def trigger_kind(trigger_type: str, config: Config) -> type[TriggerKind]:
    """The kind of a trigger; what has no form is kept whole."""
    if trigger_type == "date":
        return DATES.get(str(config.get("date_field_type")), DateTrigger)
    return TRIGGERS.get(trigger_type) or kept_trigger(trigger_type, _label(trigger_type, "Other trigger"))


def can_become(action_type: str, config: Config) -> list[str]:
    """The types that a step may change to, given its settings."""
    return becoming.candidates(action_type, config)


def convert(action_type: str, new_type: str, config: Config) -> dict[str, Any]:
    """The settings of a step that becomes one of another type: what both have in common is kept."""
    if new_type not in can_become(action_type, config):
        raise ValueError(
            f"A step of the type “{action_type}” cannot become “{new_type}” with these settings."
        )
    return becoming.changed(action_type, new_type, config, ACTIONS[new_type].start())


def map_ports(action_type: str, old: Config, new_type: str, new: Config) -> dict[str, str]:
    """Old way out -> new way out, for a step that became one of another type."""
    before, after = (
        [port.name for port in action_kind(one).ports(config)]
        for one, config in ((action_type, old), (new_type, new))
    )
    return becoming.matching_ports(action_type, new_type, before, after)


def _label(name: str, otherwise: str) -> str:
    return name.replace("-", " ").strip().capitalize() or otherwise
