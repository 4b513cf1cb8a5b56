"""What can be asked of flows and publications: rows read into values. Never writes.

approvals.py what waits for a second person's yes, and who could say it
design.py    one flow as values, with names for ids, cards and problems
edits.py     the acts on a flow: what can be undone, how it was before
flows.py     lists of flows, refusals
copies.py    what became of template flows in accounts, and the step to the next version
library.py   a template flow as one person is shown it
"""

from flowbuilder.queries.design import Design, as_step, draft_of, graph_of
from flowbuilder.queries.flows import flow_rows
from flowbuilder.queries.within import ids_in, questions_used

__all__ = ["Design", "as_step", "draft_of", "flow_rows", "graph_of", "ids_in", "questions_used"]
