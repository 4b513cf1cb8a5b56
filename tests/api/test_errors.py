"""Every error in one shape, with the right status; and nothing that is sent brings the API down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient
from rest_framework.throttling import UserRateThrottle

from flowbuilder.api import views
from flowbuilder.models import Flow, Version
from tests.api.conftest import speak
from tests.history import make
from tests.history.conftest import World, signed_in

KEYS = ["status", "code", "title", "detail", "source"]
JSON = {"content_type": "application/json"}


def errors(answer: Any, status: int) -> list[dict[str, Any]]:
    assert answer.status_code == status, answer.content[:500]
    assert answer["Content-Type"].startswith("application/json")
    assert list(answer.json()) == ["errors"]
    found: list[dict[str, Any]] = answer.json()["errors"]
    assert found
    for one in found:
        assert list(one) == KEYS
        assert one["status"] == status
        assert one["detail"]
        assert list(one["source"]) == ["pointer"]
    return found


def told(answer: Any, status: int) -> list[tuple[str, Any]]:
    return [(one["code"], one["source"]["pointer"]) for one in errors(answer, status)]


def test_401_without_a_name(world: World):
    for client in (APIClient(), APIClient(headers={"Authorization": "Token wrong"})):
        answer = client.get("/api/flows/")
        assert told(answer, 401) in ([("not-authenticated", None)], [("authentication-failed", None)])
        assert answer["WWW-Authenticate"] == "Token"


def test_404_is_what_is_not_yours_and_what_is_not_there(world: World):
    flow = make.flow(world.partner)
    version = make.version(world.partner, "V")
    publication = make.publication(world.version, world.account, world.mia)
    hidden = make.template(world.partner)
    type(hidden).objects.update(visibility="workspace")
    charlie = speak(world.charlie)
    for path in (
        f"flows/{flow.pk}/",
        f"flows/{flow.pk}/export/",
        f"flows/{flow.pk}/problems/",
        f"flows/{flow.pk}/versions/",
        f"versions/{version.pk}/",
        f"publications/{publication.pk}/",
        f"template-flows/{hidden.slug}/",
        "flows/?workspace=northwind",
        "flows/?cursor=nonsense",
        "flows/999999999999999999999/",
        "versions/0/",
        "nothing/",
        "flows",
        "flows/x/",
        "%00/",
    ):
        for one in errors(charlie.get(f"/api/{path}"), 404):
            assert one["title"] == "Not Found"
    assert "end with a slash" in errors(charlie.get("/api/flows"), 404)[0]["detail"]
    assert told(Client().delete("/api/nothing/"), 404) == [("not-found", None)]
    body = {"workspace": "northwind", "document": make.definition()}
    errors(charlie.post("/api/flows/", body, format="json"), 404)
    ask = {"template_flow": hidden.slug, "account": world.account.pk}
    errors(charlie.post("/api/publications/", ask, format="json"), 404)
    errors(charlie.post(f"/api/flows/{flow.pk}/versions/", {}, format="json"), 404)


def test_403_is_a_role_one_lacks(world: World):
    bob = speak(world.bob)  # a reviewer
    flow = make.flow(world.shop)
    assert bob.get(f"/api/flows/{flow.pk}/").status_code == 200
    [one] = errors(bob.post(f"/api/flows/{flow.pk}/versions/", {}, format="json"), 403)
    assert one["detail"] == "Only designers and owners change flows."
    errors(
        bob.post("/api/flows/", {"workspace": "harbour", "document": make.definition()}, format="json"), 403
    )
    template = make.template(world.partner)
    ask = {"template_flow": template.slug, "account": world.account.pk}
    errors(bob.post("/api/publications/", ask, format="json"), 403)


def test_403_is_a_session_without_its_csrf_token(world: World):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.ada, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert strict.get("/api/flows/").status_code == 200
    body = json.dumps({"workspace": "northwind", "document": make.definition()})
    before = Flow.objects.count()
    [one] = errors(strict.post("/api/flows/", body, **JSON), 403)
    assert "CSRF" in one["detail"]
    assert Flow.objects.count() == before
    token = speak(world.ada, enforce_csrf_checks=True)
    assert token.post("/api/flows/", body, **JSON).status_code == 201


def test_405_406_and_415(world: World):
    ada = speak(world.ada)
    for act in (ada.put, ada.patch, ada.delete, ada.options):
        assert told(act("/api/flows/"), 405) == [("method-not-allowed", None)]
    assert told(ada.post("/api/accounts/", {}, format="json"), 405)
    assert told(ada.get("/api/flows/", headers={"Accept": "text/html"}), 406)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = ada.generic("POST", "/api/flows/", b"x=1", content_type=kind)
        assert told(answer, 415) == [("unsupported-media-type", None)]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{} {}",
        b"\xff\xfe\xff",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 90 + b"1" + b"}" * 90,
        b'{"workspace": "\\ud800"}',
        b'{"document": {"a": "\\u0000"}}',
    ],
)
def test_400_is_what_is_not_json(world: World, body: bytes):
    assert told(speak(world.ada).post("/api/flows/", body, **JSON), 400) == [("parse-error", None)]


def test_413_is_too_large(world: World, settings: Any):
    settings.IMPORT_MAX_BYTES = 1000
    body = json.dumps({"workspace": "northwind", "document": {"actions": [], "x": "y" * 1000}})
    [one] = errors(speak(world.ada).post("/api/flows/", body, **JSON), 413)
    assert (one["code"], one["detail"]) == ("too-large", "At most 1,000 bytes may be sent.")


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("flows/", [], [("invalid", "")]),
        ("flows/", 7, [("invalid", "")]),
        ("flows/", {}, [("required", "/workspace"), ("required", "/document")]),
        ("flows/", {"workspace": "", "document": []}, [("blank", "/workspace"), ("not-a-dict", "/document")]),
        ("flows/", {"workspace": None, "document": None}, [("null", "/workspace"), ("null", "/document")]),
        (
            "flows/",
            {"workspace": "northwind", "document": {"actions": []}, "na/me": 1},
            [("unknown-field", "/na~1me")],
        ),
        ("flows/", {"workspace": "northwind", "document": {"hello": 1}}, [("no-flow", "/document")]),
        (
            "flows/",
            {"workspace": "northwind", "document": {"triggers": [{}, {}], "actions": []}},
            [("two-triggers", "/document")],
        ),
        (
            "flows/",
            {"workspace": "northwind", "document": {"actions": []}, "name": "x" * 201},
            [("max-length", "/name")],
        ),
        ("publications/", {}, [("required", "/template_flow"), ("required", "/account")]),
        ("publications/", {"template_flow": "x", "account": "one"}, [("invalid", "/account")]),
        ("publications/", {"template_flow": "x", "account": 1, "answers": []}, [("not-a-dict", "/answers")]),
        (
            "flows/{flow}/versions/",
            {"offer": {"visibility": "all"}},
            [("invalid-choice", "/offer/visibility")],
        ),
        ("flows/{flow}/versions/", {"offer": {"visible": 1}}, [("unknown-field", "/offer/visible")]),
        ("flows/{flow}/versions/", {"notes": {}}, [("invalid", "/notes")]),
    ],
)
def test_422_points_at_the_field(world: World, path: str, body: Any, expected: list[tuple[str, str]]):
    flow = make.flow(world.partner)
    answer = speak(world.ada).post("/api/" + path.format(flow=flow.pk), body, format="json")
    assert told(answer, 422) == expected


def test_422_names_the_steps_that_keep_a_version_back(world: World):
    document = make.definition()
    document["actions"][1]["data"]["message"]["subject_line"] = ""
    ada = speak(world.ada)
    made = ada.post("/api/flows/", {"workspace": "northwind", "document": document}, format="json").json()
    wrong = errors(ada.post(f"/api/flows/{made['id']}/versions/", {}, format="json"), 422)
    assert [one["source"]["pointer"] for one in wrong] == [
        one["pointer"] for one in made["problems"] if one["blocks"]
    ]
    assert not Version.objects.filter(flow=made["id"]).exists()


def test_429_says_when(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "2/min"})
    ada = speak(world.ada)
    assert [ada.get("/api/flows/").status_code for _ in range(2)] == [200, 200]
    answer = ada.get("/api/flows/")
    assert told(answer, 429) == [("throttled", None)]
    assert 0 < int(answer["Retry-After"]) <= 60


def test_500_keeps_to_the_shape_and_tells_nothing(world: World, monkeypatch: pytest.MonkeyPatch, caplog: Any):
    def fall(*args: Any) -> None:
        raise ZeroDivisionError("the secret of the house")

    monkeypatch.setattr(views.access, "flows_of", fall)
    client = speak(world.ada, raise_request_exception=False)
    answer = client.get("/api/flows/")
    assert told(answer, 500) == [("our-fault", None)]
    assert "secret" not in answer.content.decode()
    assert "ZeroDivisionError" in caplog.text


def test_a_session_works_too(world: World):
    assert signed_in(world.ada).get("/api/flows/").status_code == 200
