"""The states that a publication went through, as lines of a time line; and the flows among which a person decides.

Values for this room's templates. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings

from flowbuilder.history.wording import day, duration, tone_of
from flowbuilder.models import Move, Publication
from flowbuilder.publisher.states import found_flows

S = Publication.State
MOST_READ = 200  # moves, the latest; a publication that is parked for days has many more
MOST_OPEN = 7  # lines that stand open; what lies between them and the first is folded


@dataclass(frozen=True, slots=True)
class Moment:
    """One state. `times`: so often in a row, for the same reason. `lasted` is empty for the last one."""

    state: str
    at: datetime | None
    clock: str = ""
    reason: str = ""
    by: str = ""
    until: str = ""
    lasted: str = ""
    times: int = 1

    @property
    def label(self) -> str:
        return S(self.state).label

    @property
    def tone(self) -> str:
        return tone_of(self.state)


@dataclass(frozen=True, slots=True)
class TimeLine:
    """`first` and `last` stand open, `between` is folded; `more` moves before those are not read."""

    first: tuple[Moment, ...]
    between: tuple[Moment, ...]
    last: tuple[Moment, ...]
    more: int


def moves_of(publication: Publication) -> list[Move]:
    """The latest, in their order. One query."""
    latest = publication.moves.select_related("by").order_by("-number")[:MOST_READ]
    return list(latest)[::-1]


def time_line(publication: Publication, moves: Sequence[Move], now: datetime) -> TimeLine:
    moments = list(_timed(_joined(_moments(publication, moves)), publication, now))
    more = moves[0].number - 1 if moves else 0
    first, rest = moments[:1], moments[1:]
    if len(rest) <= MOST_OPEN and not more:
        return TimeLine(tuple(moments), (), (), 0)
    return TimeLine(tuple(first), tuple(rest[:-MOST_OPEN]), tuple(rest[-MOST_OPEN:]), more)


def _moments(publication: Publication, moves: Sequence[Move]) -> Iterator[tuple[Moment, datetime | None]]:
    """(a state, until when it was meant to last)."""
    asked_by = str(publication.asked_by or "somebody who left")
    yield Moment(S.ASKED, publication.created_at, by=asked_by), None
    for one in moves:
        # A sentence such as “Cancelled by Mia.” names them already.
        by = str(one.by) if one.by and str(one.by) not in one.reason else ""
        yield Moment(one.to_state, one.at, reason=one.reason, by=by), one.until
    if publication.state != (
        moves[-1].to_state if moves else S.ASKED
    ):  # older than the writing down of moves
        yield (
            Moment(publication.state, publication.ended_at, reason=publication.reason),
            publication.not_before,
        )


def _joined(
    moments: Iterator[tuple[Moment, datetime | None]],
) -> Iterator[tuple[Moment, datetime | None]]:
    """Waiting again and again for the same reason is one line."""
    held, until = next(moments)
    for one, meant in moments:
        if (one.state, one.reason, one.by) == (held.state, held.reason, held.by):
            held, until = replace(held, times=held.times + 1), meant
        else:
            yield held, until
            held, until = one, meant
    yield held, until


def _timed(
    moments: Iterator[tuple[Moment, datetime | None]], publication: Publication, now: datetime
) -> Iterator[Moment]:
    lines = list(moments)
    seen = publication.created_at
    for index, (one, meant) in enumerate(lines):
        following = lines[index + 1][0].at if index + 1 < len(lines) else None
        lasted = duration((following - one.at).total_seconds()) if following and one.at else ""
        is_last = index + 1 == len(lines)
        if is_last and publication.is_open:
            meant = publication.not_before
        until = ""
        if meant and is_last and meant > now:
            until = _clock(meant, now, now)
        yield replace(one, lasted=lasted, until=until, clock=_clock(one.at, seen, now) if one.at else "")
        seen = one.at or seen


def _clock(at: datetime, before: datetime, now: datetime) -> str:
    """The time of day; with the day where it is another one than before."""
    if at.date() == before.date():
        return f"{at:%H:%M:%S}"
    is_next = (at.date() - now.date()).days == 1
    return f"{'tomorrow' if is_next else day(at, now)} {at:%H:%M:%S}"


# --- Which one is it


@dataclass(frozen=True, slots=True)
class Candidate:
    """A flow of the account that looks like this publication's."""

    id: str
    name: str
    created: datetime | None
    url: str


def candidates(publication: Publication) -> list[Candidate]:
    return [
        Candidate(
            one["id"],
            one.get("name", ""),
            _moment(one.get("created", "")),
            f"{settings.KLAVIYO_SITE_URL}/flow/{one['id']}/edit",
        )
        for one in found_flows(publication)
    ]


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
