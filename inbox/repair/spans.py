"""Which span of time may be compared with a provider's list. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from inbox.kit.errors import FieldError, Problem

MARGIN = timedelta(days=1)
"""How much earlier than our memory a comparison has to begin at the latest: listing takes its time."""


def check_span(
    since: datetime | None, until: datetime | None, *, now: datetime, kept: timedelta
) -> tuple[datetime, datetime]:
    """The span, `until` being now at the latest; the `validation_failed` problem for one that is empty or too long ago.

    `kept` is how long we remember what has happened: before that, everything the provider lists would look new.
    """
    end = min(until or now, now)
    if since is None or since >= end:
        raise _refused("since", "it has to begin before it ends, and before now")
    if since < now - (kept - MARGIN):
        days = (kept - MARGIN).days
        raise _refused("since", f"what happened more than {days} days ago cannot be told from what is new")
    return since, end


def _refused(field: str, detail: str) -> Problem:
    error = FieldError(pointer=f"/{field}", code="out_of_range", detail=detail)
    return Problem("validation_failed", detail, errors=[error])
