"""Whose turn it is to parse: one at a time, and nobody for ever."""

from __future__ import annotations

from inbox.intake.actions.turns import end_turn, take_turn
from inbox.kit.ids import new_id
from tests.inbox.builders import make_channel, run_opened


def test_one_parses_and_the_others_let_it(database_url: str) -> None:
    """Who has the turn goes on with it; the next has it when it is ended, or was forgotten by one that died."""
    one, other = new_id(), new_id()

    async def body() -> None:
        channel = (await make_channel()).route.channel_id
        assert await take_turn(channel, one, seconds=30)
        assert not await take_turn(channel, other, seconds=30)
        assert await take_turn(channel, one, seconds=30)
        await end_turn(channel, other)
        assert not await take_turn(channel, other, seconds=30)
        await end_turn(channel, one)
        assert await take_turn(channel, other, seconds=-1)
        assert await take_turn(channel, one, seconds=30)

    run_opened(database_url, body)
