"""Connecting, changing and removing channels over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.accounts.actions import ChannelChange, connect_channel, disconnect_channel, update_channel
from inbox.accounts.api.shapes import (
    ChannelObject,
    ChannelPatch,
    ChannelSetupObject,
    ChannelTypeList,
    NewChannel,
    show_channel,
    show_channel_type,
    show_setup,
)
from inbox.accounts.catalogue import Catalogue
from inbox.accounts.queries import find_channel, list_channels
from inbox.kit.callers import Caller
from inbox.kit.ids import read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "conversations:read"}
ADMIN = {"scope": "channels:admin"}
SETUP = {**ADMIN, "problems": ["state_conflict"]}
CONNECT = {**ADMIN, "problems": ["validation_failed", "state_conflict"]}


class ChannelTypeController(Controller):
    """Kinds of channels this gateway can connect."""

    path = "/channel-types"
    tags = ("Channels",)

    @get("/", opt=READ, operation_id="listChannelTypes", summary="List channel types")
    async def list_channel_types(self, catalogue: NamedDependency[Catalogue]) -> ChannelTypeList:
        """What can be connected, what its messages may carry, and what it takes to set it up."""
        return ChannelTypeList(data=[show_channel_type(adapter) for _, adapter in sorted(catalogue.adapters.items())])


class ChannelController(Controller):
    """The numbers, mailboxes and widgets we hold."""

    path = "/channels"
    tags = ("Channels",)

    @get("/", opt=READ, operation_id="listChannels", summary="List channels")
    async def list_channels(
        self, *, catalogue: NamedDependency[Catalogue], limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[ChannelObject]:
        """The channels, the oldest first; never their secrets."""
        after = read_cursor(cursor, tuple[datetime, UUID], of="channels")
        rows = await list_channels(after=after, limit=limit + 1)
        return cut_page(
            rows,
            limit,
            key=lambda row: (row.created_at, row.id),
            of="channels",
            show=lambda row: show_channel(row, catalogue),
        )

    @post("/", opt=CONNECT, operation_id="createChannel", summary="Connect a channel")
    async def create_channel(
        self, *, caller: NamedDependency[Caller], data: JSONBody[NewChannel], catalogue: NamedDependency[Catalogue]
    ) -> ChannelObject:
        """A number that another channel of the account has is a `state_conflict`. Its setup says what is next."""
        channel_id = await connect_channel(
            data.adapter, data.name, settings=data.settings, catalogue=catalogue, actor=caller.actor
        )
        return show_channel(await find_channel(channel_id), catalogue)

    @get("/{channel_id:str}", opt=READ, operation_id="getChannel", summary="Get a channel")
    async def get_channel(self, channel_id: FromPath[str], catalogue: NamedDependency[Catalogue]) -> ChannelObject:
        """One channel, without its secrets."""
        return show_channel(await find_channel(read_id("cha", channel_id)), catalogue)

    @patch("/{channel_id:str}", opt=CONNECT, operation_id="updateChannel", summary="Change, pause or resume a channel")
    async def update_channel(
        self,
        *,
        caller: NamedDependency[Caller],
        channel_id: FromPath[str],
        data: JSONBody[ChannelPatch],
        catalogue: NamedDependency[Catalogue],
    ) -> ChannelObject:
        """Nobody needs to know a secret to change something beside it."""
        channel = read_id("cha", channel_id)
        change = ChannelChange(name=data.name, status=data.status, settings=data.settings)
        await update_channel(channel, change, catalogue=catalogue, actor=caller.actor)
        return show_channel(await find_channel(channel), catalogue)

    @delete("/{channel_id:str}", opt=ADMIN, operation_id="deleteChannel", summary="Remove a channel")
    async def delete_channel(self, caller: NamedDependency[Caller], channel_id: FromPath[str]) -> None:
        """It takes and sends nothing more; its secrets are forgotten once what it took is in its conversations."""
        await disconnect_channel(read_id("cha", channel_id), actor=caller.actor)

    @get("/{channel_id:str}/setup", opt=SETUP, operation_id="getChannelSetup", summary="Get the steps of setting up")
    async def get_channel_setup(
        self, channel_id: FromPath[str], catalogue: NamedDependency[Catalogue]
    ) -> ChannelSetupObject:
        """What to enter where at the provider, with the exact URLs."""
        row = await find_channel(read_id("cha", channel_id))
        return show_setup(row, catalogue)
