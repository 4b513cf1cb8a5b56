"""The handler that puts one more action into a flow, as revision 2026-10-15 allows it.

Called by the server through routes.py. Exactly one of three says where: an anchor (after an action, on the one link
that names the new temporary id), `links.next` of the new action (before an action), or the relationship `flow` (the
first action of a flow without any). Only linear actions: the real service takes multi-branch splits as well. How an
anchor names a branch of such a split is not documented; here it lists that branch with its link, as a definition does.
"""

from __future__ import annotations

from typing import Any

from .action_changes import check_new_form
from .call import Call, Reply, unknown_keys
from .effects import Maker
from .envelope import check_fields, single
from .errors import ApiError, Problem
from .flow_parts import FIELDS, action_and_flow, action_document
from .flows import WITH_STATUS, set_statuses
from .graph import Action, relink
from .rules import AT, DATE_ENTRY, DATE_STARTS
from .shape import Report, words
from .steps import ACTIONS
from .store import Thing

ANCHOR = "/data/attributes/anchor-action"
FLOW = "/data/relationships/flow"
NOT_INSERTED = frozenset(
    words("conditional-split trigger-split action-output-split multi-branch-split ab-test content-experiment")
)
ONE_PLACE = "Use exactly one of 'anchor-action', the definition's links and the relationship 'flow'."
NEEDS_OPT_IN = "'allow_live_action' must be true to insert this action into a live flow: it acts at once."


def create_flow_action(call: Call) -> Reply:
    check_fields(call, "flow-action", FIELDS)
    optional = ("anchor-action", "allow_live_action")
    given = call.resource("flow-action", ("definition",), optional, relationships=("flow",))
    definition = given["definition"]
    report = Report("flow-action")
    check_kind(definition, report)
    if given.get("allow_live_action", False) not in (True, False):
        report.add("/data/attributes/allow_live_action", "Must be a valid boolean.")
    stop_at(report)
    placed = Placement(call, definition, given.get("anchor-action"), report)
    stop_at(report)
    asked = {**definition, "links": {"next": None}}
    check_new_form(call, asked, placed.flow, report)
    check_live(definition, given, placed.flow, report)
    check_date_start(definition, placed, report)
    stop_at(report)
    return single(call, action_document(call, placed.flow, insert(call, asked, placed)), status=201)


def stop_at(report: Report) -> None:
    if report.problems:
        raise ApiError(*report.problems)


def check_kind(definition: Any, report: Report) -> None:
    if not isinstance(definition, dict):
        report.add(AT, "Not a valid object.")
    elif definition.get("type") in NOT_INSERTED:
        report.add(f"{AT}/type", f"An action of type '{definition['type']}' cannot be inserted.")
    elif definition.get("type") not in ACTIONS:
        report.add(f"{AT}/type", f"'{definition.get('type')}' is not a valid choice.")
    elif not isinstance(definition.get("temporary_id"), str) or not definition["temporary_id"].strip():
        report.add(f"{AT}/temporary_id", "'temporary_id' is a required field for the resource 'flow-action'.")


def check_live(definition: Action, given: dict[str, Any], flow: Thing, report: Report) -> None:
    always_live = definition["type"] not in WITH_STATUS
    if flow.attributes["status"] == "live" and always_live and not given.get("allow_live_action"):
        report.add("/data/attributes/allow_live_action", NEEDS_OPT_IN)


def check_date_start(definition: Action, placed: Placement, report: Report) -> None:
    triggers = placed.flow.body["triggers"]
    if (
        placed.is_first
        and triggers
        and triggers[0]["type"] == "date"
        and definition["type"] not in DATE_STARTS
    ):
        report.add(f"{AT}/type", DATE_ENTRY)


# -- where it goes


