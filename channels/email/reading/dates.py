"""Dates of mail (RFC 5322 3.3 and what is sent instead): always with a zone, never an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

MAX_DATE_CHARS = 120
YEARS = range(1970, 2200)
MAX_ZONE_SECONDS = 24 * 3_600


def read_date(value: str | None) -> datetime | None:
    """When a mail says it was sent; None for what is no date. A time without a zone is taken for UTC."""
    if not value:
        return None
    text = value[:MAX_DATE_CHARS]
    try:
        return _read_rfc(text) or _read_iso(text)
    except (ValueError, IndexError, TypeError, OverflowError):  # what the stdlib lets through on odd input
        return None


def _read_rfc(text: str) -> datetime | None:
    fields = parsedate_tz(text)
    if fields is None or fields[0] not in YEARS:
        return None
    offset = fields[9] or 0
    zone = timezone(timedelta(seconds=offset)) if abs(offset) < MAX_ZONE_SECONDS else UTC
    return datetime(*fields[:5], min(fields[5], 59), tzinfo=zone)  # a leap second is the one before


def _read_iso(text: str) -> datetime | None:
    found = datetime.fromisoformat(text.strip())
    if found.year not in YEARS:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
