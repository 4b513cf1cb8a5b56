"""What filters and conditions may look like: who enters a flow, which branch, which message.

Used by steps.py. Derived from the official OpenAPI document plus what the real API was seen to refuse.
"""

from __future__ import annotations

from typing import Any

from .consent import CONSENT
from .filter_shapes import (
    ALLTIME,
    ANNIVERSARY,
    ANY_DATE,
    BOOLEAN,
    CALENDAR,
    COMMON,
    DATE,
    DATE_RANGE,
    EVENT,
    EXISTENCE,
    FLOW_START,
    IN_THE_LAST,
    METRIC,
    NUMERIC,
    NUMERIC_RANGE,
    PHONE,
    RELATIVE,
    RELATIVE_ANNIVERSARY,
    RELATIVE_RANGE,
    SPAN,
    STRING,
    TEXT,
    TEXT_IN,
    filter_of,
)
from .shape import (
    Report,
    Shape,
    anything,
    boolean,
    integer,
    listing,
    maybe,
    one_of,
    record,
    tagged,
    words,
)

# -- conditions on the profile

BARE = frozenset(
    words(
        "email phone_number external_id first_name last_name organization title image locale created updated id"
        " last_event_date timezone"
    )
)
LOCATION = "address1 address2 city country region zip timezone latitude longitude ip"
LOCATIONS = frozenset(f"location['{part}']" for part in words(LOCATION))
CUSTOM_FORM = "All custom profile properties must be of the form: properties['property name']"


def is_custom_property(value: str) -> bool:
    return len(value) > 14 and value[:12] in ("properties['", 'properties["') and value[-2:] in ("']", '"]')


def profile_property(value: Any, pointer: str, report: Report) -> None:
    """A standard property by its bare name, a location part, or a custom one in the bracket form."""
    if not isinstance(value, str):
        report.add(pointer, "Not a valid string.")
    elif value not in BARE and value not in LOCATIONS and not is_custom_property(value):
        report.add(pointer, CUSTOM_FORM)


def typed(name: str, **fields: Shape) -> Shape:
    return record({"type": one_of(name), **fields})


GROUPS = listing(STRING, least=1)
MEMBERSHIP = tagged(
    "is_member",
    {
        True: record(
            {"type": anything, "is_member": anything, "group_ids": GROUPS},
            {"timeframe_filter": maybe(filter_of(SPAN))},
        ),
        False: record({"type": anything, "is_member": anything, "group_ids": GROUPS}),
    },
)
NUMERIC_DIMENSIONS = (
    "average_days_between_orders average_order_value churn_probability historic_clv historic_number_of_orders"
    " predicted_clv predicted_number_of_orders total_clv"
)
GENDER = record(
    {
        "type": one_of("string"),
        "operator": one_of("equals", "not-equals"),
        "value": one_of("likely_female", "likely_male", "uncertain"),
    }
)
PRIORITY = record({"type": one_of("numeric"), "operator": one_of("equals"), "value": integer()})
RANK = record(
    {
        "type": one_of("string"),
        "operator": one_of("equals", "not-equals"),
        "value": one_of("high", "medium", "low"),
    }
)


def dimension(**fields: Shape) -> Shape:
    return record({"type": anything, "dimension": anything, **fields})


def affinity(filter_shape: Shape) -> Shape:
    channel = one_of("email", "push", "sms", "whatsapp")
    return dimension(measurement=anything, predicted_channel=channel, filter=filter_shape)


PREDICTIVE = tagged(
    "dimension",
    {
        "expected_date_of_next_purchase": dimension(filter=filter_of(ANY_DATE)),
        "predicted_gender": dimension(filter=GENDER),
        "channel_affinity": tagged("measurement", {"priority": affinity(PRIORITY), "rank": affinity(RANK)}),
        **{name: dimension(filter=filter_of(NUMERIC)) for name in words(NUMERIC_DIMENSIONS)},
    },
)


def metric_filters(value: Any, pointer: str, report: Report) -> None:
    if value == []:
        report.add(pointer, "This list may not be empty. Leave it out or use null.")
        return
    maybe(listing(record({"property": STRING}, {"filter": maybe(filter_of(METRIC))})))(value, pointer, report)


