"""The table of API endpoints: path, scopes, rate limits, allowed parameters, handler.

Read by the server. Scopes and limits are those of revision 2026-10-15 (x-klaviyo-scopes, x-klaviyo-ratelimit).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import (
    action_changes,
    figures,
    flow_parts,
    flows,
    insertions,
    preview_sends,
    reports,
    resources,
    tags,
    templates,
)
from .call import Reply
from .limits import XS, XXS, L, M, S, Windows, daily

PAGED = ("page[cursor]", "page[size]")
LISTED = (*PAGED, "filter", "sort", "include")
LETTERS = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Route:
    method: str
    pattern: str
    handler: Callable[..., Reply]
    scopes: tuple[str, ...]
    limits: Windows
    params: tuple[str, ...] = ()
    since: str = ""  # the first revision that has it; none: all that are supported
    counted: Windows = ()  # its limits when a count of profiles is asked for

    @property
    def name(self) -> str:
        return f"{self.method} {self.pattern}"

    def match(self, path: str) -> dict[str, str] | None:
        mine, theirs = self.pattern.split("/"), path.split("/")
        if len(mine) != len(theirs):
            return None
        values: dict[str, str] = {}
        for want, have in zip(mine, theirs, strict=True):
            if want == "{id}" and have:
                values["id"] = have
            elif want != have:
                return None
        return values


def fields(*kinds: str) -> tuple[str, ...]:
    return tuple(f"fields[{kind}]" for kind in kinds)


FLOW_READ, FLOW_WRITE = ("flows:read",), ("flows:write",)
ONE_FLOW = ("additional-fields[flow]", "include", *fields("flow", "flow-action", "tag"))
TEMPLATE = ("additional-fields[template]", *fields("template"))
GROUP = fields("list", "segment", "tag", "flow")

ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/accounts", resources.list_accounts, ("accounts:read",), XS, fields("account")),
    Route("GET", "/api/accounts/{id}", resources.get_account, ("accounts:read",), XS, fields("account")),
    Route(
        "GET",
        "/api/metrics",
        resources.list_metrics,
        ("metrics:read",),
        M,
        ("filter", "page[cursor]", *fields("metric")),
    ),
    Route("GET", "/api/metrics/{id}", resources.get_metric, ("metrics:read",), M, fields("metric")),
    Route(
        "GET",
        "/api/metrics/{id}/metric-properties",
        resources.list_metric_properties,
        ("metrics:read",),
        XS,
        ("additional-fields[metric-property]", *fields("metric-property")),
    ),
    Route(
        "GET",
        "/api/mapped-metrics",
        resources.list_mapped_metrics,
        ("metrics:read",),
        S,
        ("include", *fields("mapped-metric", "metric", "custom-metric")),
    ),
    Route("GET", "/api/lists", resources.list_lists, ("lists:read",), L, (*PAGED, "filter", "sort", *GROUP)),
    Route("POST", "/api/lists", resources.create_list, ("lists:write",), daily(M, 150), fields("list")),
    Route(
        "POST",
        "/api/metric-aggregates",
        figures.query_metric_aggregates,
        ("metrics:read",),
        S,
        fields("metric-aggregate"),
    ),
    Route(
        "GET",
        "/api/lists/{id}",
        resources.get_list,
        ("lists:read",),
        L,
        ("additional-fields[list]", *fields("list")),
        counted=XS,
    ),
    Route("DELETE", "/api/lists/{id}", resources.delete_list, ("lists:write",), M),
    Route(
        "GET",
        "/api/segments",
        resources.list_segments,
        ("segments:read",),
        L,
        (*PAGED, "filter", "sort", *GROUP),
    ),
    Route(
        "POST",
        "/api/segments",
        resources.create_segment,
        ("segments:write",),
        daily(XS, 100),
        fields("segment"),
    ),
    Route(
        "GET",
        "/api/segments/{id}",
        resources.get_segment,
        ("segments:read",),
        L,
        ("additional-fields[segment]", *fields("segment")),
        counted=XS,
    ),
    Route("DELETE", "/api/segments/{id}", resources.delete_segment, ("segments:write",), S),
    Route(
        "GET",
        "/api/templates",
        templates.list_templates,
        ("templates:read",),
        L,
        (*PAGED, "filter", "sort", *TEMPLATE),
    ),
    Route("POST", "/api/templates", templates.create_template, ("templates:write",), L, TEMPLATE),
    Route("GET", "/api/templates/{id}", templates.get_template, ("templates:read",), L, TEMPLATE),
    Route("PATCH", "/api/templates/{id}", templates.update_template, ("templates:write",), L, TEMPLATE),
    Route("DELETE", "/api/templates/{id}", templates.delete_template, ("templates:write",), L),
    Route(
        "POST", "/api/template-clone", templates.clone_template, ("templates:write",), L, fields("template")
    ),
    Route(
        "POST",
        "/api/template-preview-send-jobs",
        preview_sends.send_preview,
        ("templates:write",),
        daily(XS, 100),
    ),
    Route("GET", "/api/tags", tags.list_tags, ("tags:read",), S, (*PAGED, "filter", "sort", *fields("tag"))),
    Route("POST", "/api/tags", tags.create_tag, ("tags:read", "tags:write"), S, fields("tag")),
    Route("GET", "/api/tags/{id}", tags.get_tag, ("tags:read",), S, fields("tag")),
    Route("DELETE", "/api/tags/{id}", tags.delete_tag, ("tags:read", "tags:write"), S),
    Route("GET", "/api/tags/{id}/relationships/flows", tags.flows_of_tag, ("flows:read", "tags:read"), S),
    Route("POST", "/api/tags/{id}/relationships/flows", tags.tag_flows, ("flows:write", "tags:write"), S),
    Route("DELETE", "/api/tags/{id}/relationships/flows", tags.untag_flows, ("flows:write", "tags:write"), S),
    Route(
        "GET", "/api/flows", flows.list_flows, FLOW_READ, S, (*LISTED, *fields("flow", "flow-action", "tag"))
    ),
    Route("POST", "/api/flows", flows.create_flow, FLOW_WRITE, daily(XS, 100), ONE_FLOW[:1] + fields("flow")),
    Route("GET", "/api/flows/{id}", flows.get_flow, FLOW_READ, S, ONE_FLOW),
    Route("PATCH", "/api/flows/{id}", flows.update_flow, FLOW_WRITE, S, fields("flow")),
    Route("DELETE", "/api/flows/{id}", flows.delete_flow, FLOW_WRITE, S),
    Route(
        "GET",
        "/api/flows/{id}/flow-actions",
        flow_parts.list_flow_actions,
        FLOW_READ,
        S,
        (*PAGED, "filter", "sort", *fields("flow-action")),
    ),
    Route(
        "GET",
        "/api/flows/{id}/relationships/flow-actions",
        flow_parts.list_flow_action_ids,
        FLOW_READ,
        S,
        PAGED,
    ),
    Route("GET", "/api/flows/{id}/tags", flows.flow_tags, ("flows:read", "tags:read"), S, fields("tag")),
    Route("GET", "/api/flows/{id}/relationships/tags", flows.flow_tag_ids, ("flows:read", "tags:read"), S),
    Route(
        "GET",
        "/api/flow-actions/{id}",
        flow_parts.get_flow_action,
        FLOW_READ,
        S,
        ("include", *fields("flow-action", "flow-message", "flow")),
    ),
    Route(
        "POST",
        "/api/flow-actions",
        insertions.create_flow_action,
        FLOW_WRITE,
        S,
        fields("flow-action"),
        since="2026-10-15",
    ),
    Route(
        "PATCH",
        "/api/flow-actions/{id}",
        action_changes.update_flow_action,
        FLOW_WRITE,
        S,
        fields("flow-action"),
        since="2025-10-15",
    ),
    Route(
        "DELETE",
        "/api/flow-actions/{id}",
        action_changes.delete_flow_action,
        FLOW_WRITE,
        S,
        since="2026-04-15",
    ),
    Route("GET", "/api/flow-actions/{id}/flow", flow_parts.flow_of_action, FLOW_READ, S, fields("flow")),
    Route("GET", "/api/flow-actions/{id}/relationships/flow", flow_parts.flow_id_of_action, FLOW_READ, S),
    Route(
        "GET",
        "/api/flow-actions/{id}/relationships/flow-messages",
        flow_parts.list_action_message_ids,
        FLOW_READ,
        S,
        PAGED,
    ),
    Route(
        "GET",
        "/api/flow-actions/{id}/flow-messages",
        flow_parts.list_action_messages,
        FLOW_READ,
        S,
        (*PAGED, *fields("flow-message")),
    ),
    Route(
        "GET", "/api/flow-messages/{id}", flow_parts.get_flow_message, FLOW_READ, S, fields("flow-message")
    ),
    Route(
        "GET",
        "/api/flow-messages/{id}/template",
        templates.template_of_message,
        ("templates:read",),
        S,
        fields("template"),
    ),
    *(
        Route(
            "POST",
            f"/api/flow-{kind}-reports",
            handler,
            FLOW_READ,
            daily(XXS, 225),
            ("page_cursor", *fields(f"flow-{kind}-report")),
        )
        for kind, handler in (("values", reports.query_flow_values), ("series", reports.query_flow_series))
    ),
    *(
        route
        for kind, limits in (("metric", M), ("list", S), ("segment", S))
        for route in (
            Route(
                "GET",
                f"/api/{kind}s/{{id}}/flow-triggers",
                flows.flow_triggers,
                ("flows:read", f"{kind}s:read"),
                limits,
                ("page[cursor]", *fields("flow")),
            ),
            Route(
                "GET",
                f"/api/{kind}s/{{id}}/relationships/flow-triggers",
                flows.flow_trigger_ids,
                ("flows:read", f"{kind}s:read"),
                limits,
                ("page[cursor]",),
            ),
        )
    ),
)
