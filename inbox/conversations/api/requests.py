"""What the API is asked to do with conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from channels.contract import Medium
from channels.parts import AnyPart
from inbox.conversations.api.mailing import MailAsked
from inbox.conversations.thread import Handler, Status

Line: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+(?![\s\S])")]
Words: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)]
Parts: TypeAlias = Annotated[list[AnyPart], msgspec.Meta(min_length=1, max_length=50)]
Tag: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[\w][\w .:/-]*(?![\s\S])")]


class NewMessage(MailAsked, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A message to the contact: `text`, or `parts` for anything richer.

    `channel` names a medium and `channel_id` one channel of ours; without them it goes by the conversation's
    `reply_route`. The same `client_message_id` in one conversation is the same message, however often it is sent.
    `agent_id` says who wrote it, where the key is not bound to an agent.
    """

    text: Words | None = None
    parts: Parts | None = None
    channel: Medium | Literal["auto"] = "auto"
    channel_id: str | None = None
    client_message_id: Line | None = None
    in_reply_to: str | None = None
    agent_id: str | None = None


class NewNote(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A note among ourselves."""

    text: Words
    agent_id: str | None = None


class NewConversation(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A conversation that we begin, with a contact that exists, and the first message if there is one to send now."""

    contact_id: str
    subject: Line | None = None
    message: NewMessage | None = None


class ConversationPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is absent stays, objects are merged (RFC 7396). A priority pins it, null unpins it."""

    subject: Line | msgspec.UnsetType | None = msgspec.UNSET
    language: Line | msgspec.UnsetType | None = msgspec.UNSET
    priority: Literal["low", "normal", "high", "urgent"] | msgspec.UnsetType | None = msgspec.UNSET
    handler: Handler | msgspec.UnsetType = msgspec.UNSET
    attributes: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    external: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    status: Status | msgspec.UnsetType = msgspec.UNSET
    snoozed_until: datetime | msgspec.UnsetType | None = msgspec.UNSET


class Snooze(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Until when the conversation sleeps; a message of the contact wakes it earlier."""

    until: datetime


class Because(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Why, for the timeline."""

    reason: Line | None = None


class ReadUpTo(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Up to which entry everything has been seen; without it, all."""

    up_to_seq: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
