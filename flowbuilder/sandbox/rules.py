"""Whether a new flow is acceptable: shape first, then everything that spans steps or needs the account.

Used by flows.py when a flow is created. Written from the vendor's documents, never from the product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .graph import check_graph, nested
from .shape import Report, is_number
from .steps import DEFINITION

AT = "/data/attributes/definition"
DELAY_UNTIL = "Not allowed to set delay_until_time or delay_until_weekdays unless unit is 'days'"
DATE_STARTS = ("target-date", "countdown-delay")
DATE_ENTRY = "A date flow must begin with a target-date or countdown-delay action."
Exists = Callable[[str, str], bool]  # (kind, id) -> is it in the account?


def check_definition(definition: Any, exists: Exists, *, tree_only: bool) -> Report:
    """Every problem of the definition, in order. An empty report means: accepted."""
    report = Report()
    DEFINITION(definition, AT, report)
    if not isinstance(definition, dict):
        return report
    triggers = objects(definition.get("triggers"))
    actions = objects(definition.get("actions"))
    if definition.get("triggers") == [] or len(triggers) > 1:
        report.add(f"{AT}/triggers", "A flow must have exactly one trigger.")
    if definition.get("actions") == []:
        report.add(f"{AT}/actions", "A flow must have at least one action.")
    check_trigger(triggers, exists, report)
    check_references(definition.get("profile_filter"), f"{AT}/profile_filter", exists, report)
    for i, action in enumerate(actions):
        check_action(action, f"{AT}/actions/{i}", triggers, exists, report)
    check_graph(definition, AT, report, tree_only=tree_only)
    check_date_flow(triggers, definition, actions, report)
    return report


def objects(value: Any) -> list[dict[str, Any]]:
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []


def check_exists(kind: str, id: Any, pointer: str, exists: Exists, report: Report) -> None:
    if isinstance(id, str) and id and not exists(kind, id):
        report.add(pointer, f"{kind.capitalize()} with id '{id}' does not exist.")


def check_trigger(triggers: list[dict[str, Any]], exists: Exists, report: Report) -> None:
    for i, trigger in enumerate(triggers):
        pointer = f"{AT}/triggers/{i}"
        if trigger.get("type") in ("metric", "list", "segment"):
            check_exists(trigger["type"], trigger.get("id"), f"{pointer}/id", exists, report)
        check_references(trigger.get("trigger_filter"), f"{pointer}/trigger_filter", exists, report)


def conditions(value: Any, pointer: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every condition of a filter with its pointer, as far as the filter has the right shape."""
    for g, group in enumerate(objects(value.get("condition_groups")) if isinstance(value, dict) else []):
        for c, condition in enumerate(objects(group.get("conditions"))):
            yield condition, f"{pointer}/condition_groups/{g}/conditions/{c}"


def check_references(value: Any, pointer: str, exists: Exists, report: Report) -> None:
    for condition, at in conditions(value, pointer):
        check_exists("metric", condition.get("metric_id"), f"{at}/metric_id", exists, report)
        groups = condition.get("group_ids")
        for i, id in enumerate(groups if isinstance(groups, list) else []):
            if isinstance(id, str) and not exists("list", id) and not exists("segment", id):
                report.add(f"{at}/group_ids/{i}", f"List or segment with id '{id}' does not exist.")


def check_action(
    action: dict[str, Any], pointer: str, triggers: list[dict[str, Any]], exists: Exists, report: Report
) -> None:
    data = action.get("data")
    if not isinstance(data, dict):
        return
    at = f"{pointer}/data"
    kind = action.get("type")
    for name in ("profile_filter", "trigger_filter", "action_output_filter"):
        check_references(data.get(name), f"{at}/{name}", exists, report)
    if kind == "time-delay":
        check_delay(data, at, report)
    elif kind == "list-update":
        check_exists("list", data.get("list_id"), f"{at}/list_id", exists, report)
    elif kind == "update-profile":
        check_operations(data, at, report)
    elif kind == "trigger-split":
        check_trigger_split(data, at, triggers, report)
    elif kind == "multi-branch-split":
        check_branches(data, at, exists, report)
    elif kind in ("ab-test", "content-experiment"):
        check_experiment(data, at, report)
        for inner, where in nested(action, pointer):
            check_action(inner, where, triggers, exists, report)
    message = data.get("message")
    if isinstance(message, dict):
        check_exists("template", message.get("template_id"), f"{at}/message/template_id", exists, report)
        check_exists(
            "metric",
            message.get("conversion_metric_id"),
            f"{at}/message/conversion_metric_id",
            exists,
            report,
        )
        filters = message.get("additional_filters")
        check_references(filters, f"{at}/message/additional_filters", exists, report)


