"""Conditions on where somebody is: a region, or the distance from a postal code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.kinds import filters as f
from flowbuilder.kinds.base import Finding, Hint, Words, count
from flowbuilder.kinds.dates import Filter
from flowbuilder.kinds.groups import Condition


class RegionCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Is or is not in the EU or the US"}
    START: ClassVar[dict[str, Any]] = {"in_region": True, "region": "european_union"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type",)
    type: Literal["profile-region"]
    in_region: Annotated[bool, Hint("Is in the region")]
    region: Annotated[
        Literal["european_union", "united_states"],
        Hint("Region", choices={"european_union": "European Union", "united_states": "United States"}),
    ]

    def sentence(self, words: Words) -> str:
        place = "the European Union" if self.region == "european_union" else "the United States"
        return f"is {'' if self.in_region else 'not '}in {place}"


class PostalCodeCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Distance from a postal code"}
    START: ClassVar[dict[str, Any]] = {
        "country_code": "US",
        "postal_code": "",
        "unit": "miles",
        "filter": {"type": "numeric", "operator": "less-than", "value": 25},
    }
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type",)
    type: Literal["profile-postal-code-distance"]
    filter: Annotated[Filter, f.DISTANCE, Hint("Distance is")]
    unit: Annotated[
        Literal["miles", "kilometers"],
        Hint("Measured in", choices={"miles": "miles", "kilometers": "kilometers"}),
    ]
    postal_code: Annotated[str, Hint("Postal code", "Such as 02111.")]
    country_code: Annotated[str, Hint("Country", "Its code of two letters, such as US or DE.")]

    def sentence(self, words: Words) -> str:
        place = f"{self.postal_code or 'a postal code'} ({self.country_code})"
        if not isinstance(self.filter, f.DistanceFilter):
            return f"lives at a distance from {place} that {self.filter.words()}"
        far = count(self.filter.value, self.unit.removesuffix("s"))
        near = self.filter.operator == "less-than"
        return f"lives within {far} of {place}" if near else f"lives more than {far} from {place}"

    def rules(self) -> Iterator[Finding]:
        if not self.postal_code.strip():
            yield Finding("no-postal-code", "Write the postal code.", ("postal_code",))
        if not re.fullmatch(r"[A-Za-z]{2}", self.country_code):
            text = f"“{self.country_code}” is no country code: write two letters, such as US."
            yield Finding("no-country", text, ("country_code",))
