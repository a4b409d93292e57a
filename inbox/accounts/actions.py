"""Connecting, changing and removing channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from piccolo.columns import Column

from channels.contract import Adapter, ChannelSettings
from channels.errors import SendFailed, Unreachable
from inbox.accounts.catalogue import Catalogue, UnreadableChannel
from inbox.accounts.queries import ChannelRow, ChannelStatus, find_holder, lock_channel
from inbox.accounts.settings import merge_settings, read_settings, urls_of
from inbox.accounts.tables import Channel
from inbox.audit.actions import record_audit
from inbox.feed.actions import append_event
from inbox.kit.callers import Actor
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, wake_after_commit
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import new_id, show_id
from inbox.kit.versions import check_version

Columns: TypeAlias = dict[Column | str, Any]

TOPIC = "channels"
"""What is woken in this process when a channel was connected, changed or removed."""

# The same number twice is only seen if those who connect the same account pass one by one.
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('channel ' || $1 || ' ' || $2, 0))"
LANE = "INSERT INTO lane (channel_id) VALUES ($1)"


class ChannelChange(msgspec.Struct, kw_only=True, frozen=True):
    """What a channel is to become; UNSET stays as it is. `settings` are merged member by member."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    status: ChannelStatus | msgspec.UnsetType = msgspec.UNSET
    settings: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


async def connect_channel(
    adapter_name: str, name: str, *, settings: Mapping[str, Any], catalogue: Catalogue, actor: Actor
) -> UUID:
    """A new channel of an adapter, ready to take messages."""
    adapter = _find_adapter(adapter_name, catalogue)
    checked = await _check_settings(read_settings(settings, adapter.settings), catalogue)
    channel_id, now = new_id(), utc_now()
    await _refuse_held(channel_id, adapter.name, settings=checked)
    channel = Channel(
        id=channel_id,
        adapter=adapter.name,
        medium=adapter.medium,
        provider=adapter.provider,
        name=name,
        realm=checked.realm,
        addresses=list(checked.addresses),
        settings=catalogue.seal_settings(channel_id, checked),
        created_at=now,
        updated_at=now,
    )
    await Channel.insert(channel)
    await execute(LANE, channel_id)
    await append_event("channel.connected", actor=actor, channel_id=channel_id)
    facts = {"adapter": adapter.name}
    await record_audit(actor, "channel.created", target=show_id("cha", channel_id), facts=facts)
    wake_after_commit(TOPIC)
    return channel_id


async def update_channel(channel_id: UUID, change: ChannelChange, *, catalogue: Catalogue, actor: Actor) -> None:
    """Rename, pause, resume or set up anew, and tell it; nothing happens where nothing changes."""
    row = await lock_channel(channel_id)
    check_version(channel_id, row.version)
    values: Columns = {
        name: wanted
        for name, wanted in (("name", change.name), ("status", change.status))
        if wanted is not msgspec.UNSET and wanted != getattr(row, name)
    }
    if change.settings is not msgspec.UNSET:
        values |= await _changed_settings(row, change.settings, catalogue)
    if not values:
        return
    await Channel.update({**values, "version": row.version + 1, "updated_at": utc_now()}).where(
        Channel.id == channel_id
    )
    changed = [name for name in ("name", "status", "addresses", "settings") if name in values]
    await append_event("channel.updated", actor=actor, channel_id=channel_id, changed=changed)
    await record_audit(actor, "channel.updated", target=show_id("cha", channel_id), facts={"changed": changed})
    wake_after_commit(TOPIC)


async def disconnect_channel(channel_id: UUID, *, actor: Actor) -> None:
    """Remove a channel: it takes and sends nothing more, and what came by it stays.

    Its settings stay sealed until what it has taken is projected, which intake sees to; then they are forgotten.
    """
    row = await lock_channel(channel_id)
    check_version(channel_id, row.version)
    await _store(row, {"deleted_at": utc_now()})
    await append_event("channel.disconnected", actor=actor, channel_id=channel_id)
    await record_audit(actor, "channel.deleted", target=show_id("cha", channel_id))
    wake_after_commit(TOPIC)


async def _store(row: ChannelRow, values: Columns) -> None:
    stamped: Columns = {**values, "version": row.version + 1, "updated_at": utc_now()}
    await Channel.update(stamped).where(Channel.id == row.id)


async def _changed_settings(row: ChannelRow, patch: Mapping[str, Any], catalogue: Catalogue) -> Columns:
    """The columns that new settings change; none where they come out as they were."""
    adapter = _find_adapter(row.adapter, catalogue)
    before = _open_settings(row, catalogue)
    after = read_settings(merge_settings(before, patch), adapter.settings)
    if after == before:
        return {}
    await _check_settings(after, catalogue)
    await _refuse_held(row.id, row.adapter, settings=after)
    values: Columns = {"realm": after.realm, "settings": catalogue.seal_settings(row.id, after)}
    return values if list(after.addresses) == row.addresses else {**values, "addresses": list(after.addresses)}


def _open_settings(row: ChannelRow, catalogue: Catalogue) -> ChannelSettings | None:
    """What a channel has now; None where it cannot be read, so that it can be set up anew."""
    try:
        return catalogue.open_account(row.id, row.adapter, sealed=row.settings).settings
    except UnreadableChannel:
        return None


def _find_adapter(name: str, catalogue: Catalogue) -> Adapter:
    adapter = catalogue.adapters.get(name)
    if adapter is None:
        known = ", ".join(sorted(catalogue.adapters))
        error = FieldError(pointer="/adapter", code="unknown_value", detail=f"There are: {known}")
        raise Problem("validation_failed", f"There is no adapter of this name; there are: {known}", errors=[error])
    return adapter


async def _check_settings(settings: ChannelSettings, catalogue: Catalogue) -> ChannelSettings:
    """The settings, if we would connect to every address in them (security.md T12, T17).

    A name that does not resolve now is taken: it is checked again at every request, and the network may just be away.
    """
    for name, url in urls_of(settings):
        try:
            await catalogue.check_url(url)
        except Unreachable:
            continue
        except SendFailed as refused:
            error = FieldError(pointer=f"/settings/{name}", code="refused", detail=refused.reason)
            raise Problem("validation_failed", f"{name}: {refused.reason}", errors=[error], hint=refused.fix) from None
    return settings


async def _refuse_held(channel_id: UUID, adapter: str, *, settings: ChannelSettings) -> None:
    """One number is on one live channel of its account, or nobody could say whose its messages are."""
    await execute(ALONE, adapter, settings.realm)
    held = await find_holder(adapter, settings.realm, addresses=list(settings.addresses), besides=channel_id)
    if held is not None:
        holder, address = held
        detail = f"{address} is on the channel {show_id('cha', holder)} already"
        error = FieldError(pointer="/settings", code="taken", detail=detail)
        raise Problem("state_conflict", detail, errors=[error], hint="Change or delete that channel")
