"""When a delivery is tried again, and what an answer means."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from inbox.webhooks.schedule import EXCERPT_CHARS, JITTER, Attempt, Tempo, cut_excerpt, read_status
from tests.inbox.webhooks.endpoints import NOW

HOURS = 3600.0


def waits(after: float | None = None, *, seed: int = 1) -> list[float | None]:
    """The waits after each of eleven failed tries, in seconds."""
    tries = range(1, 12)
    moments = [Tempo().next_try(count, after=after, now=NOW, random=Random(seed)) for count in tries]
    return [None if moment is None else (moment - NOW).total_seconds() for moment in moments]


def test_the_schedule_is_the_standard_one() -> None:
    """5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, each within the jitter; the tenth try is the last."""
    due = [5, 300, 1800, 2 * HOURS, 5 * HOURS, 10 * HOURS, 14 * HOURS, 20 * HOURS, 24 * HOURS]
    for seed in range(20):
        for wait, wanted in zip(waits(seed=seed), [*due, None, None], strict=True):
            assert (wait is None) == (wanted is None)
            assert wait is None or wanted is None or abs(wait - wanted) <= wanted * JITTER
    assert waits(seed=1) != waits(seed=2)


def test_retry_after_is_never_undercut() -> None:
    """An endpoint that asks for ten minutes gets them, also where the schedule would come sooner."""
    asked = waits(600)
    assert all(wait >= 600 for wait in asked if wait is not None)
    assert asked[9:] == [None, None], "the last try stays the last"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, None), (202, None), (204, None), (299, None), (301, "redirect"), (302, "redirect"), (304, "redirect"),
        (400, "http_status"), (401, "http_status"), (404, "http_status"), (410, "gone"), (429, "throttled"),
        (500, "http_status"), (502, "throttled"), (503, "http_status"), (504, "throttled"),
    ],
)  # fmt: skip
def test_only_2xx_is_success(status: int, meaning: str | None) -> None:
    """Redirects fail, 410 is goodbye, 429, 502 and 504 slow us down."""
    assert read_status(status) == meaning


def test_an_overloaded_endpoint_rests_for_as_long_as_it_says() -> None:
    """Retry-After decides; without it the setting does; and an ordinary failure throttles nothing."""
    tempo = Tempo(throttle_seconds=60)
    assert [tempo.throttle(attempt(status), after) for status, after in ((429, 7.0), (504, None), (500, 7.0))] == [
        7.0, 60.0, None,
    ]  # fmt: skip


def attempt(status: int) -> Attempt:
    """A try that was answered so."""
    return Attempt(number=1, at=NOW, duration_ms=1, status=status, error=read_status(status))


def test_an_excerpt_is_short_and_can_be_stored() -> None:
    """NUL, control characters and broken UTF-8 are replaced; an empty answer has none."""
    assert cut_excerpt(b"") is None
    assert cut_excerpt(b"no\x00\x1b[31m\xff\nline two") == "no\ufffd\ufffd[31m\ufffd\nline two"
    assert cut_excerpt("é".encode() * 10_000) == "é" * EXCERPT_CHARS


def test_the_schedule_lasts_about_three_days() -> None:
    """What an endpoint may sleep through without losing anything."""
    total = timedelta(seconds=sum(Tempo().retry_seconds))
    assert timedelta(days=3) < total < timedelta(days=3.5)
