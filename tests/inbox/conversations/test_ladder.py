"""The ladder of delivery states: it is climbed, never descended, and its ends stay."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.conversations.ladder import ENDS, RANK, RETRYABLE, STEPS, State, later_state, overall_state

CLIMBING = st.sampled_from(STEPS)
ANY = st.sampled_from([*STEPS, *ENDS])
ARRIVED = ("delivered", "read")
STEADY = settings(derandomize=True, database=None, deadline=None)


def told(*states: State) -> State:
    """Where a queued message is after these reports in this order."""
    return reduce(later_state, states, "queued")


@STEADY
@given(st.lists(ANY, max_size=8))
def test_the_state_never_goes_back(reports: list[State]) -> None:
    """Whatever is reported in whatever order, a state is only ever followed by a later one or by an end."""
    state: State = "queued"
    for report in reports:
        after = later_state(state, report)
        if state in ENDS:
            assert after == state
        elif after not in ENDS:
            assert RANK[after] >= RANK[state]
        state = after


@STEADY
@given(st.sampled_from(ENDS), st.lists(ANY, max_size=8))
def test_an_end_stays(end: State, reports: list[State]) -> None:
    """Nothing that is told after an end changes it."""
    assert reduce(later_state, reports, end) == end


@STEADY
@given(st.sampled_from(ARRIVED), st.lists(ANY, max_size=8))
def test_what_has_arrived_is_not_undone(arrived: State, reports: list[State]) -> None:
    """A late failure does not take back that the message was delivered or read."""
    assert reduce(later_state, reports, arrived) in ARRIVED


@STEADY
@given(st.lists(CLIMBING, max_size=6), st.sampled_from([None, *ENDS]), st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter(climb: list[State], end: State | None, random: object) -> None:
    """With at most one end, and that of a message that never arrived, reports end alike in every order."""
    reports = [*climb, end] if end and not set(climb) & set(ARRIVED) else climb
    shuffled = list(reports)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random, typed as object in its stubs
    assert told(*shuffled) == told(*reports)


def test_any_report_passes_an_unknown_outcome() -> None:
    """What nobody knew is settled by whatever the provider says afterwards, and by nothing we did before."""
    for report in ("sent", "delivered", "read", *ENDS):
        assert later_state("unknown", report) == report
    for report in ("scheduled", "queued", "sending"):
        assert later_state("unknown", report) == "unknown"


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["sent"], "sent"),
        (["delivered", "sent"], "sent"),
        (["read", "delivered"], "delivered"),
        (["sent", "queued"], "queued"),
        (["delivered", "failed"], "failed"),
        (["unknown", "queued"], "unknown"),
        (["unknown", "delivered"], "unknown"),
        (["unknown", "failed"], "failed"),
        (["undelivered", "queued"], "undelivered"),
    ],
)
def test_a_message_in_pieces_is_as_good_as_its_worst_piece(pieces: list[State], whole: State) -> None:
    """The state of a message sent in several pieces, in whichever order they stand."""
    assert {overall_state(order) for order in permutations(pieces)} == {whole}


@STEADY
@given(st.lists(st.tuples(st.integers(0, 2), ANY), max_size=8))
def test_a_message_climbs_with_its_pieces(reports: list[tuple[int, State]]) -> None:
    """Whichever piece a report is about, the message's own state never goes back either."""
    pieces: list[State] = ["queued"] * 3
    state: State = "queued"
    for place, report in reports:
        pieces[place] = later_state(pieces[place], report)
        after = later_state(state, overall_state(pieces))
        assert after == state or after in ENDS or (state not in ENDS and RANK[after] > RANK[state])
        state = after


def test_only_what_did_not_arrive_may_be_tried_again() -> None:
    """A person may ask for another round after a failure or an unknown outcome, never while it is under way."""
    assert set(RETRYABLE) == {"failed", "undelivered", "expired", "unknown"}
    assert set(STEPS).isdisjoint(ENDS)
