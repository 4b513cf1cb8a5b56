"""The condition on marketing consent: for each channel and status, how that status may have come about.

Used by conditions.py. From the official OpenAPI document.
"""

from __future__ import annotations

from .filter_shapes import ANY_DATE, BOOLEAN, filter_of
from .shape import Shape, anything, either, listing, maybe, null, one_of, record, tagged, words

ONE = maybe(filter_of({("string", "equals")}))
MANY = maybe(filter_of({("string", "in")}))


def field(filter_shape: Shape) -> Shape:
    return record({"field": anything, "filter": filter_shape})


DATED = field(filter_of(ANY_DATE))
DATED_OR_SET = field(filter_of(ANY_DATE | {("existence", "is-set")}))
YES_NO = field(filter_of(BOOLEAN))
SOURCE = field(filter_of({("string", "equals")}))


def method(filter_shape: Shape | None = None, *, required: bool = False) -> Shape:
    known = {"field": anything, "method": anything}
    if filter_shape is None:
        return record(known)
    return record({**known, "filter": filter_shape}) if required else record(known, {"filter": filter_shape})


def integration(name: str) -> Shape:
    rule = {"type": one_of("string"), "operator": one_of("in"), "value": listing(one_of(name))}
    return method(record(rule), required=True)


def plain(names: str) -> dict[str, Shape]:
    """Ways that carry no filter of their own."""
    return {name: method() for name in words(names)}


def ways(methods: dict[str, Shape], **fields: Shape) -> Shape:
    return listing(tagged("field", {**fields, **({"method": tagged("method", methods)} if methods else {})}))


SUPPRESSED = ways(
    {}, bounce_date=DATED_OR_SET, manual_suppression_date=DATED_OR_SET, invalid_email_date=DATED_OR_SET
)
EMAIL_IN = ways(
    {
        **{name: method(MANY) for name in ("form", "api", "manual_import", "manual_add")},
        **plain("inbound_message back_in_stock sftp"),
        "preference_page": method(ONE),
        "integration": integration("shopify"),
    },
    is_double_opt_in=YES_NO,
    status_date=DATED,
    custom_source=SOURCE,
)
EMAIL_OUT = ways(
    {
        "api": method(MANY),
        **plain(
            "inbound_message preference_page manual_remove spam_complaint mailbox_provider one_click_unsubscribe"
            " manual_import sftp data_warehouse_import profile_modification"
        ),
        "integration": integration("constant_contact"),
    },
    status_date=DATED,
)
SMS_COMMON = {
    **{name: method(MANY) for name in ("form", "manual_import", "manual_add")},
    **plain("checkout inbound_message sftp"),
    "integration": integration("shopify"),
}
SMS_IN = ways(
    {**SMS_COMMON, "preference_page": method(ONE)},
    status_date=DATED,
    is_rcs_capable=YES_NO,
)
SMS_OUT = ways(
    {
        **SMS_COMMON,
        **plain(
            "preference_page manual_remove bulk_remove carrier_deactivation provided_landline message_blocked"
            " provided_no_age failed_age_gate"
        ),
    },
    status_date=DATED,
)


def status(filters: Shape | None = None, *, required: bool = False) -> Shape:
    if filters is None:
        return record({"subscription": anything})
    if required:
        return record({"subscription": anything, "filters": filters})
    return record({"subscription": anything}, {"filters": maybe(filters)})


def consent(can: bool, **statuses: Shape) -> Shape:
    fields = {"channel": anything, "can_receive_marketing": one_of(can)}
    return record({**fields, "consent_status": tagged("subscription", statuses)})


YES: dict[str, Shape] = {
    "email": consent(True, any=status(null), subscribed=status(EMAIL_IN), never_subscribed=status(null)),
    "sms": consent(True, subscribed=status(SMS_IN)),
    "push": consent(True, any=status(ways({}, status_date=DATED))),
}
NO: dict[str, Shape] = {
    "email": consent(
        False,
        any=status(SUPPRESSED),
        unsubscribed=status(either(EMAIL_OUT, SUPPRESSED)),
        never_subscribed=status(SUPPRESSED, required=True),
        subscribed=status(SUPPRESSED, required=True),
    ),
    "sms": consent(False, any=status(), unsubscribed=status(SMS_OUT), never_subscribed=status()),
    "push": consent(False, any=status()),
}
CONSENT = tagged(
    "channel",
    {channel: tagged("can_receive_marketing", {True: YES[channel], False: NO[channel]}) for channel in YES},
)
