"""What a demo needs is made once, however often it is run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from gateway.commands.exits import CommandFailed
from gateway.commands.openapi import unopened_runtime
from gateway.configuration import load_settings
from gateway.demo.seeding import (
    ADAPTER,
    BOSS,
    CHAT_NAME,
    CUSTOMER_MAIL,
    CUSTOMER_PHONE,
    DEMO_API_KEY,
    DEMO_PASSWORD,
    LINES,
    MAIL_NAME,
    STAFF,
    Seeded,
    seed_demo,
)
from gateway.demo.stories import STORIES
from gateway.runtime import Runtime
from inbox.accounts.queries import live_channels
from inbox.kit.db import close_database, fetch, open_database, tx
from inbox.staff.actions import create_api_key, revoke_api_key
from inbox.staff.keys import hash_secret, looks_like_key
from inbox.staff.passwords.actions import set_password, try_password
from inbox.staff.queries import find_caller, list_agents, list_api_keys

URL = "http://127.0.0.1:8000"


def with_runtime(database_url: str, folder: Path, act: Callable[[Runtime], Awaitable[None]]) -> None:
    """Act with a demo's runtime over this database, which may call itself."""

    async def run() -> None:
        settings, _ = load_settings({"SWITCHBOARD_DATA_DIR": str(folder)}, demo=True, env_file=folder / ".env")
        settings = msgspec.structs.replace(settings, egress_allow=("127.0.0.1",))
        await open_database(database_url, size=2)
        try:
            await act(unopened_runtime(settings))
        finally:
            await close_database()

    asyncio.run(run())


def test_seeding_again_changes_nothing_but_the_simulators_address(database_url: str, tmp_path: Path) -> None:
    """The second run finds its channels, agents and keys, and points the channels at its own simulator."""

    async def seed_twice(runtime: Runtime) -> None:
        first = await seed_demo(runtime, api_url="http://127.0.0.1:1111", mail_port=1025, url=URL)
        again = await seed_demo(runtime, api_url="http://127.0.0.1:2222", mail_port=2025, url=URL)
        assert again == first
        rows = await live_channels()
        assert sorted(row.name for row in rows) == sorted([MAIL_NAME, CHAT_NAME, *(name for _, name in LINES.values())])
        assert len(await list_agents(after=None, limit=50)) == len(STAFF)
        assert len(await list_api_keys(after=None, limit=50)) == len(STAFF) + 1
        account = runtime.catalogue.open_account(rows[0].id, ADAPTER, sealed=rows[0].settings)
        assert msgspec.to_builtins(account.settings)["api_url"] == "http://127.0.0.1:2222"

    with_runtime(database_url, tmp_path, seed_twice)


def test_every_language_has_an_agent_and_every_agent_a_key(database_url: str, tmp_path: Path) -> None:
    """Agents answer in the customer's language, and in their own name."""

    async def seed(runtime: Runtime) -> None:
        seeded = await seed_demo(runtime, api_url="http://127.0.0.1:1111", mail_port=1025, url=URL)
        assert set(seeded.clerks) == set(STORIES)
        for clerk in (clerk for speakers in seeded.clerks.values() for clerk in speakers):
            known = await find_caller(hash_secret(clerk.api_key))
            assert known is not None
            assert known.caller.actor.id == clerk.id

    with_runtime(database_url, tmp_path, seed)


def test_a_database_in_earnest_is_left_alone(database_url: str, tmp_path: Path) -> None:
    """The published key is never put into a database that a real gateway uses."""

    async def refuse(runtime: Runtime) -> None:
        async with tx():
            await create_api_key(name="helpdesk", scopes=["admin"])
        with pytest.raises(CommandFailed, match="no demo"):
            await seed_demo(runtime, api_url="http://127.0.0.1:1111", mail_port=1025, url=URL)
        assert await find_caller(hash_secret(DEMO_API_KEY)) is None
        assert await live_channels() == []

    with_runtime(database_url, tmp_path, refuse)


def test_a_revoked_demo_key_is_not_brought_back(database_url: str, tmp_path: Path) -> None:
    """What somebody revoked stays revoked: the run gets a key of its own."""
    assert looks_like_key(DEMO_API_KEY)

    async def revoke(runtime: Runtime) -> None:
        first: Seeded = await seed_demo(runtime, api_url="http://127.0.0.1:1111", mail_port=1025, url=URL)
        assert first.api_key == DEMO_API_KEY
        known = await find_caller(hash_secret(DEMO_API_KEY))
        assert known is not None
        async with tx():
            await revoke_api_key(known.caller.key_id)
        second = await seed_demo(runtime, api_url="http://127.0.0.1:1111", mail_port=1025, url=URL)
        assert second.api_key != DEMO_API_KEY
        assert await find_caller(hash_secret(DEMO_API_KEY)) is None

    with_runtime(database_url, tmp_path, revoke)


def test_the_boss_signs_in_with_the_published_password(database_url: str, tmp_path: Path) -> None:
    """The login that is printed opens the console, as an administrator; a password somebody chose instead stays."""

    async def sign_in(runtime: Runtime) -> None:
        await seed_demo(runtime, api_url="http://127.0.0.1:1111", mail_port=1025, url=URL)
        boss = (await try_password(BOSS, DEMO_PASSWORD)).proven
        assert boss is not None
        assert [row.role for row in await list_agents(after=None, limit=50) if row.id == boss.agent_id] == ["admin"]
        async with tx():
            await set_password(boss.agent_id, "another password of theirs")
        await seed_demo(runtime, api_url="http://127.0.0.1:1111", mail_port=1025, url=URL)
        assert (await try_password(BOSS, "another password of theirs")).proven is not None

    with_runtime(database_url, tmp_path, sign_in)


def test_whom_one_plays_is_one_person(database_url: str, tmp_path: Path) -> None:
    """Ana is known by phone, mail and account, so that whatever she writes with comes to one contact; only once."""

    async def meet(runtime: Runtime) -> None:
        for _ in range(2):
            await seed_demo(runtime, api_url="http://127.0.0.1:1111", mail_port=1025, url=URL)
        rows = await fetch("SELECT c.external, i.address FROM contact c JOIN identity i ON i.contact_id = c.id")
        assert {row["address"] for row in rows} == {CUSTOMER_PHONE, CUSTOMER_MAIL}
        assert all("customer-ana" in str(row["external"]) for row in rows)

    with_runtime(database_url, tmp_path, meet)
