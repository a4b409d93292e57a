"""Moments: in UTC, and shown one way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from inbox.kit.clock import show_time, utc_now


def test_now_is_aware_and_in_utc() -> None:
    """A moment without a time zone cannot arise at its source."""
    assert utc_now().tzinfo is UTC


def test_a_moment_is_shown_in_utc_with_milliseconds_and_z() -> None:
    """Every shown time has the same length and form, also on the full second."""
    assert show_time(datetime(2026, 11, 21, 9, 14, 3, 120_000, tzinfo=UTC)) == "2026-11-21T09:14:03.120Z"
    assert show_time(datetime(2026, 11, 21, 9, 14, 3, tzinfo=UTC)) == "2026-11-21T09:14:03.000Z"


def test_a_moment_of_another_zone_is_shown_in_utc() -> None:
    """What the clock on the wall says elsewhere is the same moment."""
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    assert show_time(datetime(2026, 11, 21, 0, 30, tzinfo=kathmandu)) == "2026-11-20T18:45:00.000Z"


def test_digits_below_the_millisecond_are_cut() -> None:
    """A shown moment is never later than the moment itself."""
    assert show_time(datetime(2026, 11, 21, 9, 14, 3, 999_999, tzinfo=UTC)) == "2026-11-21T09:14:03.999Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    """Guessing the zone of a naive moment would shift it by the host's."""
    with pytest.raises(ValueError, match="time zone"):
        show_time(datetime(2026, 11, 21))  # noqa: DTZ001 - the naive moment is what is refused
