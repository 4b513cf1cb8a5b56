"""What can be asked of flows and publications: rows read into values. Never writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery

from accounts import catalog
from accounts.models import Workspace
from flowbuilder.definition.frozen import stand_in
from flowbuilder.definition.preflight import Checking, check
from flowbuilder.definition.writing import pointer_to, to_definition
from flowbuilder.graph import Graph, Link, Problem, Step, Trigger
from flowbuilder.kinds.asks import find_asks
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import TRIGGER_KEY, Describer, ports_of
from flowbuilder.models import Action, Flow, Publication, Requirement, Version

# Settings that hold ids of things in an account: sentences show their names.
_ID_KEYS = frozenset({"id", "metric_id", "trigger_id", "group_ids", "template_id", "list_id"})


def as_step(action: Action) -> Step:
    step = Step(action.key, action.type, action.config, action.name)
    return Step(action.key, action.type, action.config, action.name, tuple(ports_of(step)))


def graph_of(flow: Flow) -> Graph:
    """The whole design as values. Three queries, however large it is."""
    actions = list(flow.actions.all())
    keys = {action.pk: action.key for action in actions}
    trigger = getattr(flow, "trigger", None)
    return Graph(
        trigger=Trigger(trigger.type, trigger.config) if trigger else None,
        steps=tuple(as_step(action) for action in actions),
        links=tuple(
            Link(keys[link.source_id] if link.source_id else None, link.port, keys[link.target_id])
            for link in flow.links.all()
        ),
        profile_filter=flow.profile_filter,
        reentry=flow.reentry,
    )


@dataclass(frozen=True)
class Design:
    """A flow as the editor and the publisher see it: its graph, its questions, names for ids, its problems."""

    flow: Flow

    @cached_property
    def graph(self) -> Graph:
        return graph_of(self.flow)

    @cached_property
    def requirements(self) -> dict[str, Requirement]:
        return {one.key: one for one in self.flow.requirements.all()}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What each question stands for until an account answers: its default, or what it looks for."""
        return {
            key: one.default or stand_in(one.kind, one.looks_for or one.question)
            for key, one in self.requirements.items()
        }

    @cached_property
    def contents(self) -> frozenset[str]:
        return frozenset(self.flow.contents.values_list("key", flat=True))

    @cached_property
    def words(self) -> Words:
        asked = {
            value: self.requirements[key].looks_for
            for key, value in self.defaults.items()
            if isinstance(value, str) and self.requirements[key].looks_for
        }
        return Words({**catalog.names(self.flow.workspace, ids_in(self.graph)), **asked})

    @cached_property
    def describer(self) -> Describer:
        return Describer(self.words, self.defaults)

    @cached_property
    def problems(self) -> list[Problem]:
        checked = check(self.graph, Checking(self.defaults, self.contents, self.words))
        return [*checked, *refusals_of(self.flow, self.graph)]

    def told(self, problems: Iterable[Problem]) -> list[dict[str, Any]]:
        """Problems as plain values, for scripts and the API; a pointer leads into the flow's create body."""
        definition = to_definition(self.graph)
        return [
            {
                "code": one.code,
                "blocks": one.blocks,
                "text": one.text,
                "step": one.step,
                "pointer": pointer_to(definition, one.step, one.path),
            }
            for one in problems
        ]


def refusals_of(flow: Flow, graph: Graph) -> list[Problem]:
    """What Klaviyo refused of the latest version, on the steps it spoke of. Gone with the next version. One query.

    The account is not named: it may be somebody else's.
    """
    refused = (
        Publication.objects.filter(version__flow=flow, state=Publication.State.REFUSED)
        .exclude(version__number__lt=Subquery(_last_number(flow.pk)))
        .order_by("-created_at", "-pk")
        .first()
    )
    return [
        Problem(
            "refused", f"Klaviyo refused this: {one['text']}", one["step"], tuple(one["path"]), blocks=False
        )
        for one in (refused.refusals if refused else [])
        if one["step"] in (*graph.by_key, TRIGGER_KEY, None)
    ]


def _last_number(flow: Any) -> QuerySet[Version, int]:
    return Version.objects.filter(flow=flow).order_by("-number").values_list("number", flat=True)[:1]


def ids_in(graph: Graph) -> set[str]:
    """Ids of metrics, lists, segments and templates that a flow speaks of."""
    values: list[Any] = [step.config for step in graph.steps]
    values += [graph.trigger.config if graph.trigger else {}, graph.profile_filter or {}]
    return {found for value in values for found in _ids(value)}


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            if key in _ID_KEYS:
                yield from (
                    one for one in (child if isinstance(child, list) else [child]) if isinstance(one, str)
                )
            else:
                yield from _ids(child)
    elif isinstance(value, list):
        for child in value:
            yield from _ids(child)


def questions_used(graph: Graph) -> set[str]:
    """Keys of the questions that stand somewhere in a flow."""
    values: list[Any] = [step.config for step in graph.steps]
    values += [graph.trigger.config if graph.trigger else {}, graph.profile_filter or {}]
    return {key for value in values for _, key, _ in find_asks(value)}


def next_key(keys: set[str]) -> str:
    """A key for a new step: s1, s2, ... the first that is free."""
    number = len(keys) + 1
    while f"s{number}" in keys:
        number += 1
    return f"s{number}"


def flow_rows(workspace: Workspace, query: str = "") -> QuerySet[Flow]:
    """The flows of a workspace for its list, each with `steps` and `last_version`. One query."""
    rows = Flow.objects.filter(workspace=workspace).select_related("trigger", "template_flow")
    if query:
        rows = rows.filter(name__icontains=query)
    return rows.annotate(steps=Count("actions"), last_version=Subquery(_last_number(OuterRef("pk"))))
