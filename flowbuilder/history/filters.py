"""What the history is narrowed to, by the form over it. For this room's pages and exports; reads only."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property, partial
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull

from accounts.models import Grant, KlaviyoAccount, User, Workspace
from flowbuilder.access import publications_in
from flowbuilder.history.finding import Among
from flowbuilder.history.searching import Search
from flowbuilder.models import DayCount, Publication, Rollout, TemplateFlow
from flowbuilder.models.landing import ERRORS

S = Publication.State
DAYS = 30  # in the chart
MOST_PICKED = 500  # in a picker; the search finds the others

# name -> (label, states). "open" is all that may still change by itself.
OUTCOMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "published": ("Published", (S.PUBLISHED,)),
    "refused": ("Refused or failed", (S.REFUSED, S.FAILED)),
    "waiting": ("Waiting or under way", Publication.OPEN),
    "unknown": ("Being looked up", (S.UNKNOWN,)),
    "cancelled": ("Cancelled", (S.CANCELLED,)),
}
BY_DAY = {"outcome", "from", "to", "workspace", "template", "sort"}  # of these alone the sums are kept
UNLIKE = "unlike"  # no call went wrong, and yet
UNLIKE_MEANT = Q(state=S.PUBLISHED) & ~Q(reason="")
# field -> (label, the rows to choose from, where a publication names them). In the order of the page.
PICKERS: dict[str, tuple[str, type[Model], str]] = {
    "account": ("Account", KlaviyoAccount, "account"),
    "template": ("Template", TemplateFlow, "version__flow__template_flow"),
    "workspace": ("Workspace", Workspace, "workspace"),
    "person": ("Asked by", User, "asked_by"),
    "rollout": ("Rollout", Rollout, "rollout"),
}


class FilterForm(forms.Form):
    """A form over a list, as the address carries it. Dates are added by whoever is made of it."""

    @property
    def given(self) -> dict[str, str]:
        """What was filled in, as it stood in the form."""
        found = {name: self.data.get(name, "").strip() for name in self.fields}
        return {name: value for name, value in found.items() if value}

    @property
    def query(self) -> str:
        """What the address carries."""
        return urlencode(self.given)

    def but(self, *without: str, **changed: str) -> str:
        """The address with some of it left out or put otherwise."""
        kept = {name: value for name, value in self.given.items() if name not in without}
        return urlencode(kept | changed)

    def add_days(self) -> None:
        for name, label in (("from", "From"), ("to", "To")):
            widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            self.fields[name] = forms.DateField(required=False, label=label, widget=widget)

    def on_days(self, rows: QuerySet[Any], column: str) -> QuerySet[Any]:
        """Whole days, in UTC."""
        if first := self.cleaned_data.get("from"):
            rows = rows.filter(**{f"{column}__gte": start_of(first)})
        if last := self.cleaned_data.get("to"):
            rows = rows.filter(**{f"{column}__lt": start_of(last) + timedelta(days=1)})
        return rows


class Filters(FilterForm):
    """What the list is narrowed to, and its order. A date means the whole day, in UTC."""

    FIRST = ("q", "account", "outcome", "from", "to")  # the others are folded

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
    outcome = forms.ChoiceField(
        required=False,
        label="Outcome",
        choices=[("", "Outcome: any"), *((name, label) for name, (label, _) in OUTCOMES.items())],
    )
    version = forms.IntegerField(required=False, label="Version", min_value=1, max_value=1_000_000)
    error = forms.ChoiceField(
        required=False,
        label="Error",
        choices=[
            ("", "Any or none"),
            *ERRORS.items(),
            (UNLIKE, "Landed, not as meant"),
        ],
    )
    sort = forms.ChoiceField(
        required=False,
        label="Sort",
        choices=[("", "Newest first"), ("oldest", "Oldest first"), ("flow", "By flow, A to Z")],
    )

    def __init__(self, data: Any, *, workspaces: list[int] | None) -> None:
        """`workspaces`: whose publications the person sees; None: all, and nothing has to be looked for."""
        super().__init__(data)
        seen = publications_in(workspaces)
        for name, (label, model, where) in PICKERS.items():
            found = model._default_manager.all()
            if workspaces is not None:
                found = found.filter(_is_seen(name, where, seen, workspaces))
            nothing = f"{label}: any" if name in self.FIRST else "Any"
            field = forms.ModelChoiceField(queryset=found, required=False, label=label, empty_label=nothing)
            field.choices = cache(partial(_offered, found, nothing))
            self.fields[name] = field
        self.add_days()
        folded = ("template", "version", "workspace", "person", "error", "rollout", "sort")
        self.order_fields([*self.FIRST, *folded])

    def narrow(self, rows: QuerySet[Publication], *, by_day: bool = True) -> QuerySet[Publication]:
        """As far as the filters make sense. Without `by_day`: of all days."""
        self.is_valid()
        wanted = self.cleaned_data
        rows = self.search.narrow(rows)
        for name, (_, _, where) in PICKERS.items():
            if chosen := wanted.get(name):
                rows = rows.filter(**{where: chosen})
        if number := wanted.get("version"):
            rows = rows.filter(version__number=number)
        if outcome := wanted.get("outcome"):
            rows = rows.filter(state__in=OUTCOMES[outcome][1])
        if error := wanted.get("error"):
            rows = rows.filter(UNLIKE_MEANT if error == UNLIKE else Q(**{f"has_error_{error}": True}))
        return self.on_days(rows, "created_at") if by_day else rows

    @cached_property
    def search(self) -> Search:
        self.is_valid()
        return Search(self.cleaned_data.get("q") or "")

    def among(self, rows: QuerySet[Publication]) -> Among | None:
        """What a search looks through, a part at a time; None: nothing is searched for."""
        return self.search.among(self.on_days(rows, "created_at")) if self.search.words else None

    @property
    def is_kept_by_day(self) -> bool:
        """Whether the sums of what it finds are kept (queries/counts.py), or have to be counted."""
        self.is_valid()
        return not set(self.given) - BY_DAY

    @property
    def states(self) -> tuple[str, ...]:
        self.is_valid()
        outcome = self.cleaned_data.get("outcome")
        return OUTCOMES[outcome][1] if outcome else tuple(S)

    def last_day(self, today: date) -> date:
        """Where the chart ends: today, or at what is asked for where that is long ago."""
        last: date | None = self.cleaned_data.get("to") if self.is_valid() else None
        return last if last and last < today - timedelta(days=DAYS - 1) else today

    @property
    def order(self) -> str:
        self.is_valid()
        return self.cleaned_data.get("sort") or ""

    @property
    def first(self) -> list[forms.BoundField]:
        return [self[name] for name in self.FIRST]

    @property
    def folded(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in self.FIRST]

    @property
    def is_open(self) -> bool:
        """Whether one of the folded ones is in use."""
        return any(field.name in self.given for field in self.folded)


def _is_seen(name: str, where: str, seen: QuerySet[Publication], workspaces: list[int]) -> Q:
    """What is named by one of these publications. None of it reads more rows as there are more of them."""
    if name == "rollout":
        return Q(workspace__in=workspaces)
    if name == "template":
        ended = DayCount.objects.filter(of_workspace__in=workspaces, of_flow=OuterRef("flow"))
        is_open = seen.filter(state__in=Publication.OPEN).order_by().values("version__flow")
        return Q(Exists(ended.order_by())) | Q(flow__in=is_open)
    # One row of each is looked for. As EXISTS it would be a join, and of some all rows are read then.
    one = Subquery(seen.order_by().filter(**{where: OuterRef("pk")}).values("pk")[:1])
    if name == "account":  # nobody publishes without a grant, also when it was withdrawn since
        given = Grant.objects.filter(workspace__in=workspaces).order_by().values("account")
        return Q(pk__in=given) & Q(IsNull(one, False))
    return Q(IsNull(one, False))


def _offered(found: QuerySet[Any], nothing: str) -> list[tuple[Any, str]]:
    """Asked for when the form is drawn: a part for htmx has no pickers. Names alone: an account has tokens."""
    names = ("name", "email") if found.model is User else ("name",)
    rows = found.order_by(*names, "pk").values_list("pk", *names)[:MOST_PICKED]
    return [("", nothing), *((pk, next((one for one in said if one), f"No. {pk}")) for pk, *said in rows)]


def start_of(when: date) -> datetime:
    return datetime.combine(when, time.min, tzinfo=UTC)
