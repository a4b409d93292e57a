"""Messages in pieces and in rounds: what is next, what the whole is worth, and that what arrived is not sent again."""

from __future__ import annotations

from itertools import permutations
from typing import Any
from uuid import UUID

import msgspec
import pytest

from channels.events import DeliveryError
from inbox.conversations.actions.deliveries import (
    EndedAttempt,
    PieceReport,
    apply_reports,
    begin_attempts,
    end_attempts,
    next_pieces,
    open_attempts,
    stored_parts,
)
from inbox.conversations.actions.reply import retry_message
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.ladder import State
from inbox.conversations.queries import list_attempts
from inbox.kit.db import fetch, tx
from tests.inbox.builders import (
    AGENT,
    NOW,
    committed,
    delivery_report,
    make_channel,
    one_row,
    receive,
    reply,
    rows_of,
    run_opened,
    text_message,
)

LONG = "word " * 45
"""Three pieces of a channel that carries 100 characters."""


async def long_message() -> UUID:
    """A queued message in three pieces."""
    return await reply(await receive(await make_channel(), text_message()), LONG)


async def tell(entry_id: UUID, piece: int, state: State, *, round_: int = 1, **fields: Any) -> None:
    """News of one piece."""
    [row] = await fetch(
        "SELECT id FROM delivery WHERE entry_id = $1 AND piece = $2 AND round = $3", entry_id, piece, round_
    )
    async with tx():
        held = await lock_thread((await one_row("entry", entry_id))["conversation_id"])
        report = PieceReport(delivery_id=row["id"], state=state, **fields)
        await apply_reports({held.thread.id: held}, [report], now=NOW)
        await store_threads([held], now=NOW)


async def state_of(entry_id: UUID) -> str:
    """How far the whole message is."""
    return str((await one_row("entry", entry_id))["delivery_state"])


async def next_number(entry_id: UUID) -> int | None:
    """Which piece is to be handed over next."""
    row = (await next_pieces([entry_id])).get(entry_id)
    return row["piece"] if row else None


def test_pieces_go_one_after_the_other(database_url: str) -> None:
    """The next piece is the first that is not with the provider; after the last there is none."""

    async def body() -> None:
        entry_id = await long_message()
        for piece in (1, 2, 3):
            assert await next_number(entry_id) == piece
            await tell(entry_id, piece, "sending")
            assert await next_number(entry_id) == piece
            await tell(entry_id, piece, "sent")
        assert await next_number(entry_id) is None

    run_opened(database_url, body)


def test_the_pieces_are_the_message(database_url: str) -> None:
    """What the pieces carry is the whole text in its order, and where it goes."""

    async def body() -> None:
        entry_id = await long_message()
        parts = [part for row in await rows_of("delivery", "piece") for part in stored_parts(row["parts"])]
        assert " ".join(part.text for part in parts if hasattr(part, "text")) == LONG.strip()
        row = (await next_pieces([entry_id])).get(entry_id)
        assert row is not None
        assert (row["kind"], row["address"]) == ("phone", "+12125550100")

    run_opened(database_url, body)


@pytest.mark.parametrize("end", ["failed", "undelivered", "unknown"])
def test_what_follows_a_lost_piece_is_not_sent(database_url: str, end: State) -> None:
    """When a piece fails or its outcome is not known, the rest waits for a person: nobody gets an end alone."""

    async def body() -> None:
        entry_id = await long_message()
        await tell(entry_id, 1, "sent")
        await tell(entry_id, 2, end)
        assert await next_number(entry_id) is None
        assert await state_of(entry_id) == end

    run_opened(database_url, body)


def test_a_message_is_as_far_as_its_last_piece(database_url: str) -> None:
    """In whatever order the pieces are reported, the message is delivered when all of them are."""

    async def body() -> None:
        for order in permutations((1, 2, 3)):
            entry_id = await long_message()
            seen = [await state_of(entry_id)]
            for state in ("sent", "delivered"):
                for piece in order:
                    await tell(entry_id, piece, state)
                    seen.append(await state_of(entry_id))
            assert seen == ["queued", "queued", "queued", "sent", "sent", "sent", "delivered"]

    run_opened(database_url, body)


def test_the_error_of_the_lost_piece_is_the_messages(database_url: str) -> None:
    """People read why it failed in our words and the provider's; an error that changes nothing is not shown."""

    async def body() -> None:
        entry_id = await long_message()
        error = DeliveryError(code="blocked_by_carrier", provider_code="30007", message="Carrier violation")
        await tell(entry_id, 1, "delivered")
        await tell(entry_id, 1, "failed", error=error)
        assert (await one_row("entry", entry_id))["delivery_error"] is None
        await tell(entry_id, 2, "undelivered", error=error)
        stored = (await one_row("entry", entry_id))["delivery_error"]
        assert msgspec.json.decode(stored, type=DeliveryError) == error

    run_opened(database_url, body)


