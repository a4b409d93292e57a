"""Reading channels."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec
from piccolo.querystring import QueryString

from channels.contract import Medium
from inbox.accounts.tables import Channel
from inbox.kit.db import fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

ChannelStatus: TypeAlias = Literal["active", "paused"]

After = tuple[datetime, UUID]
"""The sort key of the list: the oldest first, ids deciding between equals."""

HOLDERS = """
SELECT id, addresses FROM channel
WHERE adapter = $1 AND realm = $2 AND addresses && $3 AND id <> $4 AND deleted_at IS NULL ORDER BY id LIMIT 1
"""


class ChannelRow(msgspec.Struct, kw_only=True, frozen=True):
    """A channel as stored; `settings` are sealed."""

    id: UUID
    adapter: str
    medium: Medium
    provider: str
    name: str
    realm: str
    addresses: list[str]
    settings: bytes
    status: ChannelStatus
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


async def live_channels() -> list[ChannelRow]:
    """Every channel that has not been deleted, the oldest first."""
    rows = await Channel.select().where(Channel.deleted_at.is_null()).order_by(Channel.created_at, Channel.id)
    return msgspec.convert(rows, list[ChannelRow])


async def open_channels() -> list[ChannelRow]:
    """As `live_channels`, and those that were deleted but still have their settings, to parse what came before."""
    open_now = QueryString("(deleted_at IS NULL OR length(settings) > 0)")
    rows = await Channel.select().where(open_now).order_by(Channel.created_at, Channel.id)
    return msgspec.convert(rows, list[ChannelRow])


async def list_channels(*, after: After | None, limit: int) -> list[ChannelRow]:
    """One page of the channels that have not been deleted."""
    later = QueryString("(created_at, id) > ({}, {})", *after) if after else QueryString("true")
    query = Channel.select().where(Channel.deleted_at.is_null(), later)
    rows = await query.order_by(Channel.created_at, Channel.id).limit(limit)
    return msgspec.convert(rows, list[ChannelRow])


async def find_channel(channel_id: UUID) -> ChannelRow:
    """A channel that has not been deleted, or the `not_found` problem."""
    return _found(channel_id, await Channel.select().where(Channel.id == channel_id, Channel.deleted_at.is_null()))


async def lock_channel(channel_id: UUID) -> ChannelRow:
    """As `find_channel`, locked until the end of the transaction."""
    query = Channel.select().where(Channel.id == channel_id, Channel.deleted_at.is_null())
    return _found(channel_id, await query.lock_rows("NO KEY UPDATE"))


async def find_holder(adapter: str, realm: str, *, addresses: list[str], besides: UUID) -> tuple[UUID, str] | None:
    """Another live channel of the same credentials that holds one of these addresses, and that address."""
    row = await fetch_one(HOLDERS, adapter, realm, addresses, besides)
    return (row["id"], next(iter(set(row["addresses"]) & set(addresses)))) if row else None


def _found(channel_id: UUID, rows: list[dict[str, object]]) -> ChannelRow:
    if not rows:
        raise Problem("not_found", f"There is no channel {show_id('cha', channel_id)}")
    return msgspec.convert(rows[0], ChannelRow)
