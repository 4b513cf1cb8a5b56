"""What triggers and actions may look like when a flow is created.

Used by rules.py. A table of shapes; what depends on several steps or on the account is in rules.py.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from .conditions import (
    ACTION_OUTPUT,
    FLOW_PROFILE,
    LOW_INVENTORY,
    METRIC_PROPERTY,
    OBJECT_PROPERTY,
    OBJECT_TRIGGER,
    PRICE_DROP,
    PROFILE,
    groups,
    profile_property,
)
from .filter_shapes import STRING
from .messages import ALERT, EMAIL, NAMED, NULL_STRING, PUSH, SMS, WEBHOOK, WHATSAPP, forbidden
from .shape import (
    Report,
    Shape,
    any_object,
    anything,
    boolean,
    day,
    each_value,
    either,
    integer,
    listing,
    maybe,
    moment,
    null,
    number,
    one_of,
    record,
    tagged,
    text,
    words,
)

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS = maybe(listing(one_of(*WEEK)))
TIME = text(pattern=r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", hint="Time must be of the form HH:MM:SS.")
STATUS = one_of("draft", "manual", "live", "disabled")
AREAS = words("Africa America Antarctica Arctic Asia Atlantic Australia Canada Europe Indian Pacific US")
ZONES = frozenset(
    zone for zone in available_timezones() if zone.split("/")[0] in AREAS or zone in ("UTC", "GMT")
) | {"profile"}


def timezone(value: Any, pointer: str, report: Report) -> None:
    if not isinstance(value, str) or value not in ZONES:
        report.add(
            pointer, f"'{value}' is not a valid timezone: use 'profile' or a name such as 'Europe/Berlin'."
        )


# -- triggers

TIMING: dict[str, Shape] = {
    "timedelta_unit_before_date": one_of("days", "weeks", "months"),
    "recurrence_frequency": one_of("never", "weekly", "monthly", "annually"),
    "timezone": timezone,
    "trigger_days": WEEKDAYS,
}
TIMED: dict[str, Shape] = {"timedelta_value_before_date": integer(0), "trigger_time": TIME}
OF_TYPE: dict[str, Shape] = {"type": anything}


def started_by(*audience: str) -> Shape:
    return listing(one_of(*audience), least=1)


DATE_TRIGGER = tagged(
    "date_field_type",
    {
        "profile-property": record(
            {**OF_TYPE, "date_field_type": anything, "date_profile_property": NAMED, **TIMED}, TIMING
        ),
        "custom-object": record(
            {
                **OF_TYPE,
                "date_field_type": anything,
                "custom_object_label": NAMED,
                "custom_object_property_id": integer(),
                "object_type_id": NAMED,
                "object_type_relationship_id": NAMED,
                **TIMED,
            },
            TIMING,
        ),
    },
)
TRIGGER = tagged(
    "type",
    {
        "list": record({**OF_TYPE, "id": NAMED}),
        "segment": record({**OF_TYPE, "id": NAMED}),
        "metric": record({**OF_TYPE, "id": NAMED}, {"trigger_filter": maybe(groups(METRIC_PROPERTY))}),
        "date": DATE_TRIGGER,
        "price-drop": record(
            {
                **OF_TYPE,
                "trigger_filter": maybe(groups(PRICE_DROP)),
                "price_drop_amount_value": number,
                "audience": started_by("viewed", "checkout-started"),
            },
            {
                "price_drop_amount_unit": one_of("currency", "percent"),
                "timeframe_days": integer(1),
                "currency_type": one_of("usd"),
            },
        ),
        "low-inventory": record(
            {
                **OF_TYPE,
                "product_level": one_of("product", "variant"),
                "trigger_filter": maybe(groups(LOW_INVENTORY)),
                "inventory_count": integer(0),
                "audience": started_by("added-to-cart", "checkout-started", "viewed"),
            },
            {"timeframe_days": integer(1)},
        ),
    },
)

# -- actions

NEXT = maybe(record({}, {"next": NULL_STRING}))
BOTH = record({"next_if_true": NULL_STRING, "next_if_false": NULL_STRING})


def not_empty(shape: Shape) -> Shape:
    """Reported: an empty `data` object makes the real API fail with a 500. Here it is a plain refusal."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if value == {}:
            report.add(pointer, "This object may not be empty.")
        else:
            shape(value, pointer, report)

    return check


def action(
    data: Shape | None, *, links: Shape = NEXT, links_required: bool = False, needs_data: bool = True
) -> Shape:
    required: dict[str, Shape] = {"temporary_id": NAMED, "type": anything}
    optional: dict[str, Shape] = {"id": forbidden}
    (required if links_required else optional)["links"] = links
    if data is not None:
        (required if needs_data else optional)["data"] = not_empty(data) if needs_data else data
    return record(required, optional)


def sending(message: Shape, *, required: bool = False) -> Shape:
    fields = {"status": STATUS}
    if required:
        return action(record({"message": message}, fields))
    return action(record({}, {"message": maybe(message), **fields}))


def split(data: Shape) -> Shape:
    return action(data, links=BOTH, links_required=True)


PROPERTY_KEY = {"operator": anything, "property_key": profile_property}


def writes(value: Shape, **more: Shape) -> Shape:
    return record({**PROPERTY_KEY, "property_type": anything, "property_value": value}, more)


