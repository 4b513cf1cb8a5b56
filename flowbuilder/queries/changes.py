"""What a flow changed since a version, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.telling import Told, tell_diff
from flowbuilder.graph.diff import compare
from flowbuilder.queries.design import Design


def changes_since(design: Design, document: Mapping[str, Any]) -> list[str]:
    """Steps, trigger, settings, then the emails whose words differ. Empty where the flow is as it was frozen."""
    frozen = Frozen(document)
    old = Told(frozen.graph, frozen.describer(names=design.words.names))
    told = tell_diff(compare(frozen.graph, design.graph), old, Told(design.graph, design.describer))
    return told + [
        f"The email “{email.name}” says something else."
        for key, email in design.emails.items()
        if (was := frozen.contents.get(key))
        and (was["html"], was.get("text", "")) != (email.html, email.text)
    ]
