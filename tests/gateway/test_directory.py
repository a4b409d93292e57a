"""The directory of channels: fresh while Postgres is there, remembered while it is not."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest

from gateway import directory as directory_module
from gateway.directory import CACHE_NAME, ChannelAway, ChannelDirectory
from inbox.accounts.actions import ChannelChange, connect_channel, disconnect_channel, update_channel
from inbox.accounts.catalogue import Catalogue
from inbox.accounts.queries import open_channels
from inbox.kit.callers import SYSTEM
from inbox.kit.db import close_database, execute, open_database
from inbox.kit.ids import new_id
from tests.inbox.accounts.adapters import make_catalogue
from tests.inbox.contacts.opened import committed, run_opened

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
SETTINGS = {"loft": "north", "token": "canary-t0p", "numbers": ["+12125550100", "+12125550101"]}


async def connect(**settings: Any) -> UUID:
    """A new channel."""
    given = {**SETTINGS, **settings}
    return await committed(
        connect_channel("sms-pigeon", "North", settings=given, catalogue=make_catalogue(), actor=SYSTEM)
    )


async def change(channel_id: UUID, **changes: Any) -> None:
    """A change of it."""
    work = update_channel(channel_id, ChannelChange(**changes), catalogue=make_catalogue(), actor=SYSTEM)
    await committed(work)


def run_with_directory(
    database_url: str,
    tmp_path: Path,
    body: Callable[[ChannelDirectory], Awaitable[None]],
    *,
    catalogue: Catalogue | None = None,
) -> None:
    """Run a test's body with a directory that has loaded nothing yet."""

    async def opened() -> None:
        directory = ChannelDirectory(catalogue or make_catalogue(), cache=tmp_path / CACHE_NAME)
        try:
            await body(directory)
        finally:
            await directory.close()

    run_opened(database_url, opened)


def test_channels_are_found_with_their_accounts(database_url: str, tmp_path: Path) -> None:
    """A live channel is found by its id, opened for its adapter."""

    async def body(directory: ChannelDirectory) -> None:
        channel = await connect()
        assert not directory.known()
        await directory.refresh()
        assert directory.known()
        live = directory.find(channel)
        assert live is not None
        assert (live.id, live.adapter, live.medium, live.provider) == (channel, "sms-pigeon", "sms", "pigeon")
        assert (live.status, live.realm, live.addresses) == ("active", "north", ("+12125550100", "+12125550101"))
        assert live.account.settings.addresses == live.addresses
        assert directory.find(new_id()) is None

    run_with_directory(database_url, tmp_path, body)


def test_siblings_share_credentials(database_url: str, tmp_path: Path) -> None:
    """An event may go to the channel of the same adapter and account that holds the address, and to no other."""

    async def body(directory: ChannelDirectory) -> None:
        one = await connect()
        two = await connect(numbers=["+12125550109"])
        stranger = await connect(loft="south", numbers=["+12125550108"])
        await directory.refresh()
        found = directory.find_sibling(one, "+12125550109")
        assert found is not None
        assert found.id == two
        assert directory.find_sibling(one, "+12125550108") is None
        assert directory.find_sibling(stranger, "+12125550109") is None
        assert directory.find_sibling(new_id(), "+12125550109") is None

    run_with_directory(database_url, tmp_path, body)


def test_changes_in_this_process_are_known_at_once(database_url: str, tmp_path: Path) -> None:
    """Connecting, pausing and removing a channel here shows without waiting for the next refresh; paused is live."""

    async def body(directory: ChannelDirectory) -> None:
        channel = await connect()
        await asyncio.sleep(0.2)
        assert directory.find(channel) is not None
        await change(channel, status="paused")
        await asyncio.sleep(0.2)
        paused = directory.find(channel)
        assert paused is not None
        assert paused.status == "paused"
        await committed(disconnect_channel(channel, actor=SYSTEM))
        await asyncio.sleep(0.2)
        assert directory.find(channel) is None

    run_with_directory(database_url, tmp_path, body)


def test_nobody_is_called_unknown_without_a_look(database_url: str, tmp_path: Path) -> None:
    """A channel that another process connected a moment ago is found; only what the database lacks is unknown."""

    async def body(directory: ChannelDirectory) -> None:
        await directory.refresh()
        with patch("inbox.accounts.actions.wake_after_commit"):  # as if another process did it
            channel = await connect()
        assert directory.find(channel) is None
        found = await directory.look_up(channel)
        assert found is not None
        assert found.id == channel
        assert await directory.look_up(new_id()) is None

    run_with_directory(database_url, tmp_path, body)


