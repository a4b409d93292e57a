"""How a moment is typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.commands.moments import read_moment
from tests.inbox.builders import NOW


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T09:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20T09:00:00+02:00", datetime(2026, 11, 20, 7, tzinfo=UTC)),
    ],
)
def test_a_span_is_that_long_ago_and_a_time_is_utc_unless_it_says_otherwise(text: str, moment: datetime) -> None:
    """2h is two hours before now; a date is its midnight."""
    assert read_moment(text, now=NOW) == moment


@pytest.mark.parametrize("text", ["", "h", "2", "-2h", "2 h", "2y", "9999999w", "yesterday", "2026-13-01"])
def test_what_names_no_moment_is_refused(text: str) -> None:
    """Nothing is guessed: a repair over the wrong span would be worse than none."""
    assert read_moment(text, now=NOW) is None
