"""What the doctor makes of others' clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.commands.checkup_outside import surely_ahead

CLOCK = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after", "ahead"),
    [
        (0.2, 0.4, 0), (0.9, 5.0, 0), (-4.0, 0.1, 0), (1.0, 1.2, 0),  # within what one look can tell
        (46.0, 46.2, 45), (-30.0, -29.5, -29.5),
    ],
)  # fmt: skip
def test_a_slow_answer_is_no_wrong_clock(before: float, after: float, ahead: float) -> None:
    """The other clock is read to the second and at an unknown moment: only what neither explains is told."""
    told = surely_ahead(CLOCK, CLOCK + timedelta(seconds=before), CLOCK + timedelta(seconds=after))
    assert told == timedelta(seconds=ahead)
