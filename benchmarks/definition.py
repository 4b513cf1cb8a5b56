"""The definition: checking a flow, and the body for one account, beside what the official SDK takes for the same flow.

    full check   everything of a 200-step flow judged, every error with its path: by a process that never saw such
                 settings, and by one that did (a step is read for its card, its problems, its version, each account)
    body         answers bound into an approved version, and encoded: what each further account costs
    growth       the check of 1,000 steps against that of 10

The SDK's side is FlowCreateQuery.from_dict + to_json of the same body. Both sides are measured in turns in one
process (line.side_by_side), so that the machine's other work falls on both.
"""

from __future__ import annotations

import copy
import json
import sys
from dataclasses import replace
from typing import Any

from openapi_client.models.flow_create_query import FlowCreateQuery

from benchmarks.line import Work, missed, side_by_side, tell
from flowbuilder.definition import texts
from flowbuilder.definition.preflight import check
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import Approved, create_body, to_definition
from flowbuilder.graph import Graph
from flowbuilder.kinds import examine
from flowbuilder.kinds.conditions import check_property
from flowbuilder.kinds.messages import check_address


def flow(steps: int, *, asks: bool = False) -> dict[str, Any]:
    """A definition as people build them: emails, texts, delays, and a split in every fifth place."""
    actions: list[dict[str, Any]] = []
    for index in range(steps):
        key, after = f"s{index}", f"s{index + 1}" if index + 1 < steps else None
        kind = ("send-email", "time-delay", "send-sms", "time-delay", "conditional-split")[index % 5]
        links: dict[str, Any] = {"next": after}
        if kind == "conditional-split":
            links = {"next_if_true": after, "next_if_false": None}
        actions.append({"temporary_id": key, "type": kind, "links": links, "data": _data(kind, index, asks)})
    return {
        "triggers": [
            {"type": "metric", "id": {"$ask": "metric"} if asks else "CheckM", "trigger_filter": None}
        ],
        "profile_filter": filter_of("gold"),
        "actions": actions,
        "entry_action_id": "s0",
    }


def filter_of(value: str) -> dict[str, Any]:
    condition = {
        "type": "profile-property",
        "property": "properties['Tier']",
        "filter": {"type": "string", "operator": "equals", "value": value},
    }
    return {"condition_groups": [{"conditions": [condition]}]}


def _data(kind: str, index: int, asks: bool) -> dict[str, Any]:
    if kind == "time-delay":
        return {"unit": "hours", "value": index % 20 + 1, "secondary_value": 0, "timezone": "profile"}
    if kind == "conditional-split":
        return {"profile_filter": filter_of(f"tier {index}")}
    if kind == "send-sms":
        text = f"Hello {{{{ first_name|default:'there' }}}}, number {index} is for you."
        return {
            "message": {"name": f"Text {index}", "body": text, "smart_sending_enabled": True},
            "status": "draft",
        }
    message = {
        "name": f"Email {index}",
        "from_email": {"$ask": "sender", "part": "email"} if asks else "hello@example.org",
        "from_label": {"$ask": "sender", "part": "label"} if asks else "Hello",
        "reply_to_email": None,
        "subject_line": f"Number {index} is here, {{{{ first_name|default:'you' }}}}",
        "preview_text": "Have a look at what we kept for you",
        "template_id": "Templt",
        "smart_sending_enabled": True,
        "transactional": False,
        "add_tracking_params": False,
        "custom_tracking_params": None,
        "additional_filters": None,
    }
    return {"message": message, "status": "draft"}


def broken(definition: dict[str, Any]) -> dict[str, Any]:
    """The same flow with a mistake in every tenth step."""
    wrong = copy.deepcopy(definition)
    for action in wrong["actions"][::10]:
        action["data"]["colour"] = "blue"
    return wrong


def main() -> int:
    definition, asked = flow(200), flow(200, asks=True)
    wrong = read_document(broken(definition)).graph
    graph, small, large = (read_document(one).graph for one in (definition, flow(10), flow(1000)))
    assert [one for one in check(graph) if one.blocks] == []
    found = [(one.step, one.path) for one in check(wrong) if one.blocks]
    assert len(found) == 20, found
    answers = {"metric": "CheckM", "sender": {"email": "hello@example.org", "label": "Hello"}}
    approved = Approved.of(to_definition(read_document(asked).graph))
    body = create_body("Two hundred steps", to_definition(graph))

    def official() -> object:
        return FlowCreateQuery.from_dict(body).to_json()

    def bound() -> bytes:
        return approved.encode("Two hundred steps", answers, {})

    assert json.loads(bound()) == body, "the bound body is the body"

    def forget() -> None:
        examine.forget()
        texts.forget()
        check_address.cache_clear()
        check_property.cache_clear()

    def first(graph: Graph) -> tuple[Work, Work]:
        """A check by a process that has seen none of these settings, of a graph whose tables nobody has asked for."""
        return forget, lambda: check(replace(graph))

    sdk, whole, again, faulty, read, one_more, ten, thousand = side_by_side(
        official,
        first(graph),
        lambda: check(replace(graph)),
        first(wrong),
        lambda: check(read_document(body).graph),
        bound,
        first(small),
        first(large),
        rounds=31,
    )
    beside = f"official SDK, from_dict + to_json: {sdk:.1f} ms"

    def told(name: str, took: float, most: float) -> None:
        ratio = took / sdk
        tell(name, took, "ms", against=beside, ratio=ratio, goal=f"at most {most} times", met=ratio <= most)

    told("definition: full check, 200 steps, never seen", whole, 1.2)
    told("definition: full check, 200 steps, never seen, 20 errors", faulty, 2)
    told("definition: full check, 200 steps, settings seen before", again, 1.2)
    told("definition: read and check, 200 steps, settings seen before", read, 2.5)
    told("definition: body for one account, 200 steps", one_more, 0.25)
    growth = thousand / ten
    tell(
        "definition: full check, 1,000 steps, never seen",
        thousand,
        "ms",
        against=f"10 steps: {ten:.2f} ms",
        ratio=growth,
        goal="at most 130 times",
        met=growth <= 130,
    )
    return len(missed)


if __name__ == "__main__":
    sys.exit(main())
