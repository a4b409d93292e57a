"""Bodies of webhooks as they arrive: bounded each, and the large ones together.

A mail with its files weighs as much as ten thousand text messages. What is large has to find room before it is read,
so that a burst of mails is put off and not held.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from litestar.types import Receive

LARGE_BYTES = 1_000_000
"""From here on a body is large."""


class BodyRefused(Exception):
    """The body is not taken; the reason is one of the kinds below."""


class TooLarge(BodyRefused):
    """It is longer than its adapter takes."""


class NoRoom(BodyRefused):
    """Too many large ones are here already."""


class BrokenOff(BodyRefused):
    """The sender went away, or was too slow for the server (gateway/wire.py)."""


class BodyRoom:
    """What the large bodies of one process may weigh together, in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @contextmanager
    def place(self) -> Iterator[BodyPlace]:
        """A place for one body, given back at the end of the `with`."""
        place = BodyPlace(self)
        try:
            yield place
        finally:
            self.held -= place.held


class BodyPlace:
    """What one body has taken of the room."""

    def __init__(self, room: BodyRoom) -> None:
        self._room = room
        self.held = 0

    def grow(self, size: int) -> None:
        """Hold as much as a body of this size needs; NoRoom where it is large and others have it.

        One alone is always let in, so that a limit set too low delays a mail and does not lose it.
        """
        more = size - self.held
        if size <= LARGE_BYTES or more <= 0:
            return
        others = self._room.held - self.held
        if others and others + size > self._room.limit:
            raise NoRoom
        self.held += more
        self._room.held += more


async def read_hook_body(receive: Receive, headers: Mapping[str, str], *, limit: int, place: BodyPlace) -> bytes:
    """The raw body; BodyRefused as soon as it is known that it will not be taken."""
    announced = headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() and len(announced) < 16 else 0
    if size > limit or len(announced) >= 16:
        raise TooLarge
    place.grow(size)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return _checked(message.get("body", b""), limit)
    return await _read_rest(receive, message, limit=limit, place=place)


async def _read_rest(receive: Receive, message: Any, *, limit: int, place: BodyPlace) -> bytes:
    """Into a buffer that grows in place and becomes the body without being copied."""
    body, more = BytesIO(), True
    while more:
        if message["type"] == "http.disconnect":
            raise BrokenOff  # whoever went away hears no answer, and says nothing about signatures
        body.write(message.get("body", b""))
        more = bool(message.get("more_body", False))
        if body.tell() > limit:
            raise TooLarge
        place.grow(body.tell())
        message = await receive() if more else message
    return body.getvalue()


def _checked(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise TooLarge
    return body
