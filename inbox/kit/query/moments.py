"""Moments as people write them in a query: ISO 8601 days, months, years and times, or how long ago. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
AGO = re.compile(r"([0-9]{1,5})(mo|[smhdwy])")
UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "mo": timedelta(days=30),
    "y": timedelta(days=365),
}
MAX_AGO = timedelta(days=100 * 365)
WRONG = "this is no date: write 2026-01-31, 2026-01, 2026-01-31T09:30Z, or 12h, 7d, 2w for how long ago"


def read_moment(text: str) -> tuple[datetime, datetime] | tuple[timedelta, timedelta]:
    """The span that was meant, from its start up to but not with its end; or how long ago it was, twice the same.

    Days, months and years are those of UTC, and so is a time that names no zone. ValueError for anything else.
    """
    if ago := AGO.fullmatch(text):
        return _read_ago(int(ago[1]), ago[2])
    if date := DATE.fullmatch(text):
        return _read_date(int(date[1]), month=int(date[2] or 0), day=int(date[3] or 0))
    return _read_time(text)


def _read_ago(amount: int, unit: str) -> tuple[timedelta, timedelta]:
    ago = amount * UNITS[unit]
    if ago > MAX_AGO:
        raise ValueError("nothing here is that old: write less than a hundred years")
    return ago, ago


def _read_date(year: int, *, month: int, day: int) -> tuple[datetime, datetime]:
    """All of a day, of a month or of a year; zero stands for what was not written."""
    try:
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            return start, start + timedelta(days=1)
        following = (year + month // 12, month % 12 + 1) if month else (year + 1, 1)
        return start, datetime(*following, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such date") from None


def _read_time(text: str) -> tuple[datetime, datetime]:
    try:
        moment = datetime.fromisoformat(text)
        aware = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        return aware, aware + timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise ValueError(WRONG) from None
