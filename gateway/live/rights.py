"""Whoever follows something live is asked about again and again: what has been revoked is not told on (T51)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias

import structlog

from gateway.tasks import running
from inbox.kit.callers import Caller
from inbox.kit.db import TRANSIENT

log = structlog.get_logger()

CHECK_SECONDS = 1.5
"""How often; with the time an answer is good, well below the 5 s that a revoked key or session may live."""

Valid: TypeAlias = Callable[[Caller], Awaitable[bool]]


class Rights:
    """Who follows in this process, and how each is ended. `valid` says whether a caller would be let in now."""

    def __init__(self, valid: Valid) -> None:
        self.valid = valid
        self._watched: dict[object, tuple[Caller, Callable[[], None]]] = {}

    @contextmanager
    def watch(self, caller: Caller, end: Callable[[], None]) -> Iterator[None]:
        """Have `end` called once the caller may no more."""
        key = object()
        self._watched[key] = caller, end
        try:
            yield
        finally:
            self._watched.pop(key, None)

    async def check(self) -> None:
        """Ask about everybody, together, and end what has to end."""
        callers = {caller.key_id: caller for caller, _ in self._watched.values()}
        answers = await asyncio.gather(*(self.valid(caller) for caller in callers.values()))
        gone = {key_id for key_id, good in zip(callers, answers, strict=True) if not good}
        for key, (caller, end) in list(self._watched.items()):
            if caller.key_id in gone:
                self._watched.pop(key, None)
                _end(end)


def _end(end: Callable[[], None]) -> None:
    """End one follower, whose breaking keeps no other alive."""
    try:
        end()
    except Exception:
        log.exception("follower_not_ended")


@asynccontextmanager
async def checking_rights(rights: Rights) -> AsyncIterator[None]:
    """Check until left."""

    async def check_forever() -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await rights.check()
            except TRANSIENT as error:
                log.warning("rights_unchecked", error=type(error).__name__)
            except Exception:
                log.exception("rights_unchecked")

    async with running(check_forever()):
        yield
