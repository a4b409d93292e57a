"""Running an operator's command: quiet logs, the database opened and closed, failures told in a line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import msgspec
from rich.console import Console

from gateway.commands.exits import CommandFailed
from gateway.commands.failures import explained_failures
from gateway.embedded import open_embedded
from gateway.settings import Settings
from gateway.telemetry import configure_logs
from inbox.kit.db import close_database, open_database

T = TypeVar("T")

POOL_SIZE = 2
"""Connections of a command that works alone."""


def run_operator(settings: Settings, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run an operator's command to its end; the library's log lines are kept to warnings, on standard error."""
    configure_logs(msgspec.structs.replace(settings, log_level="warning", log_format="text"))
    with explained_failures():
        return asyncio.run(work())


@asynccontextmanager
async def open_tables(settings: Settings) -> AsyncIterator[str]:
    """The database of these settings, the private one started if need be; yields its URL."""
    async with AsyncExitStack() as stack:
        url = settings.database_url
        if url is None:
            with waiting("Opening the private database"):
                embedded = await open_embedded(settings.data_dir, redis=False, pg_bin=settings.pg_bin)
            stack.push_async_callback(embedded.close)
            url = embedded.database_url
        if url is None:
            raise CommandFailed("the private database did not say where it is")
        await open_database(url, size=POOL_SIZE)
        stack.push_async_callback(close_database)
        yield url


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """A spinner on standard error while something takes its time; nothing where nobody looks."""
    console = Console(stderr=True)
    if not (sys.stderr.isatty() and console.is_terminal):
        yield
        return
    with console.status(words, spinner="dots"):
        yield
