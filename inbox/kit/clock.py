"""The one place that asks what time it is. Decisions are handed `now` as an argument."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def show_time(moment: datetime) -> str:
    """A moment as the API and the logs show it: RFC 3339, UTC, milliseconds, `2026-11-21T09:14:03.120Z`.

    Digits beyond the millisecond are cut, not rounded, so that no shown moment lies in the future. A moment without a
    time zone is a mistake of the caller and raises ValueError.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone: take it from utc_now() or from the database")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
