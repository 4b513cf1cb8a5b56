"""Handlers of accounts, metrics, mapped metrics, lists and segments.

Called by the server through the table in routes.py.
"""

from __future__ import annotations

import json
from typing import Any

from .call import Call, Reply
from .envelope import Resource, collection, related, resource, single
from .errors import ApiError, Problem, bad_parameter, invalid, not_found
from .filters import EQUALS, Allowed, ordered, select
from .rules import AT, check_references
from .segments import SEGMENT
from .shape import Report
from .store import Thing

MAPPED = {
    "revenue": "Placed Order",
    "ordered_product": "Ordered Product",
    "refunded_sales": "Refunded Order",
    "cancelled_sales": "Cancelled Order",
    "viewed_product": "Viewed Product",
    "added_to_cart": "Added to Cart",
    "started_checkout": "Checkout Started",
}
GROUP_FILTER: Allowed = {
    "name": frozenset({"any", "equals"}),
    "id": frozenset({"any", "equals"}),
    "created": frozenset({"greater-than"}),
    "updated": frozenset({"greater-than"}),
}
SEGMENT_FILTER: Allowed = {**GROUP_FILTER, "is_active": frozenset({"any", "equals"}), "is_starred": EQUALS}
GROUP_SORT = ("created", "id", "name", "updated")


def look(thing: Thing, field: str) -> Any:
    """A field of a thing by its API name, for filters and sorting."""
    if field in ("id", "created", "updated"):
        return getattr(thing, field)
    return thing.attributes.get(field)


def found(call: Call, kind: str, id: str) -> Thing:
    thing = call.store.get(kind, call.account, id)
    if thing is None:
        raise not_found(kind.capitalize(), id)
    return thing


# -- accounts


def account_document(call: Call) -> Resource:
    row = call.store.row("select attributes from account where id = ?", call.account)
    assert row is not None
    return resource(call, "account", call.account, json.loads(row["attributes"]))


def list_accounts(call: Call) -> Reply:
    return Reply(200, {"data": [account_document(call)], "links": {"self": call.url(call.path)}})


def get_account(call: Call, id: str) -> Reply:
    if id != call.account:
        raise not_found("Account", id)
    return single(call, account_document(call))


# -- metrics


def metric_document(call: Call, thing: Thing) -> Resource:
    relationships = {"flow-triggers": related(call, f"/api/metrics/{thing.id}", "flow-triggers")}
    attributes = {
        "name": thing.attributes["name"],
        "created": thing.created,
        "updated": thing.updated,
        "integration": thing.attributes["integration"],
    }
    return resource(call, "metric", thing.id, attributes, relationships=relationships)


def list_metrics(call: Call) -> Reply:
    if "page[size]" in call.query:
        raise bad_parameter("page[size]", "'page[size]' is not supported by this endpoint.")

    def integration(thing: Thing, field: str) -> Any:
        return thing.attributes["integration"].get(field.removeprefix("integration."))

    allowed: Allowed = {"integration.name": EQUALS, "integration.category": EQUALS}
    metrics = select(call, call.store.all("metric", call.account), allowed, integration)
    return collection(call, metrics, lambda thing: metric_document(call, thing), size=200)


def get_metric(call: Call, id: str) -> Reply:
    return single(call, metric_document(call, found(call, "metric", id)))


def list_metric_properties(call: Call, id: str) -> Reply:
    metric = found(call, "metric", id)
    sampled = "sample_values" in call.listed("additional-fields[metric-property]", {"sample_values"})

    def document(item: tuple[int, dict[str, Any]]) -> Resource:
        number, prop = item
        attributes = {key: prop[key] for key in ("label", "property", "inferred_type")}
        if sampled:
            attributes["sample_values"] = prop["samples"]
        owner = {"metric": related(call, f"/api/metric-properties/{id}{number:03d}", "metric")}
        return resource(
            call,
            "metric-property",
            f"{id}{number:03d}",
            attributes,
            path=f"/api/metric-properties/{id}{number:03d}",
            relationships=owner,
        )

    properties = list(enumerate(metric.attributes.get("properties", [])))
    return collection(call, properties, document, size=200)


