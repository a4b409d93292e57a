"""When somebody is there to answer: opening hours in their own time zone, right over every change of the clocks. Pure.

A span is of one day; hours that go past midnight are two spans, `24:00` and `00:00` meeting without a gap. Where the
clocks skip an hour, a span that would begin or end in it does so at the leap; one that they repeat is open both times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock: TypeAlias = Annotated[
    str,
    msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)(?![\s\S])", examples=["09:00"]),
]
Locale: TypeAlias = Annotated[str, msgspec.Meta(max_length=35, pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
END_OF_DAY = "24:00"
AHEAD_DAYS = 370
"""How far the next opening is looked for: over a year, so that a yearly opening is found."""
SPANS_MAX = 10
EXCEPTIONS_MAX = 400


class Span(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """From when to when somebody is there, by the clocks of the zone."""

    opens: Clock
    closes: Clock

    def __post_init__(self) -> None:
        """Refuse a span that ends before it begins."""
        if self.closes <= self.opens:
            raise ValueError("a span closes after it opens; past midnight is a span of the next day")


Spans: TypeAlias = Annotated[list[Span], msgspec.Meta(max_length=SPANS_MAX)]


class Hours(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The opening hours of a channel.

    `zone` is an IANA name; a day that `week` leaves out is closed, `exceptions` replace single dates (ISO 8601).
    `messages` are shown while nobody is there, by language; `collect_email` asks then where an answer may go.
    """

    zone: str
    week: dict[Day, Spans]
    exceptions: Annotated[dict[date, Spans], msgspec.Meta(max_length=EXCEPTIONS_MAX)] = {}
    messages: dict[Locale, Annotated[str, msgspec.Meta(min_length=1, max_length=500)]] = {}
    collect_email: bool = True

    def __post_init__(self) -> None:
        """Refuse a zone there is none of."""
        try:
            _zone(self.zone)
        except (KeyError, ValueError, OSError):  # no such zone, a name that is no path, a file that is no zone
            raise ValueError(f"there is no time zone {self.zone!r}: give an IANA name, as Europe/Madrid") from None


class HoursState(msgspec.Struct, kw_only=True, frozen=True):
    """Whether somebody is there; `until` is when that ends, None where it does not within a year."""

    state: Literal["open", "away"]
    until: datetime | None = None

    @property
    def opens_at(self) -> datetime | None:
        """When somebody comes, where nobody is there now."""
        return self.until if self.state == "away" else None


ALWAYS = HoursState(state="open")


def hours_state(hours: Hours | None, now: datetime) -> HoursState:
    """Whether somebody is there `now` (aware), and until when; always, where no hours are set."""
    if hours is None:
        return ALWAYS
    closes: datetime | None = None
    for opens, ends in _openings(hours, now):
        if closes is not None and opens > closes:
            break
        if closes is None and opens > now:
            return HoursState(state="away", until=opens)
        closes = max(closes or ends, ends)
        if closes - now > timedelta(days=AHEAD_DAYS):
            return ALWAYS
    return HoursState(state="open", until=closes) if closes else HoursState(state="away")


def choose_words(words: Mapping[str, str], locale: str | None, *, default: str) -> str | None:
    """Those in the reader's language, else in that of the channel, else in any; None where there are none."""
    for wanted in (locale or default, default):
        for tag in (wanted, wanted.partition("-")[0]):
            found = next((text for name, text in words.items() if name.lower() == tag.lower()), None)
            if found is not None:
                return found
    return next(iter(words.values()), None)


def _openings(hours: Hours, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The spans that end after now, as moments, in their order; those that the clocks skip whole are left out."""
    zone = _zone(hours.zone)
    today = now.astimezone(zone).date()
    for ahead in range(-1, AHEAD_DAYS + 2):
        day = today + timedelta(days=ahead)
        spans = hours.exceptions.get(day, hours.week.get(DAYS[day.weekday()], []))
        for span in sorted(spans, key=lambda one: one.opens):
            opens, closes = _moment(day, span.opens, zone, fold=0), _moment(day, span.closes, zone, fold=1)
            if opens < closes and closes > now:
                yield opens, closes


def _moment(day: date, clock: str, zone: ZoneInfo, *, fold: int) -> datetime:
    """When the clocks show this; of two such moments the first or last, in place of a skipped one the leap itself."""
    if clock == END_OF_DAY:
        day, clock = day + timedelta(days=1), "00:00"
    shown = datetime.combine(day, time.fromisoformat(clock), tzinfo=zone)
    late, early = (shown.replace(fold=number).astimezone(UTC) for number in (0, 1))
    if early < late:  # of a skipped time the readings are the wrong way round (PEP 495)
        return _leap(early, late, zone)
    return late if fold == 0 else early


def _leap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between these two at which the clocks leap, to the second."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
