"""The line between the browsers and the gateway, which tests cut: a proxy in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from tests.browser.stage import PATIENCE_SECONDS
from tests.faults.proxy import PASS, REFUSE, FaultProxy

BEGUN_SECONDS = 0.05
"""Then whatever was taken last is a link: one that is cancelled before it began would never close its connection."""


class Line:
    """A line whose own address stays the same; `cut` resets all that stands on it."""

    def __init__(self, proxy: FaultProxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return self._proxy.port

    def cut(self) -> None:
        """Reset every connection; new ones are taken at once."""
        self._loop.call_soon_threadsafe(self._proxy.cut)

    def take_down(self) -> None:
        """Nobody gets through, until it is put up again."""
        self._do(self._proxy.behave(REFUSE))

    def put_up(self) -> None:
        """As it was."""
        self._do(self._proxy.behave(PASS))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)


@contextmanager
def open_line_to(port: int) -> Iterator[Line]:
    """A line to a loopback port, until the end of the `with`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    proxy = FaultProxy(("127.0.0.1", port))
    try:
        asyncio.run_coroutine_threadsafe(proxy.open(), loop).result(PATIENCE_SECONDS)
        yield Line(proxy, loop)
    finally:
        asyncio.run_coroutine_threadsafe(_end(proxy), loop).result(PATIENCE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_SECONDS)
        loop.close()


async def _end(proxy: FaultProxy) -> None:
    await proxy.close()
    await asyncio.sleep(BEGUN_SECONDS)
    proxy.cut()
    links = asyncio.all_tasks() - {asyncio.current_task()}
    for link in links:
        link.cancel()
    await asyncio.gather(*links, return_exceptions=True)
    await asyncio.sleep(0)  # what was reset is closed
