"""Scheduled messages as the API speaks of them: what is asked, and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec

from channels.contract import Medium
from channels.parts import AnyPart
from inbox.conversations.api.mailing import MailPatch, MailShown, mail_shown, read_mail_change
from inbox.conversations.api.pieces import read_parts
from inbox.conversations.api.requests import Parts, Words
from inbox.conversations.entry import Author
from inbox.conversations.scheduled.plan import PlanChange, ScheduledState, in_utc
from inbox.conversations.scheduled.queries import plan_of
from inbox.kit.callers import Actor
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import DRAFT, SCHEDULED_MESSAGE, read_id, show_id

Auto: TypeAlias = Literal["auto"]
Version: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
SendAt: TypeAlias = Annotated[
    datetime,
    msgspec.Meta(tz=True, description="When it leaves, RFC 3339 with its zone.", examples=["2026-11-24T08:00:00.000Z"]),
]


class ScheduledPatch(MailPatch, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change of a message that has not left; what is absent stays, `text` and `parts` are the whole content.

    With `version` (or `If-Match`) it is refused where somebody else has changed it meanwhile.
    """

    version: Version | None = None
    send_at: SendAt | msgspec.UnsetType = msgspec.UNSET
    text: Words | msgspec.UnsetType = msgspec.UNSET
    parts: Parts | msgspec.UnsetType = msgspec.UNSET
    channel: Medium | Auto | msgspec.UnsetType = msgspec.UNSET
    channel_id: str | msgspec.UnsetType | None = msgspec.UNSET
    cancel_on_reply: bool | msgspec.UnsetType = msgspec.UNSET
    only_if_open: bool | msgspec.UnsetType = msgspec.UNSET


class ScheduledReason(msgspec.Struct, kw_only=True, frozen=True):
    """Why it has not left: a problem code, `conversation_closed` or `contact_replied`, and a sentence."""

    code: str
    detail: str


class ScheduledMessageObject(MailShown, kw_only=True, frozen=True):
    """A message that leaves later. It is no part of the timeline before; then `entry_id` is what it became.

    `held` means that the contact wrote first: it waits as the draft `draft_id`.
    """

    object: Literal["scheduled_message"] = "scheduled_message"
    id: str
    conversation_id: str
    state: ScheduledState
    version: int
    send_at: str
    author: Author
    scheduled_by: Actor
    approved_by: Actor | None
    channel: Medium | Auto
    channel_id: str | None
    in_reply_to: str | None
    client_message_id: str | None
    text: str
    parts: list[AnyPart]
    cancel_on_reply: bool
    only_if_open: bool
    reason: ScheduledReason | None
    draft_id: str | None
    entry_id: str | None
    created_at: str
    updated_at: str


_actor = msgspec.json.Decoder(Actor).decode
_reason = msgspec.json.Decoder(ScheduledReason).decode


async def read_plan_change(asked: ScheduledPatch) -> PlanChange:
    """The change that is asked for, its files looked up."""
    return PlanChange(
        send_at=asked.send_at if asked.send_at is msgspec.UNSET else in_utc(asked.send_at),
        parts=await _changed_parts(asked),
        medium=None if asked.channel == "auto" else asked.channel,
        channel_id=read_id("cha", asked.channel_id) if isinstance(asked.channel_id, str) else asked.channel_id,
        mail=read_mail_change(asked),
        cancel_on_reply=asked.cancel_on_reply,
        only_if_open=asked.only_if_open,
    )


def show_scheduled(row: Row) -> ScheduledMessageObject:
    """A scheduled message's row."""
    plan = plan_of(row)
    return ScheduledMessageObject(
        id=show_id(SCHEDULED_MESSAGE, row["id"]),
        conversation_id=show_id("cnv", row["conversation_id"]),
        state=row["state"],
        version=row["version"],
        send_at=show_time(row["send_at"]),
        author=plan.author,
        scheduled_by=_actor(row["scheduled_by"]),
        approved_by=plan.approved_by,
        channel=row["medium"] or "auto",
        channel_id=show_id("cha", row["channel_id"]) if row["channel_id"] else None,
        in_reply_to=show_id("ent", row["in_reply_to"]) if row["in_reply_to"] else None,
        client_message_id=row["client_message_id"],
        text=row["text"],
        parts=plan.parts,
        **mail_shown(plan.mail),
        cancel_on_reply=row["cancel_on_reply"],
        only_if_open=row["only_if_open"],
        reason=_reason(row["reason"]) if row["reason"] else None,
        draft_id=show_id(DRAFT, row["draft_id"]) if row["draft_id"] else None,
        entry_id=show_id("ent", row["entry_id"]) if row["entry_id"] else None,
        created_at=show_time(row["created_at"]),
        updated_at=show_time(row["updated_at"]),
    )


async def _changed_parts(asked: ScheduledPatch) -> list[AnyPart] | msgspec.UnsetType:
    if asked.text is msgspec.UNSET and asked.parts is msgspec.UNSET:
        return msgspec.UNSET
    text = None if asked.text is msgspec.UNSET else asked.text
    return await read_parts(text, None if asked.parts is msgspec.UNSET else asked.parts)