METRIC_TIMES = DATE | DATE_RANGE | RELATIVE | RELATIVE_ANNIVERSARY | RELATIVE_RANGE | ALLTIME | FLOW_START
PROFILE_METRIC_KEYS: dict[str, Shape] = {
    "type": anything,
    "metric_id": STRING,
    "measurement": one_of("count", "sum"),
    "measurement_filter": filter_of(NUMERIC),
}
PROFILE_METRIC = record(
    {**PROFILE_METRIC_KEYS, "timeframe_filter": filter_of(METRIC_TIMES)}, {"metric_filters": metric_filters}
)
OBJECT_FILTERS = listing(
    record({"property_id": integer(), "filter": filter_of(EVENT - CALENDAR - ANNIVERSARY)})
)
PERMISSION_FILTERS = listing(
    tagged(
        "field",
        {
            "effective_date": record({"field": anything, "filter": filter_of(ANY_DATE)}),
            "recorded_date": record({"field": anything, "filter": filter_of(ANY_DATE)}),
            "subscribe_method": record(
                {"field": anything, "method": STRING}, {"filter": maybe(filter_of({("string", "in")}))}
            ),
        },
    )
)
REACHABLE = {
    name: record(
        {"reachable_status": anything, **({"filters": PERMISSION_FILTERS} if name.startswith("exp") else {})}
    )
    for name in words(
        "explicitly_reachable implicitly_reachable implicitly_or_explicitly_reachable explicitly_unreachable"
        " implicitly_unreachable implicitly_or_explicitly_unreachable"
    )
}
RECENT = filter_of(ALLTIME | IN_THE_LAST)
WHOLE_NUMBER = record(
    {"type": one_of("numeric"), "operator": one_of(*(o for _, o in NUMERIC)), "value": integer()}
)

PROFILE: dict[str, Shape] = {
    "profile-property": typed(
        "profile-property", property=profile_property, filter=filter_of(COMMON | PHONE)
    ),
    "profile-group-membership": MEMBERSHIP,
    "profile-region": typed(
        "profile-region", in_region=boolean, region=one_of("european_union", "united_states")
    ),
    "profile-postal-code-distance": typed(
        "profile-postal-code-distance",
        country_code=STRING,
        postal_code=STRING,
        unit=one_of("kilometers", "miles"),
        filter=filter_of({("numeric", "greater-than"), ("numeric", "less-than")}),
    ),
    "profile-predictive-analytics": PREDICTIVE,
    "profile-marketing-consent": typed("profile-marketing-consent", consent=CONSENT),
    "profile-metric": PROFILE_METRIC,
    "profile-sample": typed("profile-sample", percentage=integer(0, 100)),
    "profile-has-custom-object": typed(
        "profile-has-custom-object",
        object_type_id=STRING,
        object_type_relationship_id=STRING,
        filter=WHOLE_NUMBER,
        filters=OBJECT_FILTERS,
    ),
    "profile-permissions": typed(
        "profile-permissions",
        permission=tagged("reachable_status", REACHABLE),
        channel=one_of("whatsapp_marketing", "whatsapp_transactional"),
    ),
    "profile-not-sent-email": typed("profile-not-sent-email", timeframe_filter=RECENT),
    "profile-not-sent-sms": typed("profile-not-sent-sms", timeframe_filter=RECENT),
    "profile-not-sent-push": typed("profile-not-sent-push", timeframe_filter=RECENT),
}
# Only the flow's own filter may look at the flow itself.
FLOW_PROFILE = {
    **PROFILE,
    "profile-not-in-flow": typed("profile-not-in-flow", timeframe_filter=RECENT),
}


# -- conditions on the event or object that started the flow


def event_condition(name: str, *, metric: Shape = STRING) -> dict[str, Shape]:
    return {name: typed(name, metric_id=metric, field=STRING, filter=filter_of(EVENT))}


METRIC_PROPERTY = event_condition("metric-property")
PRICE_DROP = event_condition("price-drop-property", metric=maybe(STRING))
LOW_INVENTORY = event_condition("low-inventory-property", metric=maybe(STRING))
OBJECT_TRIGGER = {
    "custom-object-trigger-property": typed(
        "custom-object-trigger-property",
        property_id=integer(),
        filter=filter_of(EVENT - TEXT_IN - RELATIVE_ANNIVERSARY - CALENDAR - ANNIVERSARY),
    )
}
OBJECT_PROPERTY = {
    "custom-object-property": typed(
        "custom-object-property", custom_object_label=STRING, field=STRING, filter=filter_of(EVENT)
    )
}
ACTION_OUTPUT = {
    "action-output": typed(
        "action-output",
        output_config_id=integer(),
        field=STRING,
        filter=filter_of(TEXT | TEXT_IN | NUMERIC | NUMERIC_RANGE | BOOLEAN | EXISTENCE),
    )
}


def groups(conditions: dict[str, Shape]) -> Shape:
    """condition_groups (all must hold) of conditions (one must hold)."""
    group = record({"conditions": listing(tagged("type", conditions), least=1)})
    return record({"condition_groups": listing(group, least=1)})
