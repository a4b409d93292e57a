"""What passes between us and a parser: length-prefixed MessagePack over a socket pair. Pure."""

from __future__ import annotations

import struct
from typing import TypeAlias

import msgspec

from channels.contract import Account, Adapter, ChannelSettings, Media, RawEvent
from channels.events import AnyEvent
from channels.parts import Attachment

LENGTH = struct.Struct("!I")
REQUEST = b"f"
"""What comes to the nursery with the line of the next parser."""


class Task(msgspec.Struct, kw_only=True, frozen=True):
    """A request to be parsed, or to have one of its files taken out; `settings` is the account's, as JSON.

    With `ask` the parser may say first which TXT records it wants.
    """

    adapter: str
    channel_id: str
    hook_url: str
    settings: bytes
    raw: RawEvent
    attachment: Attachment | None = None
    ask: bool = False


class Parsed(msgspec.Struct, frozen=True, tag="parsed"):
    """What the adapter made of it."""

    events: list[AnyEvent]


class Wanted(msgspec.Struct, frozen=True, tag="wanted"):
    """The names of the TXT records without which it cannot be parsed well."""

    names: list[str]


class Unpacked(msgspec.Struct, frozen=True, tag="unpacked"):
    """The file."""

    media: Media


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Why there is nothing: `malformed`, or `parse_error` for an adapter's bug and for want of memory."""

    code: str
    error: str


Answer: TypeAlias = Parsed | Wanted | Unpacked | Refused

encode = msgspec.msgpack.Encoder().encode
decode_task = msgspec.msgpack.Decoder(Task).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


def account_of(task: Task, adapter: Adapter) -> Account:
    """The account with its settings typed again."""
    settings: ChannelSettings = msgspec.json.decode(task.settings, type=adapter.settings)
    return Account(channel_id=task.channel_id, settings=settings, hook_url=task.hook_url)