def test_strangers_do_not_make_us_ask_often(database_url: str, tmp_path: Path) -> None:
    """A flood of unknown ids is answered by a few looks into the database, not by one each."""

    async def body(directory: ChannelDirectory) -> None:
        looks = 0

        async def counted() -> Any:
            nonlocal looks
            looks += 1
            return await open_channels()

        with patch.object(directory_module, "open_channels", counted):
            found = await asyncio.gather(*(directory.look_up(new_id()) for _ in range(200)))
        assert set(found) == {None}
        assert looks <= 2

    run_with_directory(database_url, tmp_path, body)


def test_channels_are_remembered_while_postgres_is_away(database_url: str, tmp_path: Path) -> None:
    """A process that starts during an outage knows the channels from the file, secrets and all."""

    async def fill(directory: ChannelDirectory) -> None:
        await connect()
        await directory.refresh()

    run_with_directory(database_url, tmp_path, fill)

    async def recall(directory: ChannelDirectory) -> None:
        await directory.refresh_or_recall()
        assert directory.known()
        (live,) = directory.all_channels()
        assert live.account.settings.token == "canary-t0p"  # type: ignore[attr-defined]  # the pigeons' settings
        assert await directory.look_up(live.id) == live
        with pytest.raises(ChannelAway):
            await directory.look_up(new_id())

    run_with_directory(NOWHERE, tmp_path, recall)


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    """Then nobody may be told that there is no such channel."""

    async def body(directory: ChannelDirectory) -> None:
        await directory.refresh_or_recall()
        assert not directory.known()
        with pytest.raises(ChannelAway):
            await directory.look_up(new_id())

    run_with_directory(NOWHERE, tmp_path, body)


@pytest.mark.parametrize("damage", [b"", b"\x01garbage", None])
def test_a_damaged_file_is_no_file(database_url: str, tmp_path: Path, damage: bytes | None) -> None:
    """A file that is torn, or was sealed with another key (None here), is set aside, not believed."""

    async def fill(directory: ChannelDirectory) -> None:
        await connect()
        await directory.refresh()

    run_with_directory(database_url, tmp_path, fill)
    if damage is not None:
        (tmp_path / CACHE_NAME).write_bytes(damage)

    async def recall(directory: ChannelDirectory) -> None:
        await directory.refresh_or_recall()
        assert not directory.known()

    other = make_catalogue(key="another key, another key, another")
    run_with_directory(NOWHERE, tmp_path, recall, catalogue=other if damage is None else None)


def test_the_file_holds_nothing_in_clear(database_url: str, tmp_path: Path) -> None:
    """The file is sealed, readable by us alone, written whole, and left alone while nothing changes."""
    cache = tmp_path / CACHE_NAME

    async def body(directory: ChannelDirectory) -> None:
        channel = await connect()
        await directory.refresh()
        content = cache.read_bytes()
        assert b"canary" not in content
        assert b"12125550100" not in content
        assert stat.S_IMODE(cache.stat().st_mode) == 0o600
        await directory.refresh()
        assert cache.read_bytes() == content
        await change(channel, name="N")
        await directory.refresh()
        assert cache.read_bytes() != content

    run_with_directory(database_url, tmp_path, body)
    assert [path.name for path in tmp_path.iterdir()] == [CACHE_NAME]


def test_a_full_disk_costs_the_copy_only(database_url: str, tmp_path: Path) -> None:
    """Where the file cannot be written the channels are known all the same, and it is tried again."""
    cache = tmp_path / CACHE_NAME

    async def body(directory: ChannelDirectory) -> None:
        channel = await connect()
        cache.mkdir()
        await directory.refresh()
        assert directory.find(channel) is not None
        cache.rmdir()
        await directory.refresh()
        assert cache.is_file()

    run_with_directory(database_url, tmp_path, body)


def test_one_unreadable_channel_hides_no_other(database_url: str, tmp_path: Path) -> None:
    """A channel that cannot be opened is away, not unknown: its provider is to come again; the others work."""

    async def body(directory: ChannelDirectory) -> None:
        good, bad = await connect(), await connect(loft="south")
        await execute("UPDATE channel SET settings = 'x', version = 2 WHERE id = $1", bad)
        await directory.refresh()
        assert directory.find(good) is not None
        assert directory.find(bad) is None
        with pytest.raises(ChannelAway):
            await directory.look_up(bad)

    run_with_directory(database_url, tmp_path, body)


def test_an_outage_forgets_nothing(database_url: str, tmp_path: Path) -> None:
    """When Postgres goes away the channels stay known."""

    async def body(directory: ChannelDirectory) -> None:
        channel = await connect()
        await directory.refresh()
        await close_database()
        await open_database(NOWHERE, size=1)
        with pytest.raises(OSError, match="Connect"):
            await directory.refresh()
        assert directory.find(channel) is not None

    run_with_directory(database_url, tmp_path, body)
