"""From a typed model to a form and back: opening and saving changes nothing, and nothing hostile gets in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowbuilder.kinds import form
from flowbuilder.kinds.asks import ask, get_at
from flowbuilder.kinds.examine import examine
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.registry import PALETTE, TRIGGERS, action_kind, trigger_kind
from flowbuilder.templatetags.editor import _as_text

CASES = Path(__file__).resolve().parents[1] / "cases" / "kinds"
KINDS = {**TRIGGERS, **{kind.TYPE: kind for kind in PALETTE}}


def kind_of(name: str, config: dict[str, Any]) -> Any:
    """Of a case: a date of a custom object is a kind of its own."""
    return trigger_kind(name, config) if name in TRIGGERS else action_kind(name)


def cases() -> list[tuple[str, Any, dict[str, Any]]]:
    found = [(f"{name}-new", kind, kind.start()) for name, kind in KINDS.items()]
    for path in sorted(CASES.glob("*.json")):
        for index, case in enumerate(json.loads(path.read_text())):
            config = case["data"] if "data" in case else case["trigger"]
            found.append((f"{path.stem}-{index}", kind_of(path.stem, config), config))
    return found


ALL = cases()


def as_posted(nodes: list[form.Node]) -> dict[str, list[str]]:
    """What a browser sends for a form that nobody touched."""
    posted: dict[str, list[str]] = {}
    for node in [inner for outer in nodes for inner in outer.walk()]:
        if node.widget in ("group", "rows", "conditions", "absent", "asked", "content"):
            continue
        if node.widget == "choice":
            posted[f"{node.name}.@"] = [one.value for one in node.options if one.chosen]
        elif node.widget == "checkbox":
            posted[node.name] = ["", "on"] if node.value else [""]
        elif node.widget == "checks":
            posted[node.name] = ["", *(one.value for one in node.options if one.chosen)]
        elif node.widget == "pairs":
            pairs = node.value if isinstance(node.value, dict) else {}
            posted[f"{node.name}.k"] = [*map(str, pairs), ""]  # and the empty row at the end
            posted[f"{node.name}.v"] = [*("" if one is None else str(one) for one in pairs.values()), ""]
        elif node.widget == "pickers":
            posted[node.name] = [*map(str, node.value if isinstance(node.value, list) else []), ""]
        elif node.widget == "select":
            posted[node.name] = [one.value for one in node.options if one.chosen] or [""]
        else:
            text = _as_text(node)
            posted[node.name] = [{"time": text[:5], "moment": text[:10]}.get(node.widget, text)]
    return posted


@pytest.mark.parametrize(("name", "kind", "config"), ALL, ids=[row[0] for row in ALL])
def test_opening_and_saving_changes_nothing(name, kind, config):
    saved, refused = form.read(kind, config, as_posted(form.build(kind, config)))
    given = {key: value for key, value in saved.items() if key in config or value is not None}
    defaults = {key: field.default for key, field in kind.model_fields.items() if key not in config}
    assert {key: value for key, value in given.items() if defaults.get(key, ...) != value} == config
    assert refused == {}


@pytest.mark.parametrize(("name", "kind", "config"), ALL, ids=[row[0] for row in ALL])
def test_every_choice_can_be_made(name, kind, config):
    """Each member of each union: the settings make a model again, or only want a value."""
    seen: set[tuple[str, ...]] = set()
    untouched = as_posted(form.build(kind, config))
    for node in [inner for outer in form.build(kind, config) for inner in outer.walk()]:
        options = tuple(one.value for one in node.options)
        if node.widget != "choice" or options in seen:
            continue
        seen.add(options)  # each union once a case
        for option in node.options:
            posted = {**untouched, f"{node.name}.@": [option.value]}
            changed, _ = form.read(kind, config, posted)
            inside = [
                one
                for one in examine(kind, changed, {}).findings
                if one.path[: len(node.path)] == node.path and not one.code.startswith(("no-", "custom-"))
            ]
            assert [one for one in inside if one.code != "missing"] == [], (node.name, option.value)


def test_add_and_drop_are_inverse():
    kind = action_kind("conditional-split")
    empty = kind.start()
    one = form.act(kind, empty, "add:profile_filter")
    two = form.act(kind, one, "add:profile_filter")
    third = form.act(kind, two, "add:profile_filter.condition_groups.1.conditions")
    assert [len(group["conditions"]) for group in third["profile_filter"]["condition_groups"]] == [1, 2]
    assert form.act(kind, third, "drop:profile_filter.condition_groups.1.conditions.1") == two
    assert form.act(kind, two, "drop:profile_filter.condition_groups.1.conditions.0") == one
    assert form.act(kind, one, "drop:profile_filter.condition_groups.0.conditions.0") == empty


def test_a_changed_choice_forgets_the_old_fields():
    kind = action_kind("conditional-split")
    config = form.act(kind, kind.start(), "add:profile_filter")
    here = "profile_filter.condition_groups.0.conditions.0"
    posted = {
        **as_posted(form.build(kind, config)),
        f"{here}.@": ["profile-sample"],
        f"{here}.consent.@": ["sms:true"],
    }
    changed, refused = form.read(kind, config, posted)
    assert get_at(changed, form.parse_path(here)) == {"type": "profile-sample", "percentage": 50}
    assert refused == {}


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("value", "soon", "whole number"),
        ("value", "1.5", "whole number"),
        ("value", "", "number"),
        ("unit", "ages", "list"),
    ],
)
def test_what_cannot_be_read_is_said(field, text, says):
    kind = action_kind("time-delay")
    config, refused = form.read(kind, kind.start(), {field: [text]})
    assert config == kind.start()
    typed, sentence = refused[(field,)]
    assert typed == text
    assert says in sentence


def test_numbers_keep_their_kind():
    kind = TRIGGERS["price-drop"]
    for text, value in (("5", 5), ("2.5", 2.5), ("2,5", 2.5)):
        config, _ = form.read(kind, kind.start(), {"price_drop_amount_value": [text]})
        assert config["price_drop_amount_value"] == value
        assert type(config["price_drop_amount_value"]) is type(value)


def test_asked_values_survive_saving():
    kind = action_kind("send-email")
    config = kind.start()
    config["message"]["from_email"] = ask("sender", "email")
    posted = {**as_posted(form.build(kind, config)), "message.from_email": ["evil@example.org"]}
    saved, _ = form.read(kind, config, posted)
    assert saved["message"]["from_email"] == ask("sender", "email")


HOSTILE = (
    "message.__class__",
    "message.nonsense",
    "message.message.message",
    "$ask",
    "message.$ask",
    "status.deep.er",
    "999999999",
    "message.additional_filters.condition_groups.99999999.conditions.0.@",
    "..",
    ".",
    "",
    "message.template_id",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_write_nothing(name):
    kind = action_kind("send-email")
    config = kind.start()
    assert form.read(kind, config, {name: ["x"]}) == (config, {})


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("verb", ["add", "drop"])
def test_hostile_acts_are_refused_or_stay_inside(name, verb):
    kind = action_kind("send-email")
    try:
        changed = form.act(kind, kind.start(), f"{verb}:{name}")
    except (ValueError, IndexError, KeyError):
        return
    assert set(changed) <= set(kind.model_fields)
    assert set(changed.get("message") or {}) <= set(kind.start()["message"]) | {"template_id"}


def test_the_flow_s_own_settings():
    config = form.act(FlowSettings, FlowSettings.start(), "add:reentry")
    config, refused = form.read(FlowSettings, config, {"reentry.duration": ["7"], "reentry.unit": ["day"]})
    assert (config["reentry"], refused) == ({"duration": 7, "unit": "day"}, {})
    assert form.act(FlowSettings, config, "drop:reentry") == FlowSettings.start()
