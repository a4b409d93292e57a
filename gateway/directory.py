"""Every live channel, in memory: webhooks are verified and messages sent without asking the database first.

What is known is kept in a sealed file as well, so that a process that starts while Postgres is away can still tell
whose webhook it is looking at.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from contextvars import Context
from pathlib import Path
from uuid import UUID

import msgspec
import structlog

from channels.contract import Account, Medium, Repeatable
from inbox.accounts.actions import TOPIC
from inbox.accounts.catalogue import Catalogue, UnreadableChannel
from inbox.accounts.queries import ChannelRow, ChannelStatus, open_channels
from inbox.kit.db import TRANSIENT, on_wake
from inbox.kit.secrets import WrongKey

log = structlog.get_logger()

CACHE_NAME = "channels.cache"
"""The file's name, and the place its contents are sealed for."""
ONLY_OURS = 0o600
MISS_SECONDS = 0.2
"""The least time between two looks into the database for channels nobody knows: strangers may ask often."""


class ChannelAway(Exception):
    """Whether there is such a channel, or what it is, cannot be known now: ask again later."""


class LiveChannel(msgspec.Struct, kw_only=True, frozen=True):
    """A channel, opened. A paused one takes messages and sends none, a `repeatable` one may be sent the same twice."""

    id: UUID
    adapter: str
    medium: Medium
    provider: str
    name: str
    realm: str
    addresses: tuple[str, ...]
    status: ChannelStatus
    version: int
    account: Account
    repeatable: bool = False


