"""A message that is to leave later, as it is kept; when it may, and what a change makes of it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.parts import AnyPart
from inbox.conversations.entry import Author
from inbox.conversations.letters.letter import MailChange, MailOptions, change_mail
from inbox.kit.callers import Actor

ScheduledState: TypeAlias = Literal["scheduled", "sent", "held", "canceled", "failed"]

CHANGEABLE: tuple[ScheduledState, ...] = ("scheduled", "failed")
"""From here it may still be changed, sent at once or canceled."""

SCHEDULE_DAYS_MAX = 366
"""How far ahead a message may be planned."""
WAITING_MAX = 100
"""The most messages of one conversation that wait for their time."""


class WhyNot(msgspec.Struct, kw_only=True, frozen=True):
    """Why a message did not leave when it was due: a problem code of the API, `conversation_closed` or
    `contact_replied`, and a sentence for people.
    """

    code: str
    detail: str


class Plan(msgspec.Struct, kw_only=True, frozen=True):
    """What is to be sent, when, and what may prevent it.

    With `cancel_on_reply` it is held as soon as the contact writes; with `only_if_open` it fails where the
    conversation is closed when it is due. `approved_by` is who scheduled another's words, `draft_id` where they stood.
    """

    send_at: datetime
    parts: list[AnyPart]
    author: Author
    medium: str | None = None
    channel_id: UUID | None = None
    in_reply_to: UUID | None = None
    client_message_id: str | None = None
    cancel_on_reply: bool = False
    only_if_open: bool = False
    approved_by: Actor | None = None
    draft_id: UUID | None = None
    mail: MailOptions | None = None


class PlanChange(msgspec.Struct, kw_only=True, frozen=True):
    """What to change of a plan; UNSET stays."""

    send_at: datetime | msgspec.UnsetType = msgspec.UNSET
    parts: list[AnyPart] | msgspec.UnsetType = msgspec.UNSET
    medium: str | msgspec.UnsetType | None = msgspec.UNSET
    channel_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    mail: MailChange = MailChange()
    cancel_on_reply: bool | msgspec.UnsetType = msgspec.UNSET
    only_if_open: bool | msgspec.UnsetType = msgspec.UNSET


def change_plan(plan: Plan, change: PlanChange) -> Plan:
    """The plan with the change put to it."""
    fields = {name: getattr(change, name) for name in change.__struct_fields__ if name != "mail"}
    given = {name: value for name, value in fields.items() if value is not msgspec.UNSET}
    return msgspec.structs.replace(plan, **given, mail=change_mail(plan.mail, change.mail))


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC; one so near the calendar's ends that it has none there is past, or too far ahead, as it is."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def why_not_then(send_at: datetime, *, now: datetime) -> str | None:
    """What speaks against a moment to send at; None where nothing does."""
    if send_at.tzinfo is None:
        return "a moment needs its time zone: 2026-11-24T08:00:00Z, or with an offset"
    if send_at <= now:
        return "this moment is past"
    if send_at > now + timedelta(days=SCHEDULE_DAYS_MAX):
        return f"a message is planned at most {SCHEDULE_DAYS_MAX} days ahead"
    return None
