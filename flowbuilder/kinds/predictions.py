"""Conditions on what Klaviyo predicts about somebody: orders, value, churn, gender, channels.

Each dimension takes its own kind of value, so each is a choice of its own in the form.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.kinds import filters as f
from flowbuilder.kinds.base import Finding, Hint, Words
from flowbuilder.kinds.dates import ANY_DATE, Filter, choice_of
from flowbuilder.kinds.groups import Condition

_GROUP = "Predictive analytics"
_TYPE = "profile-predictive-analytics"
CHANNELS = {"email": "email", "sms": "SMS", "push": "push", "whatsapp": "WhatsApp"}


class PredictedNumberCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {
        f"{_TYPE}:churn_probability": "Predicted churn risk",
        f"{_TYPE}:predicted_clv": "Predicted customer lifetime value",
        f"{_TYPE}:historic_clv": "Historic customer lifetime value",
        f"{_TYPE}:total_clv": "Total customer lifetime value",
        f"{_TYPE}:predicted_number_of_orders": "Predicted number of orders",
        f"{_TYPE}:historic_number_of_orders": "Historic number of orders",
        f"{_TYPE}:average_order_value": "Average order value",
        f"{_TYPE}:average_days_between_orders": "Average days between orders",
    }
    GROUP: ClassVar[str] = _GROUP
    START: ClassVar[dict[str, Any]] = {"filter": {"type": "numeric", "operator": "greater-than", "value": 0}}
    type: Literal["profile-predictive-analytics"]
    dimension: Literal[
        "churn_probability",
        "predicted_clv",
        "historic_clv",
        "total_clv",
        "predicted_number_of_orders",
        "historic_number_of_orders",
        "average_order_value",
        "average_days_between_orders",
    ]
    filter: Annotated[Filter, f.COUNT, Hint("Which")]

    def sentence(self, words: Words) -> str:
        name = self.CHOICES[f"{_TYPE}:{self.dimension}"].lower().replace(" days", " number of days")
        article = "an" if name[0] in "aeiou" else "a"
        how = self.filter.amount() if isinstance(self.filter, f.NumberFilter) else self.filter.words()
        return f"has {article} {name} {how}"


class PredictedDateCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Expected date of next order"}
    GROUP: ClassVar[str] = _GROUP
    START: ClassVar[dict[str, Any]] = {
        "filter": {"type": "date", "operator": "in-the-next", "unit": "day", "quantity": 14}
    }
    type: Literal["profile-predictive-analytics"]
    dimension: Literal["expected_date_of_next_purchase"]
    filter: Annotated[Filter, ANY_DATE, Hint("Which")]

    def sentence(self, words: Words) -> str:
        return f"has an expected date of next order that {self.filter.words()}"


class GenderFilter(Filter):
    START: ClassVar[dict[str, Any]] = {"value": "likely_female"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type", "operator")
    CHOICES: ClassVar[dict[str, str]] = {"string:equals": "is", "string:not-equals": "is not"}
    type: Literal["string"]
    operator: Literal["equals", "not-equals"]
    value: Annotated[
        Literal["likely_female", "likely_male", "uncertain"],
        Hint(
            "Gender",
            choices={
                "likely_female": "likely female",
                "likely_male": "likely male",
                "uncertain": "uncertain",
            },
        ),
    ]

    def rest(self) -> str:
        return f" {self.value.replace('_', ' ')}"


class PredictedGenderCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Predicted gender"}
    GROUP: ClassVar[str] = _GROUP
    START: ClassVar[dict[str, Any]] = {
        "filter": {"type": "string", "operator": "equals", "value": "likely_female"}
    }
    type: Literal["profile-predictive-analytics"]
    dimension: Literal["predicted_gender"]
    filter: Annotated[Filter, choice_of(GenderFilter), Hint("Which")]

    def sentence(self, words: Words) -> str:
        return f"has a predicted gender that {self.filter.words()}"


# --- How somebody is best reached --------------------------------------------------------------------------------

Channel = Annotated[
    Literal["email", "sms", "push", "whatsapp"], Hint("Channel", choices={**CHANNELS, "email": "Email"})
]


class PriorityFilter(Filter):
    START: ClassVar[dict[str, Any]] = {"value": 1}
    CHOICES: ClassVar[dict[str, str]] = {"numeric:equals": "is"}
    type: Literal["numeric"]
    operator: Literal["equals"]
    value: Annotated[int, Hint("Priority", "1 is the channel that reaches them best.")]

    def rest(self) -> str:
        return f" number {self.value}"

    def rules(self) -> Iterator[Finding]:
        if self.value < 1:
            yield Finding("not-positive", "The number must be 1 or more.", ("value",))


class ChannelPriorityCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Priority of a channel"}
    GROUP: ClassVar[str] = _GROUP
    START: ClassVar[dict[str, Any]] = {
        "predicted_channel": "email",
        "filter": {"type": "numeric", "operator": "equals", "value": 1},
    }
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type", "dimension", "measurement")
    type: Literal["profile-predictive-analytics"]
    dimension: Literal["channel_affinity"]
    measurement: Literal["priority"]
    predicted_channel: Channel
    filter: Annotated[Filter, choice_of(PriorityFilter), Hint("Which")]

    def sentence(self, words: Words) -> str:
        channel = CHANNELS[self.predicted_channel]
        if not isinstance(self.filter, PriorityFilter):
            return f"has a predicted priority of {channel} that {self.filter.words()}"
        return f"has {channel} as number {self.filter.value} of their predicted channels"


class RankFilter(Filter):
    START: ClassVar[dict[str, Any]] = {"value": "high"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type", "operator")
    CHOICES: ClassVar[dict[str, str]] = {"string:equals": "is", "string:not-equals": "is not"}
    type: Literal["string"]
    operator: Literal["equals", "not-equals"]
    value: Annotated[Literal["high", "medium", "low"], Hint("Affinity")]

    def rest(self) -> str:
        return f" {self.value}"


class ChannelRankCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Affinity for a channel"}
    GROUP: ClassVar[str] = _GROUP
    START: ClassVar[dict[str, Any]] = {
        "predicted_channel": "email",
        "filter": {"type": "string", "operator": "equals", "value": "high"},
    }
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type", "dimension", "measurement")
    type: Literal["profile-predictive-analytics"]
    dimension: Literal["channel_affinity"]
    measurement: Literal["rank"]
    predicted_channel: Channel
    filter: Annotated[Filter, choice_of(RankFilter), Hint("Which")]

    def sentence(self, words: Words) -> str:
        return f"has a predicted affinity for {CHANNELS[self.predicted_channel]} that {self.filter.words()}"


PREDICTIONS = (
    PredictedNumberCondition,
    PredictedDateCondition,
    PredictedGenderCondition,
    ChannelPriorityCondition,
    ChannelRankCondition,
)
