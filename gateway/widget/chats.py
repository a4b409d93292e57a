"""The web chats there are, with their settings."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from channels.webchat.settings import WebchatSettings
from gateway.directory import ChannelAway, ChannelDirectory, LiveChannel
from inbox.kit.errors import Problem


async def find_chat(directory: ChannelDirectory, channel_id: UUID) -> tuple[LiveChannel, WebchatSettings]:
    """A web chat and its settings; `not_found` where there is none."""
    try:
        live = await directory.look_up(channel_id)
    except ChannelAway as away:
        raise Problem("dependency_down", "the chat cannot be looked up at the moment") from away
    if live is None or not isinstance(live.account.settings, WebchatSettings):
        raise Problem("not_found", "there is no such web chat")
    return live, live.account.settings


def list_chats(directory: ChannelDirectory) -> Mapping[UUID, WebchatSettings]:
    """The settings of every web chat, by channel."""
    return {
        live.id: live.account.settings
        for live in directory.all_channels()
        if isinstance(live.account.settings, WebchatSettings)
    }
