"""What is told to many is read once, and nothing that was read lives on for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from gateway import showing
from gateway.following import Wanted, choose_events
from gateway.showing import Asked, Once, Showing
from inbox.conversations.search import read_conversation_query
from inbox.feed.actions import sequence_events
from inbox.feed.queries import events_after
from tests.inbox.builders import ANA, BEN, make_channel, receive, run_opened, text_message


def counted(loads: list[list[str]], *, fail: int = 0) -> Callable[[dict[str, int]], object]:
    """A load that notes what it was asked for, and fails so often."""
    left = [fail]

    async def load(wanted: dict[str, int]) -> dict[str, int]:
        loads.append(sorted(wanted))
        await asyncio.sleep(0)
        if left[0]:
            left[0] -= 1
            raise ConnectionResetError
        return {key: value * 10 for key, value in wanted.items()}

    return load


def test_who_asks_meanwhile_waits_for_the_same_answer() -> None:
    """Of several at once each asks only for what nobody has asked for yet."""

    async def body() -> None:
        loads: list[list[str]] = []
        once: Once[int, int] = Once(counted(loads))  # type: ignore[arg-type]  # it answers as it is asked
        answers = await asyncio.gather(once.get({"a": 1, "b": 2}), once.get({"b": 2, "c": 3}), once.get({"a": 1}))
        assert [answer["a"] for answer in (answers[0], answers[2])] == [10, 10]
        assert (answers[1]["b"], answers[1]["c"]) == (20, 30)
        assert loads == [["a", "b"], ["c"]]
        once.forget()
        await once.get({"a": 1})
        assert loads[2:] == [["a"]]

    asyncio.run(body())


def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """All who waited hear of it, and the next one asks anew; what is kept lasts for a moment."""
    monkeypatch.setattr(showing, "KEPT_SECONDS", 0.05)

    async def body() -> None:
        loads: list[list[str]] = []
        once: Once[int, int] = Once(counted(loads, fail=1))  # type: ignore[arg-type]  # it answers as it is asked
        failed = await asyncio.gather(once.get({"a": 1}), once.get({"a": 1}), return_exceptions=True)
        assert [type(one) for one in failed] == [ConnectionResetError] * 2
        assert await once.get({"a": 1}) == await once.get({"a": 1}) == {"a": 10}
        await asyncio.sleep(0.06)
        await once.get({"a": 1})
        assert loads == [["a"]] * 3

    asyncio.run(body())


def test_very_many_answers_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first."""
    monkeypatch.setattr(showing, "KEPT_MOST", 5)

    async def body() -> None:
        loads: list[list[str]] = []
        once: Once[int, int] = Once(counted(loads))  # type: ignore[arg-type]  # it answers as it is asked
        for number in range(20):
            await once.get({f"{number}": number})
            assert len(once._asked) <= 5
        await once.get({"19": 19})
        assert len(loads) == 20

    asyncio.run(body())


def test_events_are_chosen_as_each_finds_its_conversation(database_url: str) -> None:
    """By type, conversation and query, many wishes by one statement; the same event is shown by the same bytes."""

    async def body() -> None:
        lane = await make_channel()
        ana = await receive(lane, text_message("late", sender=ANA, name="Ana"))
        await receive(lane, text_message("broken", sender=BEN, name="Ben"))
        await sequence_events()
        rows, shown = await events_after(0, limit=50), Showing()
        everything = Wanted(None, None)
        of_ana = Wanted(None, ana)
        matching = Wanted(frozenset({"message.created"}), None, read_conversation_query("contact:ben is:open"))
        nobody = Wanted(None, None, read_conversation_query("is:closed"))
        chosen = await choose_events(rows, [everything, of_ana, matching, nobody], shown)
        assert chosen[everything] == {row["cursor"] for row in rows}
        assert chosen[of_ana] == {row["cursor"] for row in rows if row["conversation_id"] == ana}
        [one] = [row for row in rows if row["cursor"] in chosen[matching]]
        assert (one["type"], one["conversation_id"] == ana) == ("message.created", False)
        assert chosen[nobody] == frozenset()
        first, again = await shown.show(rows), await shown.show(rows[-2:])
        assert [event.body for event in again] == [event.body for event in first[-2:]]
        assert msgspec.json.decode(first[0].body)["type"] == first[0].type
        assert await shown.match([Asked(read_conversation_query("is:open"), None)], {"now": ana}) == {
            (("is:open", None), "now")
        }

    run_opened(database_url, body)