class ChannelDirectory:
    """The live channels as this process knows them; `refresh` is called every second or so, and on every change here.

    `cache` is the file that outlives the process.
    """

    def __init__(self, catalogue: Catalogue, *, cache: Path) -> None:
        self._catalogue = catalogue
        self._cache = cache
        self._known = False
        self._live: dict[UUID, LiveChannel] = {}
        self._closing: dict[UUID, LiveChannel] = {}
        self._unreadable: frozenset[UUID] = frozenset()
        self._siblings: dict[tuple[str, str, str], UUID] = {}
        self._kept: bytes | None = None
        self._alone = asyncio.Lock()
        self._begun = self._done = 0
        self._begun_at = float("-inf")
        self._tasks: set[asyncio.Task[None]] = set()
        self._unhook = on_wake(TOPIC, self._hear)

    def known(self) -> bool:
        """Whether the channels were ever loaded; before that nothing can be called unknown."""
        return self._known

    def find(self, channel_id: UUID) -> LiveChannel | None:
        """The channel, if this process has heard of it."""
        return self._live.get(channel_id)

    def find_parsing(self, channel_id: UUID) -> LiveChannel | None:
        """As `find`, or a channel that was removed and whose journal is not projected to its end."""
        return self._live.get(channel_id) or self._closing.get(channel_id)

    def find_sibling(self, channel_id: UUID, address: str) -> LiveChannel | None:
        """The channel of the same adapter and credentials that holds an address of ours; None if there is none."""
        asked = self.find_parsing(channel_id)
        if asked is None:
            return None
        holder = self._siblings.get((asked.adapter, asked.realm, address))
        return self._live.get(holder) if holder is not None else None

    def all_channels(self) -> list[LiveChannel]:
        """The live channels, the oldest first."""
        return list(self._live.values())

    async def look_up(self, channel_id: UUID) -> LiveChannel | None:
        """As `find`, but None only after the database was asked just now; ChannelAway where it does not answer."""
        found = self._live.get(channel_id)
        if found is None and channel_id not in self._unreadable:
            await self._look_again()
            found = self._live.get(channel_id)
        if channel_id in self._unreadable:
            raise ChannelAway("the channel's settings cannot be read")
        return found

    async def refresh(self) -> None:
        """Load the channels from the database, and keep a copy where they changed."""
        async with self._alone:
            await self._load()

    async def refresh_or_recall(self) -> None:
        """Load the channels, if need be from the file, as the last process left it."""
        try:
            await self.refresh()
        except TRANSIENT:
            rows = await asyncio.to_thread(self._read_cache)
            if rows is not None:
                self._take(rows)
            log.warning("channels_recalled", outcome="nothing" if rows is None else "file", count=len(self._live))

    async def close(self) -> None:
        """Hear of no more changes."""
        self._unhook()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _look_again(self) -> None:
        """Load once for all who ask meanwhile, and not more often than strangers should make us."""
        begun = self._begun
        async with self._alone:
            if self._done > begun:  # that load began after we asked
                return
            await asyncio.sleep(max(0.0, self._begun_at + MISS_SECONDS - time.monotonic()))
            try:
                await self._load()
            except TRANSIENT as error:
                raise ChannelAway("the database does not answer") from error

    async def _load(self) -> None:
        self._begun, self._begun_at = self._begun + 1, time.monotonic()
        rows = await open_channels()
        self._take(rows)
        self._done = self._begun
        await self._keep(rows)

    def _take(self, rows: Iterable[ChannelRow]) -> None:
        live: dict[UUID, LiveChannel] = {}
        closing: dict[UUID, LiveChannel] = {}
        unreadable = set()
        for row in rows:
            before = self.find_parsing(row.id)
            known = live if row.deleted_at is None else closing
            try:
                known[row.id] = before if before and before.version == row.version else self._open(row)
            except UnreadableChannel as error:
                if row.deleted_at is None:
                    unreadable.add(row.id)
                if row.deleted_at is None and row.id not in self._unreadable:
                    log.warning("channel_unreadable", channel=row.id, adapter=row.adapter, reason=error.code)
        self._siblings = {
            (channel.adapter, channel.realm, address): channel.id
            for channel in live.values()
            for address in channel.addresses
        }
        self._live, self._closing, self._unreadable, self._known = live, closing, frozenset(unreadable), True

    def _open(self, row: ChannelRow) -> LiveChannel:
        return LiveChannel(
            id=row.id,
            adapter=row.adapter,
            medium=row.medium,
            provider=row.provider,
            name=row.name,
            realm=row.realm,
            addresses=tuple(row.addresses),
            status=row.status,
            version=row.version,
            account=self._catalogue.open_account(row.id, row.adapter, sealed=row.settings),
            repeatable=isinstance(self._catalogue.adapters.get(row.adapter), Repeatable),
        )

    def _hear(self) -> None:
        """A channel was changed in this process: know it at once."""
        task = asyncio.create_task(self._refresh_quietly(), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refresh_quietly(self) -> None:
        try:
            await self.refresh()
        except TRANSIENT as error:
            log.warning("channels_not_refreshed", error=type(error).__name__)

    async def _keep(self, rows: list[ChannelRow]) -> None:
        """Write the file if it would say something new; a full disk costs the copy, not the service."""
        content = msgspec.msgpack.encode(rows)
        if content == self._kept:
            return
        sealed = self._catalogue.box.seal(content, bound_to=CACHE_NAME)
        try:
            await asyncio.to_thread(_replace_file, self._cache, sealed)
        except OSError as error:
            log.warning("channels_not_kept", error=type(error).__name__)
        else:
            self._kept = content

    def _read_cache(self) -> list[ChannelRow] | None:
        try:
            content = self._catalogue.box.open_sealed(self._cache.read_bytes(), bound_to=CACHE_NAME)
            return msgspec.msgpack.decode(content, type=list[ChannelRow])
        except FileNotFoundError:
            return None
        except (OSError, WrongKey, msgspec.DecodeError) as error:
            log.warning("channels_not_recalled", error=type(error).__name__)
            return None


def _replace_file(path: Path, content: bytes) -> None:
    """Whole or not at all, and on disk when this returns: written beside, synced, renamed, the directory synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, ONLY_OURS)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
