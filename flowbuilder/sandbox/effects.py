"""What the service does to an accepted definition: real ids, defaults, copies of templates.

Used by flows.py, seed.py and the handlers of single actions. The input is one that rules.py found nothing wrong with.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from .graph import Action, breadth_first, nested
from .shape import words
from .steps import WEEK
from .store import Store

TRIGGER_LABELS = {
    "list": "Added to List",
    "segment": "Added to List",  # the API has no label of its own for segments
    "metric": "Metric",
    "date": "Date Based",
    "price-drop": "Price Drop",
    "low-inventory": "Low Inventory",
}
DATE_DEFAULTS = {
    "timedelta_unit_before_date": "weeks",
    "recurrence_frequency": "monthly",
    "timezone": "profile",
    "trigger_days": None,
}
TRIGGER_DEFAULTS: dict[str, dict[str, Any]] = {
    "metric": {"trigger_filter": None},
    "date": DATE_DEFAULTS,
    "price-drop": {"price_drop_amount_unit": "currency", "timeframe_days": 30, "currency_type": "usd"},
    "low-inventory": {"timeframe_days": 30},
}
EMAIL_KEYS = (
    "from_email from_label reply_to_email cc_email bcc_email subject_line preview_text template_id"
    " smart_sending_enabled transactional add_tracking_params custom_tracking_params additional_filters name"
)
SMS_KEYS = (
    "body image_id dynamic_image shorten_links include_contact_card add_org_prefix add_info_link"
    " add_opt_out_language smart_sending_enabled sms_quiet_hours_enabled transactional add_tracking_params"
    " custom_tracking_params template_id additional_filters name"
)
ON = {"smart_sending_enabled": True}
OFF = {"transactional": False, "add_tracking_params": False}
MESSAGE_DEFAULTS: dict[str, dict[str, Any]] = {
    "send-email": {**dict.fromkeys(words(EMAIL_KEYS)), **ON, **OFF},
    "send-sms": {
        **dict.fromkeys(words(SMS_KEYS)),
        **ON,
        **OFF,
        "shorten_links": True,
        "include_contact_card": False,
        "add_org_prefix": True,
        "add_info_link": True,
        "add_opt_out_language": False,
        "sms_quiet_hours_enabled": True,
    },
    "send-mobile-push": {
        "title": None,
        "sound": False,
        "badge": False,
        "on_open": "home",
        **ON,
        "name": None,
    },
    "send-whatsapp": {"name": None, "vendor_id": None, **ON, **OFF, "additional_filters": None},
    "send-webhook": {"headers": None, "body": None, "name": None},
    "send-internal-alert": {"template_id": None, "name": None},
}
DATA_DEFAULTS: dict[str, dict[str, Any]] = {
    "countdown-delay": {"unit": "days", "value": 0, "timezone": "profile"},
    "target-date": {"timezone": "profile"},
    "ab-test": {"status": "draft", "experiment_status": "draft"},
    "content-experiment": {"status": "draft", "experiment_status": "draft"},
    "update-profile": {"status": "draft"},
    "list-update": {"status": "draft"},
    "internal-service": {"status": "draft"},
    **{kind: {"status": "draft"} for kind in MESSAGE_DEFAULTS},
}


class Maker:
    """Makes the stored form of actions. `ids`: the stored id of every id or temporary id that links may name."""

    def __init__(self, store: Store, account: str) -> None:
        self.store = store
        self.account = account
        self.ids: dict[str | None, str | None] = {None: None}
        self.messages: list[dict[str, Any]] = []  # {"id", "action", "channel", "definition"}
        row = store.row("select attributes from account where id = ?", account)
        assert row is not None
        contact = json.loads(row["attributes"])["contact_information"]
        self.sender = {
            "from_email": contact["default_sender_email"],
            "from_label": contact["default_sender_name"],
        }

    def number(self, action: Action) -> None:
        """New ids for an action and for those inside it."""
        self.ids[action["temporary_id"]] = self.store.next_id("flow-action")
        for inner, _ in nested(action):
            self.ids[inner["temporary_id"]] = self.store.next_id("flow-action")

    def links(self, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if given is None:
            return None
        return {name: self.ids[target] for name, target in given.items()}

    def action(self, given: Action) -> Action:
        kind = given["type"]
        id = self.ids[given["temporary_id"]]
        assert id is not None
        out: Action = {"id": id, "type": kind}
        data = given.get("data")
        if data is not None or kind in DATA_DEFAULTS:
            out["data"] = self.data(kind, id, as_stored({**DATA_DEFAULTS.get(kind, {}), **(data or {})}))
        if kind != "multi-branch-split":  # its links are in its branches
            out["links"] = self.links(given.get("links") or {"next": None})
        return out

    def data(self, kind: str, id: str, data: dict[str, Any]) -> dict[str, Any]:
        if isinstance(data.get("message"), dict):
            data["message"] = self.message(kind, id, data["message"])
        elif kind == "time-delay":
            data = delay(data)
        elif kind == "multi-branch-split":
            data["branches"] = [self.branch(branch) for branch in data["branches"]]
        elif kind in ("ab-test", "content-experiment"):
            data["main_action"] = self.action(data["main_action"])
            data["current_experiment"] = self.experiment(data.get("current_experiment"))
        return data

    def branch(self, given: dict[str, Any]) -> dict[str, Any]:
        out = {"is_else": False, "branch_filter": None, **given, "branch_id": self.branch_id(given)}
        out["links"] = self.links(given.get("links"))
        return out

    def branch_id(self, given: dict[str, Any]) -> str:
        return self.store.next_id("branch")

    def experiment(self, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if given is None:
            return None
        out = {"id": self.store.next_id("experiment"), "name": None, "started": None, **given}
        out["variations"] = [self.action(inner) for inner in given["variations"]]
        if given.get("allocations") is not None:
            out["allocations"] = {
                self.ids[name]: float(share) for name, share in given["allocations"].items()
            }
        return out

    def message(self, kind: str, action: str, given: dict[str, Any]) -> dict[str, Any]:
        out = {**MESSAGE_DEFAULTS[kind], **given}
        id = self.message_id(action)
        if kind == "send-email":
            for name, value in self.sender.items():
                out[name] = out[name] or value
            out["reply_to_email"] = out["reply_to_email"] or out["from_email"]
        if "transactional" in out:
            out["transactional"] = False  # needs an approval by a person
        if out.get("template_id"):
            out["template_id"] = self.copy_template(out["template_id"], id)
        out["id"] = id
        self.messages.append({"id": id, "action": action, "channel": kind, "definition": out})
        return out

    def message_id(self, action: str) -> str:
        return self.store.next_id("flow-message")

    def copy_template(self, source: str, message: str) -> str:
        """The flow's own copy: later changes of the source do not reach it, and nobody can delete it."""
        template = self.store.get("template", self.account, source)
        assert template is not None
        attributes = {**template.attributes, "attached_to": message}
        return self.store.add("template", self.account, attributes, is_copy=True).id