def check_delay(data: dict[str, Any], at: str, report: Report) -> None:
    until = [data.get("delay_until_time"), data.get("delay_until_weekdays")]
    if data.get("unit", "days") != "days" and any(value is not None for value in until):
        report.add(at, DELAY_UNTIL)


def check_operations(data: dict[str, Any], at: str, report: Report) -> None:
    values = [operation.get("property_value") for operation in objects(data.get("profile_operations"))]
    if sum(len(value.encode()) for value in values if isinstance(value, str)) > 100_000:
        report.add(f"{at}/profile_operations", "The strings of all operations may not exceed 100 KB.")


def check_trigger_split(
    data: dict[str, Any], at: str, triggers: list[dict[str, Any]], report: Report
) -> None:
    """A trigger split asks about the event that started the flow, so it has to name that trigger."""
    if len(triggers) != 1:
        return
    trigger = triggers[0]
    if trigger.get("type") in ("list", "segment"):
        report.add(
            f"{at}/trigger_type",
            f"A trigger split is not available in a flow that a {trigger['type']} starts.",
        )
    elif data.get("trigger_type") != trigger.get("type"):
        report.add(f"{at}/trigger_type", "'trigger_type' must be the type of the flow's trigger.")
    elif trigger.get("type") == "metric" and data.get("trigger_id") != trigger.get("id"):
        report.add(f"{at}/trigger_id", "'trigger_id' must be the id of the flow's trigger.")


def check_branches(data: dict[str, Any], at: str, exists: Exists, report: Report) -> None:
    branches = objects(data.get("branches"))
    ids = [branch.get("branch_id") for branch in branches]
    elses = [i for i, branch in enumerate(branches) if branch.get("is_else") is True]
    if branches and elses != [len(branches) - 1]:
        report.add(f"{at}/branches", "Exactly one branch, the last one, must have 'is_else' true.")
    for i, branch in enumerate(branches):
        if branch.get("branch_id") in ids[:i]:
            report.add(f"{at}/branches/{i}/branch_id", "Branch ids must be unique.")
        if branch.get("is_else") is True and branch.get("branch_filter") is not None:
            report.add(f"{at}/branches/{i}/branch_filter", "The else branch may not have a filter.")
        check_references(branch.get("branch_filter"), f"{at}/branches/{i}/branch_filter", exists, report)


def check_experiment(data: dict[str, Any], at: str, report: Report) -> None:
    current = data.get("current_experiment")
    if not isinstance(current, dict):
        return
    at = f"{at}/current_experiment"
    variations = objects(current.get("variations"))
    main = data.get("main_action")
    if isinstance(main, dict) and any(inner.get("type") != main.get("type") for inner in variations):
        report.add(f"{at}/variations", "Variations must be of the same type as the main action.")
    shares = current.get("allocations")
    if isinstance(shares, dict) and all(is_number(share) for share in shares.values()):
        if sorted(shares) != sorted(str(inner.get("temporary_id")) for inner in variations):
            report.add(
                f"{at}/allocations", "Allocations must name exactly the temporary ids of the variations."
            )
        elif abs(sum(shares.values()) - 1) > 0.001:
            report.add(f"{at}/allocations", "Allocations must add up to 1.")


def check_date_flow(
    triggers: list[dict[str, Any]], definition: dict[str, Any], actions: list[dict[str, Any]], report: Report
) -> None:
    """Reported: a date flow has to begin with the step that places people on its timeline."""
    if not triggers or triggers[0].get("type") != "date":
        return
    entry = [action for action in actions if action.get("temporary_id") == definition.get("entry_action_id")]
    if entry and entry[0].get("type") not in DATE_STARTS:
        report.add(f"{AT}/entry_action_id", DATE_ENTRY)
