"""A Postgres that may forget what it confirmed is refused, be it ours or the operator's."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from gateway.embedded import NotDurable, check_durability, open_embedded
from gateway.embedded.binaries import bring_within_reach, find_postgres
from gateway.embedded.durability import judge_durability
from gateway.embedded.places import settle_places

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_what_must_be_on(name: str) -> None:
    """Either of them off means torn or lost commits: an error that names it."""
    with pytest.raises(NotDurable, match=f"{name}=off"):
        judge_durability(DURABLE | {name: "off"})


@pytest.mark.parametrize(("value", "warned"), [("on", False), ("local", False), ("remote_apply", False), ("off", True)])
def test_synchronous_commit_is_the_operators_choice(value: str, warned: bool) -> None:
    """Off loses at most the last moments, so it is a warning; the other values wait for the disk."""
    assert bool(judge_durability(DURABLE | {"synchronous_commit": value})) is warned


def test_real_servers_are_asked() -> None:
    """Ours passes, warns when its role gives synchronous_commit up, and is refused when started with fsync=off."""
    with tempfile.TemporaryDirectory(prefix="switchboard-test-") as folder:
        Path(folder).chmod(0o755)  # the careless server keeps root's groups
        url = asyncio.run(ask_ours(Path(folder)))
        with careless_postgres(Path(folder) / "embedded"), pytest.raises(NotDurable, match="fsync=off"):
            asyncio.run(ask_when_up(url))


async def ask_ours(state: Path) -> str:
    """The checks on a server of our own; its URL."""
    embedded = await open_embedded(state, redis=False)
    try:
        assert embedded.database_url is not None
        assert await check_durability(embedded.database_url) is None
        connection = await asyncpg.connect(embedded.database_url)
        await connection.execute("ALTER ROLE app SET synchronous_commit = off")
        await connection.close()
        assert "synchronous_commit=off" in str(await check_durability(embedded.database_url))
        return embedded.database_url
    finally:
        await embedded.close()


@contextmanager
def careless_postgres(home: Path) -> Iterator[None]:
    """The same data under a server that somebody else configured."""
    user = (home / "postgres").stat().st_uid
    options = ["-clisten_addresses=", "-cfsync=off", f"-cunix_socket_directories={home / 'run'}"]
    program = bring_within_reach(find_postgres(None), settle_places(home.parent))
    command = [str(program), "-D", str(home / "postgres"), *options]
    with subprocess.Popen(command, user=user, cwd="/", stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.terminate()


async def ask_when_up(url: str) -> str | None:
    """Its verdict, as soon as it answers."""
    deadline = time.monotonic() + 30.0
    while True:
        try:
            return await check_durability(url)
        except (OSError, asyncpg.CannotConnectNowError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
