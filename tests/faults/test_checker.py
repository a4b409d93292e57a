"""The checker finds what it is there to find: a check that cannot fail proves nothing."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.faults.checker import Verdict, judge, judge_sends
from tests.faults.history import Exchange, History, acknowledge_rate, between, percentile
from tests.faults.load import at_rate, make_operations, repeated, shuffled
from tests.faults.run import Figure, group_figures

GOOD = [
    {"key": "a", "conversation_id": 1, "seq": 1, "raw_event_id": 10},
    {"key": "b", "conversation_id": 1, "seq": 2, "raw_event_id": 12},
    {"key": "c", "conversation_id": 2, "seq": 1, "raw_event_id": 11},
]


def exchange(key: str, *, answer: int | None, due: float = 0.0, latency_ms: float = 1.0) -> Exchange:
    """One line of a history."""
    return Exchange(key=key, conversation="+1", sequence=0, due=due, sent_at=0.0, answer=answer, latency_ms=latency_ms)


def test_what_was_acknowledged_and_is_stored_once_in_order_is_clean() -> None:
    """Stored without having been acknowledged is allowed: nobody knows what an unanswered request became."""
    verdict = judge({"a", "c"}, GOOD, waiting=0)
    assert verdict.clean
    assert (verdict.acknowledged, verdict.stored) == (2, 3)


@pytest.mark.parametrize(
    ("acknowledged", "rows", "waiting", "wrong"),
    [
        ({"a", "z"}, GOOD, 0, "lost"),
        ({"a"}, [*GOOD, {"key": "c", "conversation_id": 2, "seq": 2, "raw_event_id": 13}], 0, "doubled"),
        ({"a"}, [GOOD[0], {**GOOD[1], "raw_event_id": 9}], 0, "out_of_order"),
        ({"a"}, [GOOD[0], {**GOOD[1], "seq": 3}], 0, "out_of_order"),
        ({"a"}, GOOD, 1, "stranded"),
    ],
)
def test_each_fault_is_counted_under_its_name(
    acknowledged: set[str], rows: list[dict[str, object]], waiting: int, wrong: str
) -> None:
    """A lost, a doubled, a misplaced message, a hole in `seq`, a request that was never projected: one each."""
    verdict = judge(acknowledged, rows, waiting=waiting)
    assert not verdict.clean
    assert {name: getattr(verdict, name) for name in ("lost", "doubled", "out_of_order", "stranded")} == {
        name: int(name == wrong) for name in ("lost", "doubled", "out_of_order", "stranded")
    }


def test_nothing_acknowledged_is_no_proof() -> None:
    """A run in which nothing happened is not clean."""
    assert not judge(set(), [], waiting=0).clean


@pytest.mark.parametrize(
    ("states", "ledger", "expected"),
    [
        (["sent", "delivered"], [("+1", "x#1"), ("+1", "x#2")], (0, 0, 0)),
        (["sent", "unknown"], [("+1", "x#1")], (0, 0, 0)),
        (["sent", "sent"], [("+1", "x#1"), ("+1", "x#1")], (1, 0, 0)),
        (["sent", "sent"], [("+1", "x#2"), ("+1", "x#1")], (0, 1, 0)),
        (["sent", "sending"], [("+1", "x#1")], (0, 0, 1)),
    ],
)
def test_sends_are_judged_by_the_providers_ledger(
    states: list[str], ledger: list[tuple[str, str]], expected: tuple[int, int, int]
) -> None:
    """Twice in the ledger is doubled, a later text before an earlier one out of order, one without an end stranded."""
    verdict = judge_sends(["x#1", "x#2"], [{"state": state} for state in states], ledger)
    assert (verdict.doubled, verdict.out_of_order, verdict.stranded) == expected
    assert verdict.lost == 0


def test_an_accepted_send_without_a_row_is_lost() -> None:
    """What the API took has to be in the timeline."""
    assert judge_sends(["x#1", "x#2"], [{"state": "sent"}], [("+1", "x#1")]).lost == 1


def test_a_history_is_on_disk_line_by_line(tmp_path: Path) -> None:
    """What was noted can be read before the run is over; no answer and an error are not acknowledgements."""
    history = History(tmp_path / "history.jsonl")
    for number, answer in enumerate((200, 201, 503, None)):
        history.note(exchange(f"k{number}", answer=answer, due=float(number)))
    assert [one.acknowledged for one in history.read()] == [True, True, False, False]
    assert acknowledge_rate(history.read()) == 0.5
    assert [one.key for one in between(history.read(), 1, 3)] == ["k1", "k2"]
    history.close()


def test_percentiles_of_few_and_none() -> None:
    """The 99th of a hundred is the largest but one at most, and nothing is 0."""
    assert percentile(range(1, 101), 0.99) == 100
    assert percentile([5.0], 0.5) == 5.0
    assert percentile([], 0.99) == 0.0


def test_a_promise_is_judged_by_the_worst_of_its_figures() -> None:
    """A figure measured several times keeps its worst value, and one breach is a breach."""
    figures = [Figure(promise="P1", name="lost", value=value, limit=0) for value in (0, 3, 1)]
    figures += [Figure(promise="P1", name="sent", value=value, limit=5, least=True) for value in (9, 6)]
    assert group_figures(figures) == {
        "P1": {"lost": {"value": 3, "most": 0, "kept": False}, "sent": {"value": 6, "least": 5, "kept": True}}
    }


def test_the_load_is_open_numbered_and_told_again() -> None:
    """A fixed rate, each sender's texts numbered; repeats come at once to both gateways and once more later."""
    plain = at_rate(make_operations(senders=2, amount=10), 10.0)
    assert [one.due for one in plain] == [number / 10 for number in range(10)]
    assert [one.operation.sequence for one in plain] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    more = repeated(plain, share=0.2, copies=5, again_after=60, dice=Random(1))
    assert len(more) == 10 + 2 * 4 + 2
    assert sum(one.due >= 60 for one in more) == 2
    assert len({one.operation.key for one in more}) == 10
    late = shuffled(plain, within=2, late=1, late_by=30, dice=Random(1))
    assert all(30 <= after.due - before.due <= 32 for before, after in zip(plain, late, strict=True))


def test_a_verdict_names_its_faults() -> None:
    """The one line of a run has these names, which others read."""
    fields = Verdict.__struct_fields__
    assert fields == ("acknowledged", "stored", "lost", "doubled", "out_of_order", "stranded")