class Realised(Maker):
    """A whole new definition as the service stores it, with the messages it made on the way."""

    def __init__(self, store: Store, account: str, definition: dict[str, Any]) -> None:
        super().__init__(store, account)
        given = deepcopy(definition)
        by_id = {action["temporary_id"]: action for action in given["actions"]}
        for name in breadth_first(given["entry_action_id"], by_id):
            self.number(by_id[name])
        self.definition: dict[str, Any] = {
            "triggers": [self.trigger(trigger) for trigger in given["triggers"]],
            "profile_filter": as_stored(given.get("profile_filter")),
            "actions": [self.action(action) for action in given["actions"]],
            "entry_action_id": self.ids[given["entry_action_id"]],
        }
        if given.get("reentry_criteria") is not None:
            self.definition["reentry_criteria"] = given["reentry_criteria"]

    def trigger(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"type": given["type"], **TRIGGER_DEFAULTS.get(given["type"], {}), **as_stored(given)}


def delay(data: dict[str, Any]) -> dict[str, Any]:
    """Hours keep their minutes in secondary_value; anything shorter than a day gets all seven weekdays."""
    unit = data.get("unit", "days")
    extra = (data.get("secondary_value") or 0) if unit == "hours" else None
    out = {
        "unit": unit,
        "value": data["value"],
        "secondary_value": extra,
        "timezone": data.get("timezone", "profile"),
    }
    if unit != "days":
        return {**out, "delay_until_weekdays": list(WEEK)}
    return {**out, **{name: value for name, value in data.items() if name.startswith("delay_until_")}}


def as_stored(value: Any) -> Any:
    """Observed: numbers inside metric_filters come back as floats."""
    if isinstance(value, dict):
        out = {key: as_stored(item) for key, item in value.items()}
        for entry in out.get("metric_filters") or []:
            rule = entry.get("filter") or {}
            if rule.get("type") == "numeric" and isinstance(rule.get("value"), int):
                rule["value"] = float(rule["value"])
        return out
    if isinstance(value, list):
        return [as_stored(item) for item in value]
    return value
