"""Wrong signatures: refused, but put off where it looks as if we had lost the right secret."""

from __future__ import annotations

from gateway.guard import FRESH_SECONDS, HOLD_SECONDS, RUN, VerificationGuard


def failed(guard: VerificationGuard, times: int, *, now: float) -> list[bool]:
    """So many wrong signatures in a row; which of them began a hold."""
    return [guard.note_failure(now) for _ in range(times)]


def test_a_stranger_is_refused_however_often_he_tries() -> None:
    """A channel that never verified anything is given no benefit of the doubt."""
    guard = VerificationGuard()
    assert not any(failed(guard, 10 * RUN, now=5))
    assert not guard.holds(5)


def test_a_run_of_failures_after_a_success_is_put_off() -> None:
    """So many failures with no success between look like a rotated secret: from then on requests are put off."""
    guard = VerificationGuard()
    guard.note_success(0)
    assert failed(guard, RUN, now=10) == [False] * (RUN - 1) + [True]
    assert guard.holds(10)
    assert failed(guard, 5, now=11) == [False] * 5
    assert guard.holds(11)


def test_an_attacker_beside_good_traffic_makes_no_hold() -> None:
    """One good request ends the run, however many bad ones stand around it."""
    guard = VerificationGuard()
    for moment in range(50):
        guard.note_success(moment)
        assert not any(failed(guard, RUN - 1, now=moment))
    assert not guard.holds(50)


def test_a_hold_ends() -> None:
    """After the hold wrong requests are refused again, and no second hold begins by itself."""
    guard = VerificationGuard()
    guard.note_success(0)
    failed(guard, RUN, now=10)
    assert guard.holds(10 + HOLD_SECONDS)
    assert not guard.holds(10 + HOLD_SECONDS + 1)
    assert not any(failed(guard, 10 * RUN, now=10 + HOLD_SECONDS + 2))
    assert not guard.holds(10 + HOLD_SECONDS + 2)


def test_the_right_secret_ends_a_hold() -> None:
    """Once something verifies again, all is as before, and another run may begin another hold."""
    guard = VerificationGuard()
    guard.note_success(0)
    failed(guard, RUN, now=10)
    guard.note_success(20)
    assert not guard.holds(20)
    assert failed(guard, RUN, now=30)[-1]


def test_a_channel_long_silent_gets_no_doubt() -> None:
    """Only a channel that verified within the last day may have lost its secret just now."""
    guard = VerificationGuard()
    guard.note_success(0)
    assert not any(failed(guard, RUN, now=FRESH_SECONDS + 1))
    edge = VerificationGuard()
    edge.note_success(0)
    assert failed(edge, RUN, now=FRESH_SECONDS)[-1]


def test_a_provider_that_drops_what_is_refused_gets_no_run() -> None:
    """Where one refusal loses a mail the hold begins with the first failure, and somebody is told."""
    guard = VerificationGuard(run=1)
    guard.note_success(0)
    assert failed(guard, 3, now=10) == [True, False, False]
    assert guard.holds(10)
