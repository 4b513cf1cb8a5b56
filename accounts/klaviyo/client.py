"""Klaviyo's API: one raw door, `call`, and a method for each thing we do with it.

Made by accounts.connection. Nothing here is sent twice by itself, except once more after a 401 (auth.py) and
pages being read (pages.py). Source of paths and bodies: Klaviyo's OpenAPI document, operation ids in the
docstrings.
"""

from __future__ import annotations

import json as jsonlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from accounts.klaviyo.answers import Answer, read_answer
from accounts.klaviyo.errors import NotAllowed, Unknown
from accounts.klaviyo.pages import walk_pages
from accounts.klaviyo.shapes import (
    Account,
    Flow,
    Metric,
    MetricProperty,
    Named,
    Resource,
    Segment,
    Template,
)
from accounts.klaviyo.wire import DEADLINE, ENCODING, TIMEOUT, USER_AGENT, Wire, hidden_texts

JSON_API = "application/vnd.api+json"
LARGEST = 5_000_000  # bytes of a body; "Rate limits, status codes, and errors": payload size


_url = lru_cache(maxsize=256)(httpx.URL)  # to read an address costs as much as to write the call


def _now() -> datetime:
    return datetime.now(UTC)


class Klaviyo:
    """One account's door. `base_url`: scheme and host, no path; `auth`: ApiKey or BearerToken; `revision`: a
    date.

    Cheap to make: the connections are shared by the process, per host. `timeout` is of one step, `deadline`
    of a whole call with all its waiting, both in seconds. `transport` replaces the network in tests. Safe to
    share between threads. Every method raises the tree of errors.py and nothing else (but what a token
    callback raises of its own).
    """

    def __init__(
        self,
        base_url: str,
        auth: httpx.Auth,
        revision: str,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        deadline: float = DEADLINE,
        user_agent: str = USER_AGENT,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._origin = httpx.URL(base_url.rstrip("/"))
        self._auth = auth
        self._revision = revision
        self._deadline = deadline
        self._clock = clock
        self._sleep = sleep
        self._wire = Wire(transport, self._origin)
        self._timeouts = httpx.Timeout(timeout).as_dict()
        self._headers = httpx.Headers(  # read once: httpx looks at each name and value again otherwise
            {
                "accept-encoding": ENCODING,
                "user-agent": user_agent,
                "revision": revision,
                "x-klaviyo-revision-fall-forward-opt-out": "1",
                "accept": JSON_API,
            }
        )
        self._headers_with_body = httpx.Headers([*self._headers.raw, (b"content-type", JSON_API.encode())])

    def __repr__(self) -> str:
        return f"Klaviyo({str(self._origin)!r}, {self._auth!r}, {self._revision!r})"

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One call. `path` begins with a slash; `params` are the query, not yet encoded; `json` the whole
        body.

        Headers: "API versioning and deprecation policy" (revision, fall-forward opt-out), "JSON:API" (media
        type).
        """
        request = self._request(method, path, params, json)
        started = time.monotonic()
        request.extensions = {"timeout": self._timeouts, "give_up_at": started + self._deadline}
        heard = self._wire.send(request, self._auth)
        return read_answer(
            heard,
            elapsed=time.monotonic() - started,
            now=self._clock(),
            hide=hidden_texts(request),
            may_be_empty=method == "DELETE",
        )

    def _request(
        self, method: str, path: str, params: Mapping[str, str] | None, json: Mapping[str, Any] | None
    ) -> httpx.Request:
        if not path.startswith("/") or path.startswith("//"):
            raise NotAllowed(f"'{path}' is not a path of Klaviyo's interface.")
        headers, content = self._headers, None
        if json is not None:
            headers, content = self._headers_with_body, _encode(json)
            if len(content) > LARGEST:
                raise NotAllowed(
                    f"It has {len(content) / 1e6:.1f} MB, and Klaviyo takes 5 MB at once. Nothing was sent; "
                    "make it smaller."
                )
        if params:
            path = f"{path}?{urlencode(params, quote_via=quote)}"
        try:
            return httpx.Request(method, _url(f"{self._origin}{path}"), headers=headers, content=content)
        except httpx.InvalidURL:
            pass
        raise NotAllowed("The address for this call could not be written.")

    def _all(self, path: str, params: Mapping[str, str] | None = None) -> list[Resource]:
        def get(path: str, params: Mapping[str, str] | None) -> Answer:
            return self.call("GET", path, params=params)

        return list(walk_pages(get, self._origin, path, params, sleep=self._sleep))

    # The account and what is in it

    def get_account(self) -> Account:
        """get_accounts: the list always has exactly one entry. Scope accounts:read."""
        data = _data(self.call("GET", "/api/accounts"))
        if not isinstance(data, list) or len(data) != 1:
            raise Unknown("Klaviyo did not name exactly one account for this connection.")
        return Account.read(data[0])

    def list_metrics(self, integration_name: str | None = None) -> list[Metric]:
        """get_metrics, all pages. The filter is case-sensitive; there is none by metric name. Scope
        metrics:read.
        """
        params = None
        if integration_name is not None and _is_quotable(integration_name):
            params = {"filter": f'equals(integration.name,"{integration_name}")'}
        found = [Metric.read(resource) for resource in self._all("/api/metrics", params)]
        return [metric for metric in found if integration_name in (None, metric.integration)]

    def list_metric_properties(self, metric_id: str) -> list[MetricProperty]:
        """get_properties_for_metric: what its events carry, with samples. Scope metrics:read; 1/s, 15/m."""
        params = {"additional-fields[metric-property]": "sample_values"}
        found = self._all(f"/api/metrics/{_safe(metric_id)}/metric-properties", params)
        return [one for one in map(MetricProperty.read, found) if one.name]

    def list_lists(self) -> list[Named]:
        """get_lists, all pages (10 each). Scope lists:read."""
        return [Named.read(resource) for resource in self._all("/api/lists")]

    def list_segments(self) -> list[Named]:
        """get_segments, all pages (10 each). Scope segments:read."""
        return [Named.read(resource) for resource in self._all("/api/segments")]

    def get_segment(self, id: str) -> Segment:
        """get_segment, with its definition. Scope segments:read."""
        return Segment.read(_data(self.call("GET", f"/api/segments/{_safe(id)}")))

    # Email templates

    def list_templates(self) -> list[Template]:
        """get_templates, all pages (10 each, with their html). Scope templates:read."""
        return [Template.read(resource) for resource in self._all("/api/templates")]

    def get_template(self, id: str) -> Template:
        """get_template. Scope templates:read."""
        return Template.read(_data(self.call("GET", f"/api/templates/{_safe(id)}")))

    def create_template(self, name: str, html: str, text: str | None = None) -> Template:
        """create_template with editor_type CODE. Not idempotent. Scope templates:write."""
        attributes = {"name": name, "editor_type": "CODE", "html": html}
        if text is not None:
            attributes["text"] = text
        body = {"data": {"type": "template", "attributes": attributes}}
        return Template.read(_data(self.call("POST", "/api/templates", json=body)))

    def clone_template(self, id: str, name: str) -> Template:
        """clone_template, within one account. Not idempotent. Scope templates:write."""
        body = {"data": {"type": "template", "id": _safe(id), "attributes": {"name": name}}}
        return Template.read(_data(self.call("POST", "/api/template-clone", json=body)))

    def delete_template(self, id: str) -> None:
        """delete_template. Scope templates:write."""
        self.call("DELETE", f"/api/templates/{_safe(id)}")

    def send_template_preview(
        self, id: str, recipients: Sequence[str], context: Mapping[str, Any] | None = None
    ) -> str:
        """create_template_preview_send_job: a test email to at most five addresses; the id of the job. Not
        idempotent. Scope templates:write; 1/s, 15/m, 100/day.
        """
        attributes: dict[str, Any] = {"recipients": list(recipients)}
        if context is not None:
            attributes["context"] = dict(context)
        body = {
            "data": {
                "type": "template-preview-send-job",
                "attributes": attributes,
                "relationships": {"template": {"data": {"type": "template", "id": _safe(id)}}},
            }
        }
        return str(_data(self.call("POST", "/api/template-preview-send-jobs", json=body))["id"])

    # Flows

    def create_flow(self, body: Mapping[str, Any]) -> Flow:
        """create_flow. `body` is the whole {data: {type, attributes: {name, definition}}}. Scope flows:write.

        Not idempotent and without a key: after Unknown it may be there.
        """
        return Flow.read(_data(self.call("POST", "/api/flows", json=body)))

    def get_flow(self, id: str, definition: bool = True) -> Flow:
        """get_flow. Scope flows:read."""
        params = {"additional-fields[flow]": "definition"} if definition else None
        return Flow.read(_data(self.call("GET", f"/api/flows/{_safe(id)}", params=params)))

    def search_flows(self, words: str = "", most: int = 100) -> list[Flow]:
        """get_flows, the first of them: those whose name holds the words. Without definitions. Scope flows:read."""
        params = {"filter": f'contains(name,"{words}")'} if words and _is_quotable(words) else None
        found = walk_pages(
            lambda path, query: self.call("GET", path, params=query),
            self._origin,
            "/api/flows",
            params,
            sleep=self._sleep,
        )
        return [Flow.read(resource) for resource in islice(found, most)]

    def list_flows(self) -> list[Flow]:
        """get_flows, all pages (50 each), archived ones too. Scope flows:read."""
        return [Flow.read(resource) for resource in self._all("/api/flows", {"page[size]": "50"})]

    def list_tagged_flows(self, tag_id: str) -> list[str]:
        """get_flow_ids_for_tag. NotFound when there is no such tag. Scopes flows:read tags:read."""
        found = self._all(f"/api/tags/{_safe(tag_id)}/relationships/flows")
        return [str(resource.get("id", "")) for resource in found]

    def get_message_template(self, message_id: str) -> Template:
        """get_template_for_flow_message: the copy that a message of a flow has, which no list shows. Scope
        templates:read.
        """
        return Template.read(_data(self.call("GET", f"/api/flow-messages/{_safe(message_id)}/template")))

    def flow_triggers(self, metric_id: str) -> list[Flow]:
        """get_flows_triggered_by_metric: the flows that start from this metric. Scopes flows:read
        metrics:read.
        """
        return [
            Flow.read(resource) for resource in self._all(f"/api/metrics/{_safe(metric_id)}/flow-triggers")
        ]

    def flow_trigger_ids(self, metric_id: str) -> list[str]:
        """get_ids_for_flows_triggered_by_metric. Scopes flows:read metrics:read."""
        found = self._all(f"/api/metrics/{_safe(metric_id)}/relationships/flow-triggers")
        return [str(resource.get("id", "")) for resource in found]


def _data(answer: Answer) -> Any:
    return (answer.body or {}).get("data")


def _encode(json: Mapping[str, Any]) -> bytes:
    try:
        text = jsonlib.dumps(json, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode(errors="backslashreplace")  # half a surrogate pair is written as JSON does
    except (TypeError, ValueError, RecursionError):
        pass
    raise NotAllowed("The request has a value that cannot be written as JSON, so it was not sent.")


def _safe(id: str) -> str:
    """The id, if it can stand in a path: Klaviyo's are letters and digits, or UUIDs for tags."""
    if not isinstance(id, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", id):
        raise NotAllowed(f"{str(id)[:80]!r} cannot be an id of Klaviyo's, so nothing was asked.")
    return id


def _is_quotable(text: str) -> bool:
    return '"' not in text and "\\" not in text