def test_a_round_repeats_only_what_did_not_arrive(database_url: str) -> None:
    """Trying again makes new deliveries of the lost pieces; those with the provider are not sent twice."""

    async def body() -> None:
        entry_id = await long_message()
        await tell(entry_id, 1, "sent", provider_message_id="SM1")
        await tell(entry_id, 2, "failed")
        await committed(retry_message(entry_id, actor=AGENT, now=NOW))
        assert await state_of(entry_id) == "queued"
        rows = await fetch("SELECT piece, round, state FROM delivery WHERE round > 1 ORDER BY piece")
        assert [(row["piece"], row["round"], row["state"]) for row in rows] == [(2, 2, "queued"), (3, 2, "queued")]
        assert await next_number(entry_id) == 2

    run_opened(database_url, body)


def test_a_late_report_of_an_earlier_round_counts(database_url: str) -> None:
    """A piece that went in the first round is delivered when its report comes, whatever round the others are in."""

    async def body() -> None:
        entry_id = await long_message()
        await tell(entry_id, 1, "sent", provider_message_id="SM1")
        await tell(entry_id, 2, "failed")
        await committed(retry_message(entry_id, actor=AGENT, now=NOW))
        for piece in (2, 3):
            await tell(entry_id, piece, "delivered", round_=2)
        assert await state_of(entry_id) == "sent"
        await tell(entry_id, 1, "delivered")
        assert await state_of(entry_id) == "delivered"

    run_opened(database_url, body)


def test_a_failure_of_an_earlier_round_does_not_end_the_next(database_url: str) -> None:
    """What the provider says of a try that was given up moves nothing any more; it is kept in the log."""

    async def body() -> None:
        entry_id = await long_message()
        await tell(entry_id, 1, "unknown")
        await committed(retry_message(entry_id, actor=AGENT, now=NOW))
        await tell(entry_id, 1, "undelivered", round_=1)
        assert await state_of(entry_id) == "queued"
        assert await next_number(entry_id) == 1
        await tell(entry_id, 1, "failed", round_=2)
        await committed(retry_message(entry_id, actor=AGENT, now=NOW))
        rows = await fetch("SELECT round FROM delivery WHERE entry_id = $1 AND piece = 1 ORDER BY round", entry_id)
        assert [row["round"] for row in rows] == [1, 2, 3]

    run_opened(database_url, body)


def test_the_log_keeps_every_try_and_every_report(database_url: str) -> None:
    """Tries and reports are listed in order of arrival, also reports that changed nothing."""

    async def body() -> None:
        lane = await make_channel()
        entry_id = await reply(await receive(lane, text_message()))
        row = (await next_pieces([entry_id])).get(entry_id)
        assert row is not None
        attempts = await committed(begin_attempts([row["id"]], now=NOW))
        assert await open_attempts([row["id"]]) == attempts
        ended = EndedAttempt(id=attempts[row["id"]], outcome="sent", detail="SM1")
        await committed(end_attempts([ended], now=NOW))
        assert await open_attempts([row["id"]]) == {}
        await tell(entry_id, 1, "sent", provider_message_id="SM1")
        await receive(lane, *(delivery_report("SM1", state) for state in ("delivered", "sent")))
        logged = await list_attempts([entry_id])
        assert [(one["kind"], one["outcome"]) for one in logged] == [
            ("send", "sent"), ("report", "delivered"), ("report", "sent"),
        ]  # fmt: skip
        assert {one["provider_message_id"] for one in logged} == {"SM1"}
        assert await state_of(entry_id) == "delivered"

    run_opened(database_url, body)


def test_the_providers_id_is_kept_as_first_told(database_url: str) -> None:
    """A second id for the same delivery does not replace the one its reports are found by."""

    async def body() -> None:
        entry_id = await long_message()
        await tell(entry_id, 1, "delivered", provider_message_id="SM1")
        await tell(entry_id, 1, "sent", provider_message_id="SM2")
        [row] = await fetch("SELECT provider_message_id, state FROM delivery WHERE piece = 1")
        assert (row["provider_message_id"], row["state"]) == ("SM1", "delivered")

    run_opened(database_url, body)


def test_what_moves_is_told_once(database_url: str) -> None:
    """The feed hears of a message when its state changes, with what it was before, and only then."""

    async def body() -> None:
        entry_id = await reply(await receive(await make_channel(), text_message()))
        for state in ("sending", "sent", "sent", "delivered", "sent"):
            await tell(entry_id, 1, state)
        told = [msgspec.json.decode(row["facts"]) for row in await rows_of("feed_event", "position") if row["facts"]]
        assert told == [
            {"from": "queued", "to": "sending"}, {"from": "sending", "to": "sent"}, {"from": "sent", "to": "delivered"},
        ]  # fmt: skip

    run_opened(database_url, body)


def test_how_a_message_goes_does_not_move_its_conversation(database_url: str) -> None:
    """Reports change the message, not the place of its conversation in a list."""

    async def body() -> None:
        entry_id = await reply(await receive(await make_channel(), text_message()))
        [before] = await rows_of("conversation")
        await tell(entry_id, 1, "delivered")
        assert await rows_of("conversation") == [before]

    run_opened(database_url, body)