def list_mapped_metrics(call: Call) -> Reply:
    metrics = call.store.all("metric", call.account)
    include = "metric" in call.listed("include", {"metric", "custom-metric"})
    data, included = [], []
    for id, name in MAPPED.items():
        # The shop's own metric wins over one of the same name that was sent by API.
        named = [m for m in metrics if m.attributes["name"] == name]
        told = [m for m in metrics if id in m.attributes.get("mapped_as", ())]  # by a person of the account
        shop = told or [m for m in named if m.attributes["integration"]["category"] == "eCommerce"] or named
        owner = f"/api/mapped-metrics/{id}"
        target = {"type": "metric", "id": shop[0].id} if shop else None
        relation = related(call, owner, "metric", target)
        custom = related(call, owner, "custom-metric")
        attributes = {"updated": metrics[0].updated if metrics else call.store.stamp()}
        both = {"metric": relation, "custom-metric": custom}
        data.append(resource(call, "mapped-metric", id, attributes, path=owner, relationships=both))
        if include and shop:
            included.append(metric_document(call, shop[0]))
    document: Resource = {"data": data, "links": {"self": call.url(call.path), "next": None, "prev": None}}
    if include:
        document["included"] = included
    return Reply(200, document)


# -- lists and segments


def group_document(call: Call, thing: Thing) -> Resource:
    path = f"/api/{thing.kind}s/{thing.id}"
    dates = {"created": thing.created, "updated": thing.updated}
    kept = {key: value for key, value in thing.attributes.items() if key not in ("name", "profiles")}
    if call.listed(f"additional-fields[{thing.kind}]", {"profile_count"}):
        kept["profile_count"] = thing.attributes.get("profiles", 0)
    names = ("profiles", "tags", "flow-triggers")
    relationships = {name: related(call, path, name) for name in names}
    attributes = {"name": thing.attributes["name"], **dates, **kept}
    return resource(call, thing.kind, thing.id, attributes, relationships=relationships)


def list_lists(call: Call) -> Reply:
    return list_groups(call, "list", GROUP_FILTER)


def list_segments(call: Call) -> Reply:
    return list_groups(call, "segment", SEGMENT_FILTER)


def list_groups(call: Call, kind: str, allowed: Allowed) -> Reply:
    things = ordered(call, select(call, call.store.all(kind, call.account), allowed, look), GROUP_SORT, look)
    return collection(call, things, lambda thing: group_document(call, thing), size=10, largest=10)


def get_list(call: Call, id: str) -> Reply:
    return single(call, group_document(call, found(call, "list", id)))


def get_segment(call: Call, id: str) -> Reply:
    return single(call, group_document(call, found(call, "segment", id)))


def create_list(call: Call) -> Reply:
    given = call.resource("list", ("name",), ("opt_in_process",))
    process = given.get("opt_in_process") or "double_opt_in"
    if process not in ("double_opt_in", "single_opt_in"):
        raise invalid(
            "'opt_in_process' must be double_opt_in or single_opt_in.", "/data/attributes/opt_in_process"
        )
    name = required_text(given, "name")
    thing = call.store.add("list", call.account, {"name": name, "opt_in_process": process})
    return single(call, group_document(call, thing), status=201)


def create_segment(call: Call) -> Reply:
    given = call.resource("segment", ("name", "definition"), ("is_starred",))
    definition = given["definition"]
    report = Report("segment")
    SEGMENT(definition, AT, report)
    check_references(
        definition, AT, lambda kind, id: call.store.get(kind, call.account, id) is not None, report
    )
    if not isinstance(given.get("is_starred", False), bool):
        report.add("/data/attributes/is_starred", "Must be a valid boolean.")
    if report.problems:
        raise ApiError(*report.problems)
    state = {"is_active": True, "is_processing": False, "is_starred": bool(given.get("is_starred", False))}
    attributes = {"name": required_text(given, "name"), "definition": definition, **state}
    thing = call.store.add("segment", call.account, attributes)
    return single(call, group_document(call, thing), status=201)


def delete_list(call: Call, id: str) -> Reply:
    """Flows that start from it stay as they are, and so do segments that look at it."""
    call.store.remove(found(call, "list", id))
    return Reply(204)


def delete_segment(call: Call, id: str) -> Reply:
    call.store.remove(found(call, "segment", id))
    return Reply(204)


def required_text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ApiError(Problem(f"'{name}' must be a non-empty string.", f"/data/attributes/{name}"))
    return value