class Placement:
    """`flow`; `following`: the id of what comes next; `is_first`: of the whole flow; `holder` and `name`: the one link
    that is taken, without a name every link to `following`. Without a place `report` has the reason."""

    flow: Thing
    following: str | None = None
    is_first: bool = False
    holder: dict[str, Any]
    name: str = ""

    def __init__(self, call: Call, definition: Action, anchor: Any, report: Report) -> None:
        self.call = call
        self.report = report
        links = definition.get("links")
        relationships = call.body["data"].get("relationships")
        ways = [
            (ANCHOR, anchor is not None),
            (f"{AT}/links", links is not None),
            ("/data/relationships", relationships is not None),
        ]
        used = [pointer for pointer, is_used in ways if is_used]
        if len(used) != 1:
            report.add(used[1] if used else AT, ONE_PLACE)
        elif anchor is not None:
            self.after(anchor, definition["temporary_id"])
        elif links is not None:
            self.before(links)
        else:
            self.first_in(relationships)

    def after(self, anchor: Any, temporary_id: str) -> None:
        data = anchor.get("data") if isinstance(anchor, dict) else None
        at = f"{ANCHOR}/data"
        about = data.get("attributes") if isinstance(data, dict) else None
        shown = about.get("definition") if isinstance(about, dict) else None
        if not isinstance(data, dict) or not isinstance(about, dict) or not isinstance(shown, dict):
            self.report.add(at, "An anchor has a type, an id and a definition with its type and links.")
            return
        unknown = unknown_keys(anchor, {"data"}, "flow-action", ANCHOR)
        unknown += unknown_keys(data, {"type", "id", "attributes"}, "flow-action", at)
        unknown += unknown_keys(about, {"definition"}, "flow-action", f"{at}/attributes")
        self.report.problems += unknown
        if data.get("type") != "flow-action":
            self.report.add(f"{at}/type", "'type' must be 'flow-action'.")
        found = self.find(data.get("id"), f"{at}/id")
        if found is None:
            return
        action, self.flow = found
        if shown.get("type") != action["type"]:
            self.report.add(f"{at}/attributes/definition/type", f"The anchor is a '{action['type']}' action.")
            return
        named = [(holder, name) for holder, name in pairs(shown, action) if holder[name] == temporary_id]
        if len(named) != 1 or len(pairs(shown, action)) != 1:
            detail = (
                "The anchor must have exactly one link, and it must be the temporary id of the new action."
            )
            self.report.add(f"{at}/attributes/definition/links", detail)
            return
        self.take_link(shown, action, f"{at}/attributes/definition")

    def take_link(self, shown: Action, action: Action, at: str) -> None:
        if action["type"] != "multi-branch-split":
            (self.name,) = shown["links"]
            self.holder = action["links"]
        else:
            (branch,) = shown["data"]["branches"]
            own = [
                each for each in action["data"]["branches"] if each["branch_id"] == branch.get("branch_id")
            ]
            if not own:
                self.report.add(f"{at}/data/branches/0/branch_id", "The anchor has no such branch.")
                return
            own[0]["links"] = own[0].get("links") or {"next": None}
            self.name, self.holder = "next", own[0]["links"]
        if self.name not in self.holder:
            self.report.add(f"{at}/links/{self.name}", f"The anchor has no link '{self.name}'.")
            return
        self.following = self.holder[self.name]

    def before(self, links: Any) -> None:
        following = links.get("next") if isinstance(links, dict) and set(links) == {"next"} else None
        if following is None:
            self.report.add(f"{AT}/links", "'links.next' must be the id of the action that comes next.")
            return
        found = self.find(following, f"{AT}/links/next")
        if found is None:
            return
        _, self.flow = found
        self.following = following
        self.is_first = self.flow.body["entry_action_id"] == following

    def first_in(self, relationships: Any) -> None:
        flow = relationships.get("flow") if isinstance(relationships, dict) else None
        data = flow.get("data") if isinstance(flow, dict) else None
        if not isinstance(data, dict) or data.get("type") != "flow" or not isinstance(data.get("id"), str):
            self.report.add(f"{FLOW}/data", "The relationship 'flow' names one flow by type and id.")
            return
        thing = self.call.store.get("flow", self.call.account, data["id"])
        if thing is None:
            detail = f"Flow with id '{data['id']}' does not exist."
            raise ApiError(Problem(detail, f"{FLOW}/data/id", code="not_found", status=404))
        self.flow, self.is_first = thing, True
        if thing.body["actions"]:
            self.report.add(
                f"{FLOW}/data", "The flow has actions already. Place the new one by a link or an anchor."
            )

    def find(self, id: Any, pointer: str) -> tuple[Action, Thing] | None:
        """404 when there is no such action."""
        if not isinstance(id, str) or not id.isdigit():
            self.report.add(pointer, "'id' must be the id of an action.")
            return None
        try:
            return action_and_flow(self.call, id)
        except ApiError as problem:
            said = problem.problems[0]
            raise ApiError(Problem(said.detail, pointer, code=said.code, status=said.status)) from None

    def connect(self, id: str) -> None:
        """Everything that led to what follows leads to the new action."""
        body = self.flow.body
        if self.name:
            self.holder[self.name] = id
            return
        for each in body["actions"]:
            relink(each, self.following, id)  # the first action of a flow without any has none to go through
        if self.is_first:
            body["entry_action_id"] = id


def pairs(shown: Action, action: Action) -> list[tuple[dict[str, Any], str]]:
    """The links of an anchor as (the object that has it, its name)."""
    holders: list[Any] = [shown.get("links")]
    if action["type"] == "multi-branch-split":
        data = shown.get("data")
        branches = data.get("branches") if isinstance(data, dict) else None
        listed = branches if isinstance(branches, list) else []
        holders = [branch.get("links") if isinstance(branch, dict) else None for branch in listed]
    return [(holder, name) for holder in holders if isinstance(holder, dict) for name in holder]


# -- what becomes of it


def insert(call: Call, asked: Action, placed: Placement) -> Action:
    flow = placed.flow
    maker = Maker(call.store, call.account)
    maker.number(asked)
    made = maker.action(asked)
    set_statuses(made, "draft")  # messages arrive as drafts, whatever is asked
    made["links"] = {"next": placed.following}
    placed.connect(made["id"])
    flow.body["actions"].append(made)
    call.store.save(flow)
    ids = [message["id"] for message in maker.messages]
    call.store.add("flow-action", call.account, {"flow": flow.id, "messages": ids}, id=made["id"])
    for message in maker.messages:
        kept = {"flow": flow.id, "action": message["action"], "channel": message["channel"]}
        call.store.add("flow-message", call.account, kept, body=message["definition"], id=message["id"])
    return made
