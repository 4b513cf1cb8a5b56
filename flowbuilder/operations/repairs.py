"""One press puts a problem right, where definition/repairs.py knows how."""

from __future__ import annotations

from dataclasses import replace

from accounts.models import User
from flowbuilder.definition.repairs import repair
from flowbuilder.graph.change import Draft
from flowbuilder.graph.surgery import UnableToFind
from flowbuilder.models import Edit, Flow
from flowbuilder.operations.acts import perform
from flowbuilder.operations.designs import key_maker, title_of
from flowbuilder.queries import Design


def repair_problem(*, flow: Flow, by: User | None, step: str, code: str, path: str = "") -> Edit | None:
    """Put right the problem of this code on this step ("" for the flow as a whole), at this setting if it is named."""
    design = Design(flow)
    problem = next(
        (
            one
            for one in design.problems
            if one.code == code
            and (one.step or "") == step
            and one.repair
            and (not path or ".".join(map(str, one.path)) == path)
        ),
        None,
    )
    if problem is None:
        raise UnableToFind("That problem is not there any more.")

    def do(draft: Draft) -> Draft:
        return replace(draft, graph=repair(draft.graph, problem, key_maker(flow, draft.graph)))

    where = f" {title_of(design.graph, step)}" if step else ""
    return perform(flow=flow, by=by, name=f"{problem.repair}:{where or ' the flow'}", do=do)
