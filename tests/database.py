"""Real servers for tests: one private Postgres and Valkey a session, a fresh copy of the migrated database a test."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from gateway.embedded import open_embedded
from gateway.migrate import migrate_database

TEMPLATE = "switchboard_template"
NUMBERS = count(1)
MEMORY = Path("/dev/shm")
ROOM_BYTES = 4_000_000_000


class Servers:
    """The session's servers. `database_url` is the maintenance database; tests clone the template from there."""

    def __init__(self, *, database_url: str, redis_url: str) -> None:
        self.database_url = database_url
        self.redis_url = redis_url


@contextmanager
def roomy_folder(otherwise: Path) -> Iterator[Path]:
    """Where the servers keep their files: in memory where there is room, since each test makes and drops a database.

    Everything else is as in life; that commits survive is what the fault runs show, on a disk.
    """
    if not (MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(prefix="switchboard-tests-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # under root the servers run as another user
        yield Path(folder)


@contextmanager
def running_servers(state_dir: Path) -> Iterator[Servers]:
    """Start both servers, migrate the template once, and stop them at the end."""
    with asyncio.Runner() as runner:
        embedded = runner.run(open_embedded(state_dir))
        try:
            assert embedded.database_url is not None
            assert embedded.redis_url is not None
            runner.run(_make_template(embedded.database_url))
            yield Servers(database_url=embedded.database_url, redis_url=embedded.redis_url)
        finally:
            runner.run(embedded.close())


@contextmanager
def cloned_database(server_url: str, *, template: str | None = TEMPLATE) -> Iterator[str]:
    """The URL of a database of the test's own: a copy of the migrated template, or empty where `template` is None."""
    name = f"test_{next(NUMBERS)}"
    source = template or "template0"
    # The files are copied rather than the pages logged: such a database is small, and lives for one test.
    run_sql(server_url, f'CREATE DATABASE {name} TEMPLATE "{source}" STRATEGY file_copy')
    try:
        yield other_database(server_url, name)
    finally:
        run_sql(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def other_database(url: str, name: str) -> str:
    """The same server's URL with another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def run_sql(url: str, *statements: str) -> None:
    """Run statements on a connection of their own, outside any loop."""
    asyncio.run(_run_sql(url, statements))


async def _run_sql(url: str, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _make_template(url: str) -> None:
    await _run_sql(url, (f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}"))
    await migrate_database(other_database(url, TEMPLATE))
