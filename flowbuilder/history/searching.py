"""A search over publications whose cost has a bound, however many there are. For filters.py; reads only.

Of a word that few publications have, PostgreSQL tells all of them by its indexes of trigrams: they are looked through
wherever they stand. Else it is looked for in the order of the page, SPAN rows at a time (finding.py): the page says so,
and its next press looks further. Two words that many have, and none has both, would be looked for in every row.
"""

from __future__ import annotations

import re
from functools import cached_property

from django.db import connection
from django.db.models import Model, Q, QuerySet

from accounts.models import KlaviyoAccount, User
from flowbuilder.history.finding import Among
from flowbuilder.models import Publication, Version

FEW = 2000
MOST_WORDS = 8  # those after them are not looked for
SEARCHED = ("flow_name", "reason", "klaviyo_flow_id")  # each with an index of its trigrams on PostgreSQL
# column -> (rows that it names, what of them is searched): asked first, so that the search goes along indexes alone
NAMED: dict[str, tuple[type[Model], tuple[str, ...]]] = {
    "account": (KlaviyoAccount, ("name__icontains", "klaviyo_id__icontains")),
    "asked_by": (User, ("name__icontains", "email__icontains")),
    "version": (Version, ("content_hash__istartswith",)),
}


class Search:
    def __init__(self, text: str) -> None:
        self.words = text.split()[:MOST_WORDS]

    @cached_property
    def conditions(self) -> list[Q]:
        """Each word is in the publication, or in something that it names."""
        return [_has(word) for word in self.words]

    @cached_property
    def few(self) -> frozenset[int] | None:
        """The keys of what has each of the rare words; None: no word is known to be rare. A query a word."""
        rare = []
        for word, condition in zip(self.words, self.conditions, strict=True):
            if is_indexed(word):
                rows = Publication.objects.filter(condition).order_by()
                keys = frozenset(rows.values_list("pk", flat=True)[: FEW + 1])
                rare += [keys] if len(keys) <= FEW else []
        return frozenset.intersection(*rare) if rare else None

    def narrow(self, rows: QuerySet[Publication]) -> QuerySet[Publication]:
        if self.words and self.few is not None:
            rows = rows.filter(pk__in=self.few)
        return rows.filter(*self.conditions)

    def among(self, rows: QuerySet[Publication]) -> Among:
        if self.few is None:
            return Among(rows)
        return Among(rows.filter(pk__in=self.few), is_few=True)


def is_indexed(word: str) -> bool:
    """Whether trigrams lead to it: they are of letters and digits that stand side by side."""
    return connection.vendor == "postgresql" and bool(re.search(r"[^\W_]{3}", word))


def _has(word: str) -> Q:
    found = Q(*((f"{name}__icontains", word) for name in SEARCHED), _connector=Q.OR)
    for column, (model, lookups) in NAMED.items():
        named = Q(*((lookup, word) for lookup in lookups), _connector=Q.OR)
        if pks := list(model._default_manager.filter(named).order_by().values_list("pk", flat=True)):
            found |= Q(**{f"{column}__in": pks})
    return found
