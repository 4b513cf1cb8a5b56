"""Which publications a list shows: the filters, the page, and what they come to. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast, Substr

from accounts.models import KlaviyoAccount
from flowbuilder.models import Publication

S = Publication.State
PAGE = 50
MOST_ACCOUNTS = 500  # in the picker; the search finds the others
DAYS = 30
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# name -> (label, states). "open" is all that may still change by itself.
OUTCOMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "published": ("Published", (S.PUBLISHED,)),
    "refused": ("Refused or failed", (S.REFUSED, S.FAILED)),
    "waiting": ("Waiting or under way", Publication.OPEN),
    "unknown": ("Being looked up", (S.UNKNOWN,)),
    "cancelled": ("Cancelled", (S.CANCELLED,)),
}
SEARCHED = (
    "flow_name",
    "account__name",
    "account__klaviyo_id",
    "asked_by__name",
    "asked_by__email",
    "reason",
    "klaviyo_flow_id",
)


class Filters(forms.Form):
    """What the list is narrowed to. A date means the whole day, in UTC."""

    q = forms.CharField(
        required=False,
        max_length=200,
        label="Search",
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": "Search flow, account, person, error",
                "data-hotkey": "/",
                "autocomplete": "off",
            }
        ),
    )
    account = forms.ModelChoiceField(
        queryset=KlaviyoAccount.objects.none(), required=False, empty_label="Account: any", label="Account"
    )
    outcome = forms.ChoiceField(
        required=False,
        label="Outcome",
        choices=[("", "Outcome: any"), *((name, label) for name, (label, _) in OUTCOMES.items())],
    )

    def __init__(self, data: Any, *, seen: QuerySet[Publication]) -> None:
        super().__init__(data)
        ids = seen.order_by().values("account_id").distinct()
        accounts = KlaviyoAccount.objects.filter(pk__in=ids).order_by("name", "pk")
        field = self.fields["account"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = accounts
        field.choices = [("", "Account: any"), *accounts.values_list("pk", "name")[:MOST_ACCOUNTS]]
        for name, label in (("from", "From"), ("to", "To")):
            widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            self.fields[name] = forms.DateField(required=False, label=label, widget=widget)

    def narrow(self, rows: QuerySet[Publication]) -> QuerySet[Publication]:
        """As far as the filters make sense."""
        self.is_valid()
        wanted = self.cleaned_data
        for word in (wanted.get("q") or "").split():
            found = Q(version__content_hash__startswith=word.lower())
            for name in SEARCHED:
                found |= Q(**{f"{name}__icontains": word})
            rows = rows.filter(found)
        if account := wanted.get("account"):
            rows = rows.filter(account=account)
        if outcome := wanted.get("outcome"):
            rows = rows.filter(state__in=OUTCOMES[outcome][1])
        if first := wanted.get("from"):
            rows = rows.filter(created_at__gte=_start_of(first))
        if last := wanted.get("to"):
            rows = rows.filter(created_at__lt=_start_of(last) + timedelta(days=1))
        return rows

    @property
    def query(self) -> str:
        """What the address carries: only what was filled in."""
        given = [(name, self.data.get(name, "").strip()) for name in self.fields]
        return urlencode([(name, value) for name, value in given if value])


def _start_of(when: date) -> datetime:
    return datetime.combine(when, time.min, tzinfo=UTC)


# --- Pages -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """Rows, newest first. `newer` and `older` are places for the address; empty where there is nothing."""

    rows: list[Publication]
    newer: str = ""
    older: str = ""


def place_of(publication: Publication) -> str:
    """A place in the list, microseconds and id: it stays true while rows are added above it."""
    return f"{(publication.created_at - EPOCH) // timedelta(microseconds=1)}-{publication.pk}"


def read_place(text: str) -> tuple[datetime, int] | None:
    moment, dash, pk = text.partition("-")
    if not (dash and moment.isascii() and moment.isdigit() and pk.isascii() and pk.isdigit()):
        return None
    if len(moment) > 17 or len(pk) > 18:
        return None
    return EPOCH + timedelta(microseconds=int(moment)), int(pk)


def page_of(rows: QuerySet[Publication], *, after: str = "", before: str = "", size: int = PAGE) -> Page:
    """The rows after a place (older) or before it (newer), else the newest. A seek, never an offset."""
    older_than, newer_than = read_place(after), read_place(before)
    if newer_than and not older_than:
        at, pk = newer_than
        rows = rows.filter(created_at__gte=at).exclude(created_at=at, pk__lte=pk)
        found = list(rows.order_by("created_at", "pk")[: size + 1])
        shown = found[:size][::-1]
        newer, older = len(found) > size, bool(shown)
    else:
        if older_than:
            at, pk = older_than
            rows = rows.filter(created_at__lte=at).exclude(created_at=at, pk__gte=pk)
        found = list(rows.order_by("-created_at", "-pk")[: size + 1])
        shown = found[:size]
        newer, older = bool(older_than and shown), len(found) > size
    return Page(
        shown,
        place_of(shown[0]) if newer else "",
        place_of(shown[-1]) if older else "",
    )


# --- What they come to -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    asked: int
    published: int
    refused: int
    waiting: int
    cancelled: int


def counts_of(rows: QuerySet[Publication]) -> Counts:
    """One query, one row a state."""
    by_state = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    sums = {name: sum(by_state.get(state, 0) for state in states) for name, (_, states) in OUTCOMES.items()}
    return Counts(
        sum(by_state.values()), sums["published"], sums["refused"], sums["waiting"], sums["cancelled"]
    )


@dataclass(frozen=True, slots=True)
class Day:
    """How many of a day's publications came to what. `when` is a date in UTC."""

    when: date
    published: int = 0
    waiting: int = 0
    refused: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return self.published + self.waiting + self.refused + self.cancelled


def days_of(rows: QuerySet[Publication], today: date) -> list[Day]:
    """The last 30 days, the oldest first. One query."""
    first = today - timedelta(days=DAYS - 1)
    recent = rows.filter(created_at__gte=_start_of(first)).order_by()
    found: dict[date, dict[str, int]] = {}
    group = {
        state: name
        for name in ("published", "refused", "waiting", "cancelled")
        for state in OUTCOMES[name][1]
    }
    # The text begins with the day in UTC, on every database; on SQLite TruncDate calls Python for each row.
    text = Substr(Cast("created_at", TextField()), 1, 10)
    counted = recent.annotate(day=text).values_list("day", "state")
    for when, state, number in counted.annotate(Count("pk")):
        sums = found.setdefault(date.fromisoformat(when), {})
        sums[group[state]] = sums.get(group[state], 0) + number
    return [
        Day(when, **found.get(when, {})) for when in (first + timedelta(days=index) for index in range(DAYS))
    ]
