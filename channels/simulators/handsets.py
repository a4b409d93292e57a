"""The phones at the other end: what each one shows, and how to watch messages arrive. Provider-neutral."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Literal

import msgspec

HANDSET_TEXTS = 1000  # texts a handset shows, the oldest are forgotten first


class HandsetText(msgspec.Struct, kw_only=True, frozen=True):
    """One text as a handset shows it; `peer` is the business number, `at` Unix time.

    `author` is "carrier" for what the network itself answers, such as the confirmation of STOP.
    """

    sid: str
    handset: str
    peer: str
    author: Literal["handset", "business", "carrier"]
    body: str
    at: float
    media_urls: list[str] = []


class Handsets:
    """All handsets by number. Every number has one, from its first text on."""

    def __init__(self) -> None:
        self.on_arrival: list[Callable[[HandsetText], None]] = []
        self._texts: dict[str, deque[HandsetText]] = {}

    def show_text(self, text: HandsetText) -> None:
        """Put it on the handset's screen, and tell the watchers unless the handset wrote it itself."""
        self._texts.setdefault(text.handset, deque(maxlen=HANDSET_TEXTS)).append(text)
        if text.author != "handset":
            for callback in list(self.on_arrival):
                callback(text)

    def texts_on(self, handset: str) -> list[HandsetText]:
        """What this handset shows, both ways, oldest first."""
        return list(self._texts.get(handset, ()))

    @property
    def known(self) -> list[str]:
        """The numbers of all handsets that ever had a text."""
        return list(self._texts)

    def watch_handset(self, handset: str | None = None) -> HandsetWatch:
        """Messages as they reach this handset, or any: `with ... as texts: async for text in texts`."""
        return HandsetWatch(self, handset)


class HandsetWatch:
    """An endless asynchronous iterator over arrivals, from the moment the `with` block is entered."""

    def __init__(self, handsets: Handsets, handset: str | None) -> None:
        self._handsets = handsets
        self._handset = handset
        self._queue: asyncio.Queue[HandsetText] = asyncio.Queue()

    def __enter__(self) -> HandsetWatch:
        self._handsets.on_arrival.append(self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handsets.on_arrival.remove(self._take)

    def __aiter__(self) -> HandsetWatch:
        return self

    async def __anext__(self) -> HandsetText:
        return await self._queue.get()

    def _take(self, text: HandsetText) -> None:
        if self._handset in (None, text.handset):
            self._queue.put_nowait(text)
