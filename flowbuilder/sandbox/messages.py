"""What the messages of a flow may look like: email, SMS, push, WhatsApp, webhook, internal alert.

Used by steps.py.
"""

from __future__ import annotations

from typing import Any

from .conditions import PROFILE, groups
from .filter_shapes import STRING
from .shape import (
    Report,
    Shape,
    any_object,
    anything,
    boolean,
    each_value,
    either,
    integer,
    listing,
    maybe,
    one_of,
    record,
    tagged,
    text,
    words,
)

NULL_STRING = maybe(STRING)
NAMED = text(blank=False)
ADDRESS = text(pattern=r"[^@\s]+@[^@\s]+|.*\{[{%].*", hint="Enter a valid email address.")
HTTPS = text(pattern=r"https://[^\s/]+\S*", hint="The url must be valid and start with https://.")
LINE = text(longest=250)


def forbidden(value: Any, pointer: str, report: Report) -> None:
    report.add(pointer, "'id' is not allowed when creating a flow.")


EXTRA_FILTERS = maybe(groups(PROFILE))
TRACKING = maybe(listing(record({"param": STRING, "value": STRING})))
COMMON: dict[str, Shape] = {"name": NULL_STRING, "id": forbidden}

EMAIL = record(
    {},
    {
        **COMMON,
        "from_email": maybe(ADDRESS),
        "from_label": NULL_STRING,
        "reply_to_email": maybe(ADDRESS),
        "cc_email": maybe(ADDRESS),
        "bcc_email": maybe(ADDRESS),
        "subject_line": maybe(LINE),
        "preview_text": maybe(LINE),
        "template_id": NULL_STRING,
        "smart_sending_enabled": boolean,
        "transactional": boolean,
        "add_tracking_params": boolean,
        "custom_tracking_params": TRACKING,
        "additional_filters": EXTRA_FILTERS,
    },
)
RCS_KEYS = words("rich_content extra image")
SMS_KEYS = words("extra image selected_image media")
HIERARCHY = listing(
    either(
        tagged(
            "message_format",
            {
                "RCS": record(
                    {"message_format": anything},
                    {"message": STRING, **{k: maybe(any_object) for k in RCS_KEYS}},
                ),
                "SMS": record(
                    {"message_format": anything, "message": STRING}, {k: maybe(any_object) for k in SMS_KEYS}
                ),
            },
        ),
        STRING,
    )
)
SMS = record(
    {"body": NAMED},
    {
        **COMMON,
        "image_id": NULL_STRING,
        "dynamic_image": NULL_STRING,
        "message_hierarchy": maybe(HIERARCHY),
        "template_id": NULL_STRING,
        "custom_tracking_params": TRACKING,
        "additional_filters": EXTRA_FILTERS,
        **dict.fromkeys(
            words(
                "shorten_links include_contact_card add_org_prefix add_info_link add_opt_out_language"
                " smart_sending_enabled sms_quiet_hours_enabled transactional add_tracking_params"
            ),
            boolean,
        ),
    },
)
BADGE = tagged(
    "badge_config",
    {
        "increment_one": record({"badge_config": anything}),
        "set_count": record({"badge_config": anything, "value": STRING}),
        "set_property": record({"badge_config": anything, "set_from_property": STRING}),
    },
)
BUTTON = record(
    {"label": NAMED, "action_type": one_of("deep_link", "dismiss", "open_app", "open_url")},
    {"position": maybe(integer()), "url": NULL_STRING, "icon": NULL_STRING, "custom_action_id": NULL_STRING},
)
PUSH = record(
    {"body": NAMED},
    {
        **COMMON,
        "sound": boolean,
        "badge": boolean,
        "badge_options": BADGE,
        "on_open": one_of("home", "link", "open_url"),
        "push_type": maybe(one_of("standard", "silent")),
        "kv_pairs": maybe(any_object),
        "smart_sending_enabled": boolean,
        "additional_filters": EXTRA_FILTERS,
        "action_buttons": maybe(listing(BUTTON, most=3)),
        **dict.fromkeys(
            words(
                "title image_id dynamic_image video_asset_id ios_link android_link web_url conversion_metric_id"
            ),
            NULL_STRING,
        ),
    },
)
WEBHOOK = record({"url": HTTPS}, {**COMMON, "headers": maybe(each_value(STRING)), "body": NULL_STRING})
ALERT = record(
    {
        "from_email": ADDRESS,
        "from_label": STRING,
        "to_emails": listing(ADDRESS, least=1),
        "subject_line": LINE,
    },
    {**COMMON, "template_id": NULL_STRING},
)
WHATSAPP = record(
    {},
    {
        **COMMON,
        "vendor_id": NULL_STRING,
        "additional_filters": EXTRA_FILTERS,
        **dict.fromkeys(("smart_sending_enabled", "transactional", "add_tracking_params"), boolean),
    },
)
