"""What each method sends, and what it makes of the answer. The network is a function (MockTransport)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from accounts.klaviyo.auth import ApiKey
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import NotAllowed, NotSent, Refused, Throttled, Unknown
from accounts.klaviyo.shapes import Flow

BASE = "https://a.klaviyo.com"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Net:
    """Answers in turn (the last one for ever) and keeps the requests."""

    def __init__(self, *answers: Any) -> None:
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        self.requests.append(sent)  # a copy, for the signer changes the original
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    @property
    def request(self) -> httpx.Request:
        (only,) = self.requests
        return only


def open_door(net: Net, **options: Any) -> Klaviyo:
    options = {"clock": lambda: NOW, "sleep": lambda seconds: None} | options
    return Klaviyo(BASE, ApiKey("pk_secret"), "2026-10-15", transport=httpx.MockTransport(net), **options)


def one(**attributes: Any) -> dict[str, Any]:
    return {"data": {"type": "x", "id": "AbCdEf", "attributes": attributes}}


def many(*resources: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    return {"data": [resource["data"] for resource in resources], "links": {"next": following}}


FLOW_BODY = {"data": {"type": "flow", "attributes": {"name": "A", "definition": {"actions": []}}}}
GONE = httpx.Response(204)
WAIT = {"type": "time-delay", "data": {"unit": "hours", "value": 1}}
REQUESTS: dict[str, tuple[Callable[[Klaviyo], Any], Any, str, dict[str, str], Any]] = {
    "get_account": (lambda k: k.get_account(), many(one()), "GET /api/accounts", {}, None),
    "list_metrics": (lambda k: k.list_metrics(), many(), "GET /api/metrics", {}, None),
    "list_metrics of one integration": (
        lambda k: k.list_metrics("Shopify"),
        many(),
        "GET /api/metrics",
        {"filter": 'equals(integration.name,"Shopify")'},
        None,
    ),
    "list_metrics with a quote": (lambda k: k.list_metrics('a"b'), many(), "GET /api/metrics", {}, None),
    "list_metric_properties": (
        lambda k: k.list_metric_properties("XyZ123"),
        {"data": []},
        "GET /api/metrics/XyZ123/metric-properties",
        {"additional-fields[metric-property]": "sample_values"},
        None,
    ),
    "list_lists": (lambda k: k.list_lists(), many(), "GET /api/lists", {}, None),
    "list_segments": (lambda k: k.list_segments(), many(), "GET /api/segments", {}, None),
    "get_segment": (lambda k: k.get_segment("XyZ123"), one(), "GET /api/segments/XyZ123", {}, None),
    "list_templates": (lambda k: k.list_templates(), many(), "GET /api/templates", {}, None),
    "get_template": (lambda k: k.get_template("XyZ123"), one(), "GET /api/templates/XyZ123", {}, None),
    "create_template": (
        lambda k: k.create_template("Mail é", "<p>", "text"),
        one(),
        "POST /api/templates",
        {},
        {
            "data": {
                "type": "template",
                "attributes": {"name": "Mail é", "editor_type": "CODE", "html": "<p>", "text": "text"},
            }
        },
    ),
    "create_template without text": (
        lambda k: k.create_template("M", "<p>"),
        one(),
        "POST /api/templates",
        {},
        {"data": {"type": "template", "attributes": {"name": "M", "editor_type": "CODE", "html": "<p>"}}},
    ),
    "delete_template": (
        lambda k: k.delete_template("XyZ123"),
        {},
        "DELETE /api/templates/XyZ123",
        {},
        None,
    ),
    "send_template_preview": (
        lambda k: k.send_template_preview("XyZ123", ["a@example.org"], {"a": 1}),
        one(),
        "POST /api/template-preview-send-jobs",
        {},
        {
            "data": {
                "type": "template-preview-send-job",
                "attributes": {"recipients": ["a@example.org"], "context": {"a": 1}},
                "relationships": {"template": {"data": {"type": "template", "id": "XyZ123"}}},
            }
        },
    ),
    "clone_template": (
        lambda k: k.clone_template("XyZ123", "Copy"),
        one(),
        "POST /api/template-clone",
        {},
        {"data": {"type": "template", "id": "XyZ123", "attributes": {"name": "Copy"}}},
    ),
    "create_flow": (lambda k: k.create_flow(FLOW_BODY), one(), "POST /api/flows", {}, FLOW_BODY),
    "get_flow": (
        lambda k: k.get_flow("XyZ123"),
        one(),
        "GET /api/flows/XyZ123",
        {"additional-fields[flow]": "definition"},
        None,
    ),
    "get_flow without": (lambda k: k.get_flow("XyZ123", False), one(), "GET /api/flows/XyZ123", {}, None),
    "list_flows": (lambda k: k.list_flows(), many(), "GET /api/flows", {"page[size]": "50"}, None),
    "search_flows": (lambda k: k.search_flows(), many(), "GET /api/flows", {}, None),
    "search_flows by words": (
        lambda k: k.search_flows("cart"),
        many(),
        "GET /api/flows",
        {"filter": 'contains(name,"cart")'},
        None,
    ),
    "search_flows with a quote": (lambda k: k.search_flows('a"b'), many(), "GET /api/flows", {}, None),
    "list_tagged_flows": (
        lambda k: k.list_tagged_flows("XyZ123"),
        many(),
        "GET /api/tags/XyZ123/relationships/flows",
        {},
        None,
    ),
    "get_message_template": (
        lambda k: k.get_message_template("XyZ123"),
        one(),
        "GET /api/flow-messages/XyZ123/template",
        {},
        None,
    ),
    "flow_trigger_ids": (
        lambda k: k.flow_trigger_ids("XyZ123"),
        {"data": []},
        "GET /api/metrics/XyZ123/relationships/flow-triggers",
        {},
        None,
    ),
    "flow_triggers": (
        lambda k: k.flow_triggers("XyZ123"),
        {"data": []},
        "GET /api/metrics/XyZ123/flow-triggers",
        {},
        None,
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_each_method_sends_what_klaviyo_documents(name: str) -> None:
    act, answer, line, params, body = REQUESTS[name]
    net = Net(answer)
    act(open_door(net))
    request = net.request
    assert f"{request.method} {request.url.path}" == line
    assert request.url.host == "a.klaviyo.com"
    assert dict(request.url.params) == params
    assert (json.loads(request.content) if request.content else None) == body
    headers = request.headers
    assert headers["revision"] == "2026-10-15"
    assert headers["x-klaviyo-revision-fall-forward-opt-out"] == "1"
    assert headers["accept"] == "application/vnd.api+json"
    assert headers.get("content-type") == ("application/vnd.api+json" if body else None)
    assert headers["authorization"] == "Klaviyo-API-Key pk_secret"
    assert headers["user-agent"] == "flowbuilder"


def test_every_method_is_in_the_table_above() -> None:
    public = {name for name, value in vars(Klaviyo).items() if callable(value) and not name.startswith("_")}
    assert public - {"call"} == {name.split(" ")[0] for name in REQUESTS}


WRITES = [name for name, row in REQUESTS.items() if not row[2].startswith("GET ")]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "fault", [httpx.Response(503), httpx.Response(429), httpx.ReadTimeout("late"), httpx.ConnectError("no")]
)
def test_no_write_is_ever_repeated_by_itself(write: str, fault: Any) -> None:
    net = Net(fault)
    with pytest.raises((Unknown, Throttled, NotSent)):
        REQUESTS[write][0](open_door(net))
    assert len(net.requests) == 1


def test_the_answer_keeps_only_headers_of_use() -> None:
    headers = {
        "RateLimit-Limit": "1, 1;w=1, 15;w=60",
        "ratelimit-remaining": "0",
        "Date": "Sat, 21 Nov 2026 12:00:00 GMT",
        "X-Request-Id": "r-1",
        "set-cookie": "a=b",
        "server": "cloudflare",
    }
    answer = open_door(Net(httpx.Response(201, json=one(), headers=headers))).call("POST", "/api/x", json={})
    assert answer.headers_of_use == {
        "ratelimit-limit": "1, 1;w=1, 15;w=60",
        "ratelimit-remaining": "0",
        "date": "Sat, 21 Nov 2026 12:00:00 GMT",
        "x-request-id": "r-1",
    }
    assert (answer.status, answer.request_id, answer.body) == (201, "r-1", one())
    assert 0 <= answer.elapsed < 5


def test_the_account() -> None:
    resource = one(
        test_account=True,
        timezone="Europe/Paris",
        preferred_currency="EUR",
        contact_information={"organization_name": "Shop", "default_sender_name": "Ann"},
    )
    account = open_door(Net(many(resource))).get_account()
    assert (account.id, account.name, account.is_test) == ("AbCdEf", "Shop", True)
    assert (account.timezone, account.currency) == ("Europe/Paris", "EUR")
    assert (account.sender_name, account.sender_email) == ("Ann", None)


@pytest.mark.parametrize("answer", [many(), many(one(), one()), one(), {"data": None}, {}])
def test_anything_but_one_account_is_unknown(answer: Any) -> None:
    with pytest.raises(Unknown):
        open_door(Net(answer)).get_account()


def test_metrics_are_told_apart_by_integration() -> None:
    shopify = one(name="Placed Order", integration={"name": "Shopify", "category": "eCommerce"})
    api = one(name="Placed Order", integration={"name": "API"})
    assert [m.integration for m in open_door(Net(many(shopify, api))).list_metrics()] == ["Shopify", "API"]
    assert [m.category for m in open_door(Net(many(shopify, api))).list_metrics("Shopify")] == ["eCommerce"]


def test_a_flow_of_junk_is_still_a_flow() -> None:
    flow = Flow.read(
        {"id": "AbCdEf", "attributes": {"name": 7, "created": 5, "definition": "x", "status": None}}
    )
    assert (flow.name, flow.created, flow.definition, flow.status) == ("", None, None, None)
    assert Flow.read({"id": "AbCdEf"}).is_archived is False


@pytest.mark.parametrize("junk", [None, [], "x", {}, {"id": ""}, {"id": 7}, {"id": None}])
def test_a_write_without_an_id_in_its_answer_is_unknown(junk: Any) -> None:
    with pytest.raises(Unknown):
        open_door(Net(httpx.Response(201, json={"data": junk}))).create_flow(FLOW_BODY)


@pytest.mark.parametrize(
    "id", ["", "..", ".", "a/b", "a?b", "a#b", "a b", "é", "a\n", "x" * 65, "%2e%2e", None]
)
def test_an_impossible_id_is_never_asked(id: Any) -> None:
    net = Net(one())
    door = open_door(net)
    names = [name for name in vars(Klaviyo) if name.startswith(("get_flow", "delete_"))]
    for act in (*(getattr(door, name) for name in names), door.get_template, door.flow_triggers):
        with pytest.raises(NotAllowed):
            act(id)
    assert net.requests == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", {1, 2}])
def test_what_is_not_json_is_never_sent(value: Any) -> None:
    net = Net(one())
    with pytest.raises(NotAllowed):
        open_door(net).create_flow({"data": value})
    assert net.requests == []


@pytest.mark.parametrize("letter", ["x", "é", "日"])
def test_more_than_klaviyo_takes_at_once_is_not_sent(letter: str) -> None:
    """Letters count as many bytes as they have, so that 500,000 of any script twice still go."""
    net = Net(one())
    open_door(net).create_template("Large", letter * 500_000, letter * 500_000)
    assert len(net.request.content) < 5_000_000
    with pytest.raises(NotAllowed, match=r"It has 6.0 MB, and Klaviyo takes 5 MB at once"):
        open_door(net).create_template("Too large", letter * (6_000_000 // len(letter.encode())))
    assert len(net.requests) == 1


def test_a_half_surrogate_is_sent_as_json_allows() -> None:
    net = Net(one())
    open_door(net).create_flow({"data": "\ud83d"})
    assert net.request.content == b'{"data":"\\ud83d"}'


def test_errors_keep_their_pointers() -> None:
    errors = {
        "errors": [
            {
                "status": 400,
                "code": "invalid",
                "title": "T",
                "detail": "D.",
                "source": {"pointer": "/data/a"},
            },
            {"code": "invalid", "source": {"parameter": "filter"}},
        ]
    }
    with pytest.raises(Refused) as caught:
        open_door(Net(httpx.Response(400, json=errors))).create_flow(FLOW_BODY)
    first, second = caught.value.errors
    assert (first.code, first.title, first.detail, first.pointer) == ("invalid", "T", "D.", "/data/a")
    assert (second.status, second.parameter, second.pointer) == (400, "filter", None)
    assert str(caught.value) == "Klaviyo did not accept the request (400): D; invalid."


def test_no_repr_shows_the_key() -> None:
    door = open_door(Net(one(html="<secret>")))
    assert "pk_secret" not in repr(door) + repr(vars(door)) + repr(ApiKey("pk_secret"))
    assert "<secret>" not in repr(door.get_template("AbCdEf"))


def test_an_echoed_key_is_blotted_out() -> None:
    echo = httpx.Response(
        403, json={"errors": [{"title": "pk_secret", "detail": "The key pk_secret may not."}]}
    )
    with pytest.raises(Refused) as caught:
        open_door(Net(echo)).get_account()
    assert "pk_secret" not in str(caught.value) + repr(caught.value.errors)
    assert "•••" in str(caught.value)
