"""Which flows use which email of the library."""

from __future__ import annotations

from accounts.models import Workspace
from flowbuilder.kinds.asks import CONTENT, find_contents
from flowbuilder.models import Action, Flow


def uses_of(workspace: Workspace) -> dict[str, list[Flow]]:
    """key of an email -> the flows of the workspace that use it, each once. One query."""
    found: dict[str, dict[int, Flow]] = {}
    rows = Action.objects.filter(flow__workspace=workspace, config__icontains=CONTENT).select_related("flow")
    for action in rows:
        for _, key in find_contents(action.config):
            found.setdefault(key, {})[action.flow_id] = action.flow
    return {key: list(flows.values()) for key, flows in found.items()}
