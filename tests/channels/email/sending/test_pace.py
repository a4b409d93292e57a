"""How fast a channel sends."""

from __future__ import annotations

from channels.email.sending.pace import Pace


def test_a_burst_then_evenly() -> None:
    """A tenth of a minute's mails may go at once, the others a slot each; what would wait too long takes none."""
    pace = Pace(60)
    assert [pace.wait_for_slot(100.0, longest=2) for _ in range(8)] == [0, 0, 0, 0, 0, 0, 1, 2]
    assert pace.wait_for_slot(100.0, longest=2) == 3
    assert pace.wait_for_slot(100.0, longest=2) == 3, "the slot was not taken"
    assert pace.wait_for_slot(103.0, longest=2) == 0


def test_after_a_pause_the_burst_is_back_and_no_more() -> None:
    """An hour of silence does not buy an hour's mails."""
    pace = Pace(60)
    assert sum(pace.wait_for_slot(0.0, longest=0) == 0 for _ in range(100)) == 6
    assert sum(pace.wait_for_slot(3_600.0, longest=0) == 0 for _ in range(100)) == 6


def test_the_rate_holds_over_time() -> None:
    """In ten minutes ten minutes' mails go, and the burst."""
    pace, gone = Pace(30), 0
    for tenth in range(6_000):
        gone += pace.wait_for_slot(tenth / 10, longest=0) == 0
    assert 300 <= gone <= 303


def test_one_a_minute_sends() -> None:
    """The slowest channel has a burst of one."""
    pace = Pace(1)
    assert pace.wait_for_slot(0.0, longest=0) == 0
    assert pace.wait_for_slot(0.0, longest=0) == 60
