"""The private Postgres and Valkey, as real processes: one owner, several guests, kill -9 of everything."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
import redis.exceptions
import uvloop

from gateway.embedded import Embedded, EmbeddedError, open_embedded
from tests.gateway.embedded_owner import becomes_true, find_servers, is_gone, is_replaced, owner_process, with_children

BOTH = {"postgres", "valkey-server"}
Marks = tuple[int, str | bytes | None]


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder for one test. Not tmp_path: under root that lies behind a folder only root can pass."""
    with tempfile.TemporaryDirectory(prefix="switchboard-test-") as folder:
        yield Path(folder)


def test_a_server_is_kept_to_ourselves_and_stopped(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both serve on Unix sockets only, see no secret of ours, end with close, and find their data again (on uvloop)."""
    monkeypatch.setenv("SWITCHBOARD_SECRET_KEY", "not for the servers")
    monkeypatch.setenv("PGPORT", "1")

    async def first() -> tuple[str | None, str | None]:
        embedded = await open_embedded(state)
        servers = find_servers(state)
        assert set(servers) == BOTH
        for process in with_children(servers):
            assert process.net_connections("inet") == []
            assert "SWITCHBOARD_SECRET_KEY" not in process.environ()
        await leave_marks(embedded)
        await embedded.close()
        await embedded.close()
        assert find_servers(state) == {}
        return embedded.database_url, embedded.redis_url

    async def second() -> None:
        embedded = await open_embedded(state)
        try:
            assert await find_marks(embedded) == (1, b"1")
            assert urls == (embedded.database_url, embedded.redis_url)
        finally:
            await embedded.close()

    urls = asyncio.run(first())
    uvloop.run(second())


def test_a_killed_owner_takes_its_servers_with_it(state: Path) -> None:
    """kill -9 of the owner leaves no process behind, and what was committed is there at the next start."""
    with owner_process(state) as owner:
        servers = with_children(find_servers(state))
        asyncio.run(visit(state, leave=True))
        owner.kill()
        assert asyncio.run(becomes_true(lambda: all(map(is_gone, servers)), 2.0))
    assert asyncio.run(visit(state)) == (1, b"1")


def test_a_killed_server_is_started_again(state: Path) -> None:
    """kill -9 of the postmaster and of Valkey: their owner starts them again, with all that was committed."""

    async def scenario() -> None:
        embedded = await open_embedded(state)
        try:
            await leave_marks(embedded)
            before = find_servers(state)
            for process in before.values():
                process.kill()
            assert await becomes_true(lambda: is_replaced(before, find_servers(state)), 5.0)
            assert await find_marks(embedded) == (1, b"1")
        finally:
            await embedded.close()

    asyncio.run(scenario())
    assert find_servers(state) == {}


def test_guests_join_and_take_over(state: Path) -> None:
    """A second process starts nothing while the owner lives; when it is killed, or leaves, the next one takes over."""

    async def scenario() -> None:
        with owner_process(state) as owner:
            embedded = await open_embedded(state)
            before = find_servers(state)
            assert {process.ppid() for process in before.values()} == {owner.pid}
            await leave_marks(embedded)
            owner.kill()
            assert await becomes_true(lambda: is_replaced(before, find_servers(state)), 30.0)
        assert {process.ppid() for process in find_servers(state).values()} == {os.getpid()}
        assert await find_marks(embedded) == (1, b"1")
        with owner_process(state) as heir:
            await embedded.close()
            assert await becomes_true(lambda: {p.ppid() for p in find_servers(state).values()} == {heir.pid}, 30.0)
            assert await visit(state) == (1, b"1")
            heir.communicate("\n", timeout=60)
            assert heir.returncode == 0

    asyncio.run(scenario())
    assert find_servers(state) == {}


def test_a_session_that_outlives_its_postmaster_is_ended(state: Path) -> None:
    """A query that computes on after kill -9 of the postmaster does not keep Postgres from starting again."""

    async def scenario() -> None:
        embedded = await open_embedded(state, redis=False)
        try:
            assert embedded.redis_url is None
            connection = await asyncpg.connect(embedded.database_url)
            series = "generate_series(1, 100000)"
            query = asyncio.create_task(connection.execute(f"SELECT count(*) FROM {series} a, {series} b, {series} c"))
            await asyncio.sleep(0.3)
            before = find_servers(state)
            before["postgres"].kill()
            ended, _ = await asyncio.wait([query], timeout=30)
            assert ended
            assert isinstance(query.exception(), asyncpg.PostgresError | OSError)
            assert await becomes_true(lambda: is_replaced(before, find_servers(state)), 30.0)
            await serves(embedded, seconds=30)
            assert "pre-existing shared memory block" in (state / "embedded" / "postgres.log").read_text()
        finally:
            await embedded.close()

    asyncio.run(scenario())


def test_a_pid_file_that_names_another_process_is_no_obstacle(state: Path) -> None:
    """After a container's restart the old pid may belong to anybody: the lock says nobody is there, so we start."""
    asyncio.run(visit(state))
    home = state / "embedded"
    server_user = (home / "postgres").stat()
    with subprocess.Popen(["sleep", "60"], user=server_user.st_uid) as stranger:
        for file in (home / "postgres" / "postmaster.pid", home / "run" / ".s.PGSQL.5432.lock"):
            file.write_text(f"{stranger.pid}\n{home / 'postgres'}\n1\n5432\n\n\n")
            os.chown(file, server_user.st_uid, server_user.st_gid)
        assert asyncio.run(visit(state)) == (0, None)
        assert stranger.poll() is None
        stranger.kill()
    assert 'lock file "postmaster.pid" already exists' in (home / "postgres.log").read_text()


def test_a_damaged_append_only_file_is_put_aside(state: Path) -> None:
    """Nothing durable lives in Valkey, so a file it cannot read costs its content and not the start."""
    asyncio.run(visit(state, leave=True))
    folder = state / "embedded" / "valkey" / "appendonlydir"
    for file in folder.glob("*.aof"):
        file.write_bytes(b"nothing Valkey ever wrote\r\n" * 9)
    assert asyncio.run(visit(state)) == (1, None)
    assert folder.with_name("appendonlydir.damaged").is_dir()


def test_windows_is_told_what_to_set(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no servers for Windows: the error names the two settings that replace them."""
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EmbeddedError, match="SWITCHBOARD_DATABASE_URL and SWITCHBOARD_REDIS_URL"):
        asyncio.run(open_embedded(state))


def test_data_of_another_major_is_refused(state: Path) -> None:
    """Postgres cannot read another major's files: the error says which and what helps, and no server stays behind."""
    asyncio.run(visit(state))
    (state / "embedded" / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match=r"written by Postgres 16, .* SWITCHBOARD_PG_BIN"):
        asyncio.run(open_embedded(state))
    assert find_servers(state) == {}


def test_a_server_that_cannot_start_says_why(state: Path) -> None:
    """The error of a failed start ends with the server's own words, and the other server is stopped again."""
    asyncio.run(visit(state))
    with (state / "embedded" / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("nonsense = 1\n")
    with pytest.raises(EmbeddedError, match='unrecognized configuration parameter "nonsense"'):
        asyncio.run(open_embedded(state))
    assert find_servers(state) == {}


async def serves(embedded: Embedded, *, seconds: float) -> None:
    """Return when Postgres lets a client in; TimeoutError after that time."""
    async with asyncio.timeout(seconds):
        while True:
            with suppress(asyncpg.PostgresError, OSError):
                connection = await asyncpg.connect(embedded.database_url)
                await connection.close()
                return
            await asyncio.sleep(0.05)


async def visit(state: Path, *, leave: bool = False) -> Marks:
    """Open, leave marks if wanted, read them, close."""
    embedded = await open_embedded(state)
    try:
        if leave:
            await leave_marks(embedded)
        return await find_marks(embedded)
    finally:
        await embedded.close()


async def leave_marks(embedded: Embedded) -> None:
    """Commit a row, and set a key that has reached the disk."""
    connection = await asyncpg.connect(embedded.database_url)
    await connection.execute("CREATE TABLE mark (); INSERT INTO mark DEFAULT VALUES")
    await connection.close()
    async with redis.asyncio.from_url(str(embedded.redis_url)) as client:
        await client.set("mark", "1")
        assert await client.waitaof(1, 0, 3000) == [1, 0]


async def find_marks(embedded: Embedded) -> Marks:
    """The number of rows (0 without the table), and the key, as soon as servers that are just starting say so."""
    deadline = time.monotonic() + 30.0
    while True:
        try:
            return await _find_marks(embedded)
        except (OSError, asyncpg.PostgresError, redis.exceptions.RedisError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def _find_marks(embedded: Embedded) -> Marks:
    connection = await asyncpg.connect(embedded.database_url)
    exists = await connection.fetchval("SELECT to_regclass('mark') IS NOT NULL")
    rows = await connection.fetchval("SELECT count(*) FROM mark") if exists else 0
    await connection.close()
    async with redis.asyncio.from_url(str(embedded.redis_url)) as client:
        return rows, await client.get("mark")
