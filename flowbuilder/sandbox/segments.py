"""What the definition of a segment may look like. Used by resources.py when one is created.

Of the conditions of a flow's filter those that a segment knows; a segment has no flow to have started from. The
funnel of metrics, which only segments have, is left out.
"""

from __future__ import annotations

from .conditions import METRIC_TIMES, PROFILE, PROFILE_METRIC_KEYS, groups, metric_filters
from .filter_shapes import FLOW_START, filter_of
from .shape import record, words

KNOWN = words(
    "profile-group-membership profile-marketing-consent profile-postal-code-distance profile-property profile-region"
    " profile-predictive-analytics profile-has-custom-object profile-permissions"
)
METRIC = record(
    {**PROFILE_METRIC_KEYS, "timeframe_filter": filter_of(METRIC_TIMES - FLOW_START)},
    {"metric_filters": metric_filters},
)
SEGMENT = groups({**{name: PROFILE[name] for name in KNOWN}, "profile-metric": METRIC})
