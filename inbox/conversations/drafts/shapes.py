"""Drafts as the API speaks of them: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.contract import Medium
from channels.parts import AnyPart
from inbox.conversations.api.mailing import (
    MailAsked,
    MailPatch,
    MailShown,
    mail_shown,
    read_mail_asked,
    read_mail_change,
)
from inbox.conversations.api.pieces import read_parts
from inbox.conversations.api.requests import Line, Parts, Words
from inbox.conversations.drafts.draft import DraftChange, DraftContent, DraftState
from inbox.conversations.drafts.queries import content_of
from inbox.conversations.entry import Author
from inbox.kit.callers import Actor
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import DRAFT, SCHEDULED_MESSAGE, Prefix, read_id, show_id

Auto: TypeAlias = Literal["auto"]
Version: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class NewDraft(MailAsked, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Something to say later: `text`, or `parts` for anything richer, or nothing yet.

    `agent_id` names the agent whose words they are, `bot` the bot that proposes them; both are for keys that are not
    bound to an agent.
    """

    text: Words | None = None
    parts: Parts | None = None
    channel: Medium | Auto = "auto"
    channel_id: str | None = None
    in_reply_to: str | None = None
    agent_id: str | None = None
    bot: Annotated[Line, msgspec.Meta(examples=["Refund bot"])] | None = None


class DraftPatch(MailPatch, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is absent stays. `text` and `parts` together are the content: either replaces all of it.

    With `version` (or `If-Match`) it is refused where somebody else has saved meanwhile.
    """

    version: Version | None = None
    text: Words | msgspec.UnsetType | None = msgspec.UNSET
    parts: Parts | msgspec.UnsetType | None = msgspec.UNSET
    channel: Medium | Auto | msgspec.UnsetType = msgspec.UNSET
    channel_id: str | msgspec.UnsetType | None = msgspec.UNSET
    in_reply_to: str | msgspec.UnsetType | None = msgspec.UNSET


class DraftObject(MailShown, kw_only=True, frozen=True):
    """A message that is being written. `approved_by` sent it, `entry_id` is what became of it in the timeline."""

    object: Literal["draft"] = "draft"
    id: str
    conversation_id: str
    state: DraftState
    version: int
    author: Author
    channel: Medium | Auto
    channel_id: str | None
    in_reply_to: str | None
    text: str
    parts: list[AnyPart]
    saved_by: Actor
    approved_by: Actor | None
    scheduled_message_id: str | None
    entry_id: str | None
    created_at: str
    updated_at: str


class DraftVersionObject(MailShown, kw_only=True, frozen=True):
    """A draft as it was saved once."""

    object: Literal["draft_version"] = "draft_version"
    id: str
    draft_id: str
    version: int
    channel: Medium | Auto
    channel_id: str | None
    in_reply_to: str | None
    text: str
    parts: list[AnyPart]
    saved_by: Actor
    saved_at: str


_author = msgspec.json.Decoder(Author).decode
_actor = msgspec.json.Decoder(Actor).decode


async def read_content(asked: NewDraft) -> DraftContent:
    """The content that is asked for, its files looked up."""
    return DraftContent(
        parts=await _parts(asked.text, asked.parts),
        medium=None if asked.channel == "auto" else asked.channel,
        channel_id=read_id("cha", asked.channel_id) if asked.channel_id else None,
        in_reply_to=read_id("ent", asked.in_reply_to) if asked.in_reply_to else None,
        mail=read_mail_asked(asked),
    )


async def read_change(asked: DraftPatch) -> DraftChange:
    """The change that is asked for, its files looked up."""
    return DraftChange(
        parts=await _changed_parts(asked),
        medium=None if asked.channel == "auto" else asked.channel,
        channel_id=_changed_id("cha", asked.channel_id),
        in_reply_to=_changed_id("ent", asked.in_reply_to),
        mail=read_mail_change(asked),
    )


def show_draft(row: Row) -> DraftObject:
    """A draft's row."""
    return DraftObject(
        id=show_id(DRAFT, row["id"]),
        conversation_id=show_id("cnv", row["conversation_id"]),
        state=row["state"],
        version=row["version"],
        author=_author(row["author"]),
        channel=row["medium"] or "auto",
        channel_id=show_id("cha", row["channel_id"]) if row["channel_id"] else None,
        in_reply_to=show_id("ent", row["in_reply_to"]) if row["in_reply_to"] else None,
        text=row["text"],
        parts=content_of(row).parts,
        **mail_shown(content_of(row).mail),
        saved_by=_actor(row["saved_by"]),
        approved_by=_actor(row["approved_by"]) if row["approved_by"] else None,
        scheduled_message_id=_scheduled_id(row["scheduled_message_id"]),
        entry_id=show_id("ent", row["entry_id"]) if row["entry_id"] else None,
        created_at=show_time(row["created_at"]),
        updated_at=show_time(row["updated_at"]),
    )


def show_draft_version(row: Row, *, draft_id: UUID) -> DraftVersionObject:
    """A version's row."""
    return DraftVersionObject(
        id=f"{show_id(DRAFT, draft_id)}/{row['version']}",
        draft_id=show_id(DRAFT, draft_id),
        version=row["version"],
        channel=row["medium"] or "auto",
        channel_id=show_id("cha", row["channel_id"]) if row["channel_id"] else None,
        in_reply_to=show_id("ent", row["in_reply_to"]) if row["in_reply_to"] else None,
        text=row["text"],
        parts=content_of(row).parts,
        **mail_shown(content_of(row).mail),
        saved_by=_actor(row["saved_by"]),
        saved_at=show_time(row["saved_at"]),
    )


async def _parts(text: str | None, parts: Sequence[AnyPart] | None) -> list[AnyPart]:
    """As of a message, but a draft may have nothing in it yet."""
    return await read_parts(text, parts) if text is not None or parts is not None else []


async def _changed_parts(asked: DraftPatch) -> list[AnyPart] | msgspec.UnsetType:
    if asked.text is msgspec.UNSET and asked.parts is msgspec.UNSET:
        return msgspec.UNSET
    text = None if asked.text is msgspec.UNSET else asked.text
    return await _parts(text, None if asked.parts is msgspec.UNSET else asked.parts)


def _changed_id(prefix: Prefix, text: str | msgspec.UnsetType | None) -> UUID | msgspec.UnsetType | None:
    return read_id(prefix, text) if isinstance(text, str) else text


def _scheduled_id(value: UUID | None) -> str | None:
    return show_id(SCHEDULED_MESSAGE, value) if value else None