WRITE = tagged(
    "property_type",
    {
        "string": writes(STRING),
        "boolean": writes(boolean),
        "numeric": writes(number),
        "date": writes(either(day, one_of("today"))),
        "list": writes(STRING, property_operation=maybe(one_of("add", "remove"))),
    },
)
OPERATION = tagged("operator", {"create": WRITE, "update": WRITE, "delete": record(PROPERTY_KEY)})
DELAY = record(
    {"value": integer(0)},
    {
        "unit": one_of("minutes", "hours", "days"),
        "secondary_value": maybe(integer(0, 59)),
        "timezone": timezone,
        "delay_until_time": maybe(TIME),
        "delay_until_weekdays": WEEKDAYS,
    },
)
COUNTDOWN = record(
    {},
    {
        "unit": one_of("days", "weeks", "months"),
        "value": integer(0),
        "timezone": timezone,
        "delay_until_time": maybe(TIME),
        "delay_until_weekdays": WEEKDAYS,
    },
)
TRIGGER_CONDITIONS = {**METRIC_PROPERTY, **OBJECT_TRIGGER, **OBJECT_PROPERTY, **PRICE_DROP, **LOW_INVENTORY}
TRIGGER_SPLIT = record(
    {
        "trigger_filter": maybe(groups(TRIGGER_CONDITIONS)),
        "trigger_id": STRING,
        "trigger_type": one_of(
            "metric", "list", "segment", "date", "price-drop", "low-inventory", "scheduled"
        ),
    },
    {
        "trigger_subtype": maybe(
            one_of("custom-object", "legacy-custom-object", "profile-property", "profile-trait")
        )
    },
)
BRANCH = record(
    {"branch_id": NAMED},
    {
        "order": maybe(integer()),
        "is_else": boolean,
        "branch_filter": maybe(groups({**PROFILE, **METRIC_PROPERTY, **OBJECT_TRIGGER})),
        "links": NEXT,
        "name": NULL_STRING,
    },
)
SERVICE = tagged(
    "service_method_type",
    {
        "schedule-report": record({"service_method_type": anything, "report_id": STRING}),
        "schedule-report-builder-report": record({"service_method_type": anything, "report_id": STRING}),
        "track-event": record(
            {"service_method_type": anything},
            {
                "event_key": NULL_STRING,
                "event_payload": maybe(any_object),
                "tracking_company_id": NULL_STRING,
            },
        ),
        "unknown": record({"service_method_type": anything}),
    },
)
WINNER = record(
    {"enabled": boolean, "automatic_end_statistical_certainty": boolean},
    {"automatic_end_date": maybe(moment)},
)


def experiment(kinds: dict[str, Shape], winners: tuple[str, ...], *, settings: bool) -> Shape:
    variant = tagged("type", kinds)
    fields: dict[str, Shape] = {
        "id": forbidden,
        "name": NULL_STRING,
        "allocations": maybe(each_value(number)),
        "started": maybe(moment),
        "winner_metric": maybe(one_of(*winners)),
    }
    if settings:
        fields["automatic_winner_selection_settings"] = maybe(WINNER)
    current = record({"variations": listing(variant, least=1)}, fields)
    return action(record({"main_action": variant}, {"status": STATUS, "current_experiment": maybe(current)}))


EMAIL_ACTION = sending(EMAIL)
SMS_ACTION = sending(SMS)
PUSH_ACTION = sending(PUSH)
WHATSAPP_ACTION = sending(WHATSAPP)
ACTIONS: dict[str, Shape] = {
    "send-email": EMAIL_ACTION,
    "send-sms": SMS_ACTION,
    "send-mobile-push": PUSH_ACTION,
    "send-whatsapp": WHATSAPP_ACTION,
    "send-webhook": sending(WEBHOOK, required=True),
    "send-internal-alert": sending(ALERT, required=True),
    "update-profile": action(record({"profile_operations": listing(OPERATION, least=1)}, {"status": STATUS})),
    "list-update": action(
        record({"name": NAMED, "on_execution": maybe(boolean), "list_id": NULL_STRING}, {"status": STATUS})
    ),
    "time-delay": action(DELAY),
    "target-date": action(record({}, {"timezone": timezone, "target_time": TIME, "target_days": WEEKDAYS})),
    "countdown-delay": action(COUNTDOWN),
    "back-in-stock-delay": action(None),
    "conditional-split": split(record({"profile_filter": maybe(groups(PROFILE))})),
    "trigger-split": split(TRIGGER_SPLIT),
    "action-output-split": split(record({"action_output_filter": maybe(groups(ACTION_OUTPUT))})),
    "multi-branch-split": action(
        record({"name": NAMED, "branches": listing(BRANCH, least=2, most=20)}), links=null
    ),
    "ab-test": experiment(
        {"send-email": EMAIL_ACTION, "send-sms": SMS_ACTION},
        ("submission", "unique-clicks", "unique-opens", "unique-placed-orders"),
        settings=True,
    ),
    "content-experiment": experiment(
        {"send-mobile-push": PUSH_ACTION, "send-whatsapp": WHATSAPP_ACTION},
        ("click-rate", "open-rate"),
        settings=False,
    ),
    "internal-service": action(
        record({}, {"service_configuration": maybe(SERVICE), "status": STATUS}), needs_data=False
    ),
    "code": action(null, needs_data=False),
}
ACTION = tagged("type", ACTIONS)

ALLTIME = record({"unit": one_of("alltime"), "duration": integer(0, 1)})
PERIOD = record({"unit": anything, "duration": integer(1)})
REENTRY = tagged("unit", {"hour": PERIOD, "day": PERIOD, "week": PERIOD, "alltime": ALLTIME})

DEFINITION = record(
    {
        "triggers": listing(TRIGGER),
        "actions": listing(ACTION),
        "entry_action_id": NULL_STRING,
    },
    {"profile_filter": maybe(groups(FLOW_PROFILE)), "reentry_criteria": maybe(REENTRY)},
)
