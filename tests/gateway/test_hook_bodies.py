"""Bodies of webhooks: bounded each and together, given up when the sender is gone, and put off rather than held."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.hook_bodies import LARGE_BYTES, BodyRefused, BodyRoom, BrokenOff, NoRoom, TooLarge, read_hook_body

LIMIT = 3 * LARGE_BYTES
ROOM = 4 * LARGE_BYTES
GONE: dict[str, Any] = {"type": "http.disconnect"}


def pieces(*sizes: int) -> list[dict[str, Any]]:
    """A body in pieces."""
    return [
        {"type": "http.request", "body": b"x" * size, "more_body": n < len(sizes)} for n, size in enumerate(sizes, 1)
    ]


def read(
    messages: Sequence[dict[str, Any]], *, announced: str = "", room: BodyRoom | None = None
) -> bytes | type[BodyRefused]:
    """What becomes of these messages; whoever is asked for more than there is waits for ever."""

    async def reading() -> bytes:
        left = list(messages)

        async def receive() -> Any:
            return left.pop(0) if left else await asyncio.Event().wait()

        with (room or BodyRoom(ROOM)).place() as place:
            return await read_hook_body(receive, {"content-length": announced}, limit=LIMIT, place=place)

    try:
        return asyncio.run(reading())
    except BodyRefused as refused:
        return type(refused)


@pytest.mark.parametrize("sizes", [(0,), (10,), (LIMIT,), (1, 0, 2), (LARGE_BYTES, LARGE_BYTES, LARGE_BYTES)])
def test_a_body_is_whole(sizes: tuple[int, ...]) -> None:
    """In one piece or in many, up to the very limit, with its length announced or not."""
    assert read(pieces(*sizes)) == b"x" * sum(sizes)
    assert read(pieces(*sizes), announced=str(sum(sizes))) == b"x" * sum(sizes)


@pytest.mark.parametrize(
    ("messages", "announced", "refused"),
    [
        ([], str(LIMIT + 1), TooLarge),
        ([], "9" * 5_000, TooLarge),
        (pieces(LIMIT + 1), "", TooLarge),
        (pieces(LIMIT, 1), "", TooLarge),
        (pieces(LIMIT, 1, 1), "12", TooLarge),
        ([GONE], "", BrokenOff),
        ([*pieces(1, 1)[:1], GONE], "", BrokenOff),
    ],
)
def test_what_is_too_much_or_never_comes_is_refused(
    messages: list[dict[str, Any]], announced: str, refused: type[BodyRefused]
) -> None:
    """By what is announced before anything is read; else as soon as it is too much; and when the sender goes away."""
    assert read(messages, announced=announced) is refused


@pytest.mark.parametrize("announced", ["", "-5", "1e9", "٣"])
def test_an_odd_length_is_not_believed(announced: str) -> None:
    """What is no number is as good as nothing: the body itself is counted."""
    assert read(pieces(5), announced=announced) == b"xxxxx"


def test_whoever_goes_away_gives_the_room_back() -> None:
    """What a body held is free again when the rest of it does not come."""
    room = BodyRoom(ROOM)
    assert read([*pieces(LARGE_BYTES, LARGE_BYTES, 1)[:2], GONE], announced=str(LIMIT), room=room) is BrokenOff
    assert room.held == 0


def test_large_bodies_share_a_room() -> None:
    """What would not fit beside the others is put off before it is read; small ones always pass."""
    room = BodyRoom(ROOM)
    with room.place() as first, room.place() as second:
        first.grow(LIMIT)
        second.grow(LARGE_BYTES)
        assert room.held == LIMIT
        assert read([], announced=str(LIMIT), room=room) is NoRoom
        assert read(pieces(LARGE_BYTES, LARGE_BYTES, 5)[:2], room=room) is NoRoom
        assert read(pieces(LARGE_BYTES), announced=str(LARGE_BYTES), room=room) == b"x" * LARGE_BYTES
        assert room.held == LIMIT
    assert room.held == 0
    assert read(pieces(LIMIT), announced=str(LIMIT), room=room) == b"x" * LIMIT


def test_one_body_alone_is_always_let_in() -> None:
    """A room that is set too small lets mails in one by one, and loses none."""
    room = BodyRoom(10)
    assert read(pieces(LIMIT), announced=str(LIMIT), room=room) == b"x" * LIMIT
    with room.place() as place:
        place.grow(LIMIT)
        assert read([], announced=str(LIMIT), room=room) is NoRoom
