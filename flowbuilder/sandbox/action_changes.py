"""Handlers that change or delete one action of a flow.

Called by the server through routes.py. A change sends the whole action. Its id, its type, where it leads and the
ids of what is inside it have to stay; everything else is judged as in a new flow, so the weekdays that the service
adds to a delay of hours by itself are refused here as they are there. Where the vendor's documents are silent this
is stricter than they are: a split is not deleted while anything follows it.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from .call import Call, Reply
from .effects import Maker
from .envelope import check_fields, single
from .errors import ApiError, Problem, invalid
from .flow_parts import FIELDS, action_and_flow, action_document
from .graph import Action, edges, nested, relink
from .rules import AT, check_action
from .shape import Report
from .steps import ACTION
from .store import Store, Thing

SPLITS = ("conditional-split", "trigger-split", "action-output-split", "multi-branch-split")
NEEDED = "'{}' is a required field for the resource 'flow-action'."


def update_flow_action(call: Call, id: str) -> Reply:
    check_fields(call, "flow-action", FIELDS)
    action, flow = action_and_flow(call, id)
    given = call.resource("flow-action", ("definition",), id=id)["definition"]
    report = Report("flow-action")
    asked = as_new(given, action, AT, report)
    check_new_form(call, asked, flow, report)
    if report.problems:
        raise ApiError(*report.problems)
    changed = Changed(call.store, call.account, flow, action)
    made = changed.action(asked)
    carry_over(made, action)
    flow.body["actions"] = [made if each is action else each for each in flow.body["actions"]]
    call.store.save(flow)
    changed.keep_messages(flow, id)
    shown = with_old_templates(made, action) if call.options.stale_patches else made
    return single(call, action_document(call, flow, shown))


def check_new_form(call: Call, asked: Any, flow: Thing, report: Report) -> None:
    """The rules of a new flow for one action in its form of creation."""

    def exists(kind: str, id: str) -> bool:
        return call.store.get(kind, call.account, id) is not None

    ACTION(asked, AT, report)
    if isinstance(asked, dict):
        check_action(asked, AT, flow.body["triggers"], exists, report)


# -- what has to stay


def as_new(given: Any, stored: Action, at: str, report: Report) -> Any:
    """The action in the form in which it could be created, after a look at what may not be changed."""
    if not isinstance(given, dict):
        return given
    out = {name: value for name, value in given.items() if name not in ("id", "temporary_id")}
    out["temporary_id"] = stored["id"]
    if "temporary_id" in given:
        report.add(f"{at}/temporary_id", "'temporary_id' is only for new actions. Use 'id'.")
    has_to_stay(given, stored, "id", at, report)
    has_to_stay(given, stored, "type", at, report)
    if given.get("type") != stored["type"]:
        return out
    if "links" in stored:
        if "links" not in given:
            report.add(f"{at}/links", NEEDED.format("links"))
        elif targets(given) != targets(stored):
            report.add(f"{at}/links", "The links of an action cannot be changed.")
    if isinstance(out.get("data"), dict):
        out["data"] = data_as_new(out["data"], stored.get("data") or {}, f"{at}/data", report)
    return out


def has_to_stay(given: dict[str, Any], stored: Action, name: str, at: str, report: Report) -> None:
    if name not in given:
        report.add(f"{at}/{name}", NEEDED.format(name))
    elif given[name] != stored[name]:
        report.add(f"{at}/{name}", f"The '{name}' of an action cannot be changed: it is '{stored[name]}'.")


def targets(action: Action) -> list[str]:
    """Where the links lead, as text that can be compared. An end may be null, empty or left out."""
    return [f"{where} {target}" for target, where in edges(action) if target is not None]


def data_as_new(data: dict[str, Any], stored: dict[str, Any], at: str, report: Report) -> dict[str, Any]:
    out = dict(data)
    if isinstance(out.get("message"), dict):
        known = (stored.get("message") or {}).get("id")
        out["message"] = without_id(out["message"], known, f"{at}/message", report)
    if "experiment_status" in stored:
        if out.pop("experiment_status", stored["experiment_status"]) != stored["experiment_status"]:
            report.add(f"{at}/experiment_status", "The status of an experiment cannot be changed.")
        if isinstance(out.get("main_action"), dict):
            out["main_action"] = as_new(
                out["main_action"], stored["main_action"], f"{at}/main_action", report
            )
        if isinstance(out.get("current_experiment"), dict):
            where = f"{at}/current_experiment"
            current = stored.get("current_experiment") or {}
            out["current_experiment"] = experiment_as_new(out["current_experiment"], current, where, report)
    if isinstance(out.get("branches"), list):
        ids = [branch.get("branch_id") for branch in out["branches"] if isinstance(branch, dict)]
        if ids != [branch["branch_id"] for branch in stored["branches"]]:
            report.add(f"{at}/branches", "Branches cannot be added, removed or put in another order.")
        elif targets({"data": data}) != targets({"data": stored}):
            report.add(f"{at}/branches", "The links of an action cannot be changed.")
    return out


def without_id(given: dict[str, Any], known: Any, at: str, report: Report) -> dict[str, Any]:
    if given.get("id") not in (None, known):
        report.add(f"{at}/id", "'id' must be the one that is there.")
    return {name: value for name, value in given.items() if name != "id"}


def experiment_as_new(
    given: dict[str, Any], stored: dict[str, Any], at: str, report: Report
) -> dict[str, Any]:
    out = without_id(given, stored.get("id"), at, report)
    known = stored.get("variations") or []
    variations = out.get("variations")
    if isinstance(variations, list):
        if len(variations) != len(known):
            report.add(f"{at}/variations", "Variations cannot be added or removed.")
        pairs = zip(variations, known, strict=False)
        out["variations"] = [
            as_new(each, was, f"{at}/variations/{i}", report) for i, (each, was) in enumerate(pairs)
        ]
    return out


# -- what becomes of it


class Changed(Maker):
    """Makes an action again under its ids: messages, branches, experiments and copies of templates stay."""

    def __init__(self, store: Store, account: str, flow: Thing, action: Action) -> None:
        super().__init__(store, account)
        for each in flow.body["actions"]:
            self.ids[each["id"]] = each["id"]
        everyone = [action, *(inner for inner, _ in nested(action))]
        self.before = {
            each["id"]: message
            for each in everyone
            if isinstance(message := (each.get("data") or {}).get("message"), dict)
        }
        self.ids |= {each["id"]: each["id"] for each in everyone}

    def branch_id(self, given: dict[str, Any]) -> str:
        return str(given["branch_id"])

    def message_id(self, action: str) -> str:
        return self.before[action]["id"] if action in self.before else super().message_id(action)

    def copy_template(self, source: str, message: str) -> str:
        own = [kept.get("template_id") for kept in self.before.values() if kept["id"] == message]
        return source if source in own else super().copy_template(source, message)

    def keep_messages(self, flow: Thing, id: str) -> None:
        """Write the messages that `action` made: those that were there keep their place."""
        owner = self.store.get("flow-action", self.account, id)
        assert owner is not None
        for message in self.messages:
            there = self.store.get("flow-message", self.account, message["id"])
            if there:
                there.body.clear()
                there.body.update(message["definition"])
                self.store.save(there)
                continue
            kept = {"flow": flow.id, "action": message["action"], "channel": message["channel"]}
            self.store.add("flow-message", self.account, kept, body=message["definition"], id=message["id"])
            if message["action"] == id:
                owner.attributes["messages"].append(message["id"])
        self.store.save(owner)


def carry_over(made: Action, stored: Action) -> None:
    """What a person does in Klaviyo's own pages and no request can: the course of an experiment."""
    before = stored.get("data") or {}
    if "experiment_status" in before:
        made["data"]["experiment_status"] = before["experiment_status"]
        current, was = made["data"].get("current_experiment"), before.get("current_experiment")
        if current and was:
            current["id"] = was["id"]


def with_old_templates(made: Action, stored: Action) -> Action:
    """Reported: the answer to a change may still show the copy that was there before."""
    message = (stored.get("data") or {}).get("message")
    shown = deepcopy(made)
    if isinstance(message, dict) and message.get("template_id"):
        shown["data"]["message"]["template_id"] = message["template_id"]
    return shown


# -- deleting


def delete_flow_action(call: Call, id: str) -> Reply:
    """What led here leads on to what came next. Messages and copies of templates stay behind."""
    action, flow = action_and_flow(call, id)
    after = [target for target, _ in edges(action) if target is not None]
    if after and action["type"] in SPLITS:
        raise invalid(f"Flow action {id} is a split with actions behind it and cannot be deleted.")
    following = after[0] if after else None
    left = [each for each in flow.body["actions"] if each is not action]
    for each in left:
        relink(each, id, following)
    flow.body["actions"] = left
    if flow.body["entry_action_id"] == id:
        flow.body["entry_action_id"] = following
    call.store.save(flow)
    thing = call.store.get("flow-action", call.account, id)
    if thing is None:
        raise ApiError(Problem("A server error occurred.", code="error", status=500))
    call.store.remove(thing)
    return Reply(204)
