"""A flow with everything in it that the broken ones break."""

from __future__ import annotations

from typing import Any

CONSENT = {
    "type": "profile-marketing-consent",
    "consent": {
        "channel": "sms",
        "can_receive_marketing": True,
        "consent_status": {"subscription": "subscribed", "filters": None},
    },
}
ORDERED = {
    "type": "profile-metric",
    "metric_id": "OrderM",
    "measurement": "count",
    "measurement_filter": {"type": "numeric", "operator": "equals", "value": 0},
    "timeframe_filter": {"type": "date", "operator": "flow-start"},
    "metric_filters": None,
}
PROPERTY = {
    "type": "profile-property",
    "property": "properties['Tier']",
    "filter": {"type": "string", "operator": "equals", "value": "gold"},
}
GOOD: dict[str, Any] = {
    "data": {
        "type": "flow",
        "attributes": {
            "name": "Everything",
            "definition": {
                "triggers": [
                    {
                        "type": "metric",
                        "id": "CheckM",
                        "trigger_filter": {
                            "condition_groups": [
                                {
                                    "conditions": [
                                        {
                                            "type": "metric-property",
                                            "metric_id": "CheckM",
                                            "field": "price",
                                            "filter": {
                                                "type": "numeric",
                                                "operator": "greater-than",
                                                "value": 5,
                                            },
                                        }
                                    ]
                                }
                            ]
                        },
                    }
                ],
                "profile_filter": {
                    "condition_groups": [{"conditions": [ORDERED]}, {"conditions": [PROPERTY]}]
                },
                "reentry_criteria": {"duration": 7, "unit": "day"},
                "entry_action_id": "wait",
                "actions": [
                    {
                        "temporary_id": "wait",
                        "type": "time-delay",
                        "links": {"next": "split"},
                        "data": {
                            "unit": "days",
                            "value": 1,
                            "secondary_value": None,
                            "timezone": "profile",
                            "delay_until_time": "10:00:00",
                            "delay_until_weekdays": ["monday", "friday"],
                        },
                    },
                    {
                        "temporary_id": "split",
                        "type": "conditional-split",
                        "links": {"next_if_true": "text", "next_if_false": "event"},
                        "data": {"profile_filter": {"condition_groups": [{"conditions": [CONSENT]}]}},
                    },
                    {
                        "temporary_id": "text",
                        "type": "send-sms",
                        "links": {"next": None},
                        "data": {"message": {"name": "Text", "body": "Hello"}, "status": "draft"},
                    },
                    {
                        "temporary_id": "event",
                        "type": "trigger-split",
                        "links": {"next_if_true": "mail", "next_if_false": None},
                        "data": {
                            "trigger_id": "CheckM",
                            "trigger_type": "metric",
                            "trigger_filter": {
                                "condition_groups": [
                                    {
                                        "conditions": [
                                            {
                                                "type": "metric-property",
                                                "metric_id": "CheckM",
                                                "field": "price",
                                                "filter": {
                                                    "type": "numeric",
                                                    "operator": "between",
                                                    "start": 5,
                                                    "end": 50,
                                                },
                                            }
                                        ]
                                    }
                                ]
                            },
                        },
                    },
                    {
                        "temporary_id": "mail",
                        "type": "send-email",
                        "links": {"next": None},
                        "data": {
                            "message": {
                                "name": "Mail",
                                "from_email": "hello@example.org",
                                "from_label": "Hello",
                                "subject_line": "Still there?",
                                "preview_text": "Have a look",
                                "template_id": "Templt",
                                "smart_sending_enabled": True,
                            },
                            "status": "draft",
                        },
                    },
                ],
            },
        },
    }
}
