"""How long to wait between tries, and jobs as they are stored."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.kit.ids import new_id
from inbox.outbox.jobs import JOB_TYPES, Backoff, DeliverMessage, FetchMedia, decode_job, job_facts
from tests.inbox.builders import NOW

BACKOFF = Backoff(base_seconds=2, max_seconds=900, attempts=12)
STEADY = settings(derandomize=True, database=None, deadline=None)


def wait(attempt: int, after: float | None, seed: int) -> float:
    """Seconds until the next try."""
    at = BACKOFF.next_try(attempt, after=after, now=NOW, random=Random(seed))
    assert at is not None
    return (at - NOW).total_seconds()


@STEADY
@given(st.integers(1, 11), st.integers())
def test_waits_double_within_their_bounds(attempt: int, seed: int) -> None:
    """Each wait is twice the one before, up to the longest, give or take a fifth."""
    planned = min(2 * 2 ** (attempt - 1), 900)
    assert 0.8 * planned - 1e-6 <= wait(attempt, None, seed) <= 1.2 * planned + 1e-6


@STEADY
@given(st.integers(1, 11), st.floats(0, 10_000), st.integers())
def test_what_the_provider_asks_for_is_obeyed(attempt: int, after: float, seed: int) -> None:
    """Never sooner than Retry-After, nor sooner than we would have come anyway; jitter only lengthens it."""
    waited = wait(attempt, after, seed)
    assert waited >= after - 1e-6
    assert waited >= 0.8 * min(2 * 2 ** (attempt - 1), 900) - 1e-6
    assert waited <= max(1.2 * after, 1.2 * 900) + 1e-6


@pytest.mark.parametrize(("attempt", "ends"), [(11, False), (12, True), (13, True)])
def test_the_last_try_is_the_last(attempt: int, *, ends: bool) -> None:
    """After so many tries there is no next one, whatever the provider asks for."""
    assert (BACKOFF.next_try(attempt, after=5, now=NOW, random=Random(1)) is None) is ends


def test_tries_that_failed_together_spread() -> None:
    """Jobs that failed in the same moment do not come back in the same moment."""
    assert len({wait(3, 10, seed) for seed in range(50)}) == 50


def test_a_stored_job_comes_back_as_its_type() -> None:
    """A job is read by its tag; anything else is not a job."""
    for job in (DeliverMessage(entry_id=new_id()), FetchMedia(attachment_id=new_id())):
        assert decode_job(msgspec.json.encode(job)) == job
        assert job_facts(job)["type"] in JOB_TYPES
    assert len(set(JOB_TYPES)) == len(JOB_TYPES)
    with pytest.raises(msgspec.ValidationError):
        decode_job(b'{"type":"make_tea"}')


def test_waiting_is_counted_from_now() -> None:
    """The next try is a moment after the given one."""
    at = BACKOFF.next_try(1, after=None, now=NOW, random=Random(1))
    assert at is not None
    assert timedelta(0) < at - NOW < timedelta(seconds=3)
