"""The parts of the API's objects that our own clients read; what else is in them is passed over. Plain contracts."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

Item = TypeVar("Item")


class SpokenName(msgspec.Struct, kw_only=True):
    """Somebody, by id and name, or by the address they wrote from."""

    id: str | None = None
    name: str | None = None
    type: str | None = None
    address: str | None = None


class SpokenDelivery(msgspec.Struct, kw_only=True):
    """How far a message got, and why no further."""

    state: str
    updated_at: str | None = None
    error: dict[str, Any] | None = None


class SpokenProvider(msgspec.Struct, kw_only=True):
    """What the provider calls a message."""

    message_id: str | None = None


class SpokenRecipient(msgspec.Struct, kw_only=True):
    """Where a message went."""

    address: str


class SpokenChannel(msgspec.Struct, kw_only=True):
    """By which medium."""

    type: str


class SpokenChange(msgspec.Struct, kw_only=True):
    """What an event entry tells."""

    name: str
    actor: SpokenName | None = None
    to: Any = None


class SpokenEntry(msgspec.Struct, kw_only=True):
    """An item of a timeline."""

    id: str
    type: str
    conversation_id: str
    seq: int
    direction: str
    text: str
    author: SpokenName
    created_at: str
    channel: SpokenChannel | None = None
    recipients: list[SpokenRecipient] = []
    event: SpokenChange | None = None
    delivery: SpokenDelivery | None = None
    provider: SpokenProvider | None = None


class SpokenConversation(msgspec.Struct, kw_only=True):
    """A conversation, in a list or in an envelope."""

    id: str
    number: int
    status: str
    contact: SpokenName
    last_seq: int
    updated_at: str


class SpokenContact(msgspec.Struct, kw_only=True):
    """A person."""

    id: str
    name: str | None = None


class SpokenData(msgspec.Struct, kw_only=True):
    """The objects an envelope carries."""

    entry: SpokenEntry | None = None
    conversation: SpokenConversation | None = None
    contact_id: str | None = None
    facts: dict[str, Any] | None = None


class SpokenEnvelope(msgspec.Struct, kw_only=True):
    """What happened."""

    cursor: str
    type: str
    timestamp: str
    data: SpokenData
    conversation_id: str | None = None
    actor: SpokenName | None = None


class StreamHead(msgspec.Struct, kw_only=True):
    """Where the feed ends: the data of a stream's `ready` and `reset`."""

    cursor: str


class SpokenPageInfo(msgspec.Struct, kw_only=True, frozen=True):
    """Where a list goes on."""

    next_cursor: str | None = None
    has_more: bool = False


class SpokenPage(msgspec.Struct, Generic[Item], kw_only=True):
    """One page of a list."""

    data: list[Item]
    page: SpokenPageInfo = SpokenPageInfo()


class SpokenProblem(msgspec.Struct, kw_only=True):
    """A refusal (RFC 9457)."""

    title: str = ""
    detail: str = ""
    code: str = ""
    hint: str | None = None
    retryable: bool = False
