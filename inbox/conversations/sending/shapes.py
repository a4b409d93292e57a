"""Sending as the API speaks of it: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec

from channels.contract import Medium
from channels.events import AddressKind
from channels.parts import AnyPart
from inbox.contacts.actions.identities import Spelled
from inbox.contacts.matching import match_key, normalise_address
from inbox.conversations.actions.reply import Reply
from inbox.conversations.api.mailing import MailAsked
from inbox.conversations.api.requests import Line, NewMessage, Parts, Words
from inbox.conversations.entry import Recipient
from inbox.conversations.letters.planning import MailPlan
from inbox.conversations.letters.recipients import WhyLeftOut
from inbox.conversations.scheduled.plan import Plan, in_utc
from inbox.conversations.scheduled.shapes import SendAt
from inbox.conversations.sending.verdict import ReasonCode, Verdict, Way
from inbox.kit.clock import show_time
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import show_id

UNDO_SECONDS_MAX = 60
"""The longest a message may be held back: those behind it in its conversation wait as well."""

UndoSeconds: TypeAlias = Annotated[
    float,
    msgspec.Meta(
        ge=0,
        le=UNDO_SECONDS_MAX,
        description="How long it can be canceled before it leaves; 0 is at once, absent is the deployment's default.",
        examples=[10],
    ),
]
ToAddress: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=300,
        description="A telephone number, a mail address, or another kind of address that `kind` names.",
        examples=["+34600111222"],
    ),
]


class TimedMessage(NewMessage, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A message to the contact, now or later.

    With `send_at` it becomes a scheduled message: it joins the timeline when it leaves, unless by then the contact
    has written (`cancel_on_reply`) or the conversation is closed (`only_if_open`). Else it is queued at once, and can
    be canceled for `undo_seconds`; what is written after it waits for it.
    """

    send_at: SendAt | None = None
    cancel_on_reply: bool = False
    only_if_open: bool = False
    undo_seconds: UndoSeconds | None = None


class OutgoingMessage(TimedMessage, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A message to somebody: `to` an address, or to `contact_id`.

    It goes into the conversation that their own next message would join; where there is none one is opened, with
    `subject`. `kind` says what `to` is, where it is neither a mail address nor a telephone number.
    """

    to: ToAddress | None = None
    kind: AddressKind | None = None
    contact_id: str | None = None


class DraftSending(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """When a draft leaves, as for a message. `version` says which words are approved."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    send_at: SendAt | None = None
    cancel_on_reply: bool = False
    only_if_open: bool = False
    undo_seconds: UndoSeconds | None = None


class PreviewRequest(MailAsked, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What would be sent, and to whom: a conversation, a contact, or an address; by which channels, or by any.

    In place of words a canned reply may be named: each channel then gets its variant.
    """

    conversation_id: str | None = None
    contact_id: str | None = None
    to: ToAddress | None = None
    kind: AddressKind | None = None
    text: Words | None = None
    parts: Parts | None = None
    canned_reply_id: str | None = None
    language: Line | None = None
    channels: Annotated[list[Medium], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    channel_id: str | None = None
    agent_id: str | None = None


class SegmentsObject(msgspec.Struct, kw_only=True, frozen=True):
    """What a text costs on a medium that counts segments; `units_left` fit before another one is needed."""

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    units: int
    units_left: int
    units_per_segment: int
    characters: int


class PreviewPiece(msgspec.Struct, kw_only=True, frozen=True):
    """One message that would leave: a long one leaves in several."""

    text: str
    parts: list[AnyPart]
    segments: SegmentsObject | None


class PreviewReason(msgspec.Struct, kw_only=True, frozen=True):
    """What stands in the way, or holds it up."""

    code: ReasonCode
    detail: str
    pointer: str | None = None


class PreviewLoss(msgspec.Struct, kw_only=True, frozen=True):
    """A part that would arrive as something less: `feature` becomes `becomes`."""

    pointer: Annotated[str, msgspec.Meta(examples=["/parts/0"])]
    feature: Annotated[str, msgspec.Meta(examples=["markdown"])]
    becomes: Annotated[str, msgspec.Meta(examples=["text"])]


class PreviewLeftOut(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody who takes part and would not get an answer to all, and why."""

    address: Annotated[str, msgspec.Meta(examples=["stranger@example.org"])]
    reason: WhyLeftOut


class PreviewWay(msgspec.Struct, kw_only=True, frozen=True):
    """One way the message could take. `missing` are variables of the canned reply that have no value.

    `recipients` are all who would get it; of a mail also its `subject`, and who is left out of an answer to all.
    """

    channel: Medium
    channel_id: str
    address: str
    can_send: bool
    until: str | None
    reasons: list[PreviewReason]
    segments: int | None
    pieces: list[PreviewPiece]
    lost: list[PreviewLoss]
    missing: list[str]
    recipients: list[Recipient]
    left_out: list[PreviewLeftOut]
    subject: str | None


class MessagePreviewObject(msgspec.Struct, kw_only=True, frozen=True):
    """What would become of a message. It takes the first of `ways` by itself, and another where it names it.

    By a way whose only reason is `channel_paused` it can be sent, and waits until the channel is resumed.
    """

    object: Literal["message_preview"] = "message_preview"
    can_send: bool
    reasons: list[PreviewReason]
    ways: list[PreviewWay]


def spell_recipient(to: str, kind: AddressKind | None, *, default_country: str | None) -> Spelled:
    """The address as it is kept; without a kind, what has an @ is a mail address, and all else a telephone number."""
    meant: AddressKind = kind or ("email" if "@" in to else "phone")
    try:
        address = normalise_address(meant, to, default_country=default_country)
    except ValueError as wrong:
        error = FieldError(pointer="/to", code="invalid_address", detail=str(wrong))
        raise Problem("invalid_address", f"/to: {wrong}", errors=[error]) from None
    return Spelled((meant, match_key(meant, address)), address, pointer="/to")


def check_recipient(given: Sequence[tuple[str, str | None]]) -> None:
    """The `validation_failed` problem, unless exactly one of these fields is there."""
    names = [name for name, _ in given]
    if sum(value is not None for _, value in given) != 1:
        detail = f"name exactly one of {', '.join(names)}"
        error = FieldError(pointer=f"/{names[0]}", code="required", detail=detail)
        raise Problem("validation_failed", detail, errors=[error])


def check_timing(asked: TimedMessage | DraftSending) -> None:
    """The `validation_failed` problem for what only makes sense for a message that leaves later, or now."""
    later = {"cancel_on_reply": asked.cancel_on_reply, "only_if_open": asked.only_if_open}
    stray = next((name for name, given in later.items() if given), None) if asked.send_at is None else None
    stray = "undo_seconds" if asked.send_at is not None and asked.undo_seconds is not None else stray
    if stray:
        detail = f"{stray} goes {'with' if asked.send_at is None else 'without'} send_at"
        raise Problem(
            "validation_failed", detail, errors=[FieldError(pointer=f"/{stray}", code="conflict", detail=detail)]
        )


def planned(reply: Reply, asked: TimedMessage) -> Plan | None:
    """The message as a plan for later; None where it is for now."""
    if asked.send_at is None:
        return None
    return Plan(
        send_at=in_utc(asked.send_at),
        parts=reply.parts,
        author=reply.author,
        medium=reply.medium,
        channel_id=reply.channel_id,
        in_reply_to=reply.in_reply_to,
        client_message_id=reply.client_message_id,
        mail=reply.mail,
        cancel_on_reply=asked.cancel_on_reply,
        only_if_open=asked.only_if_open,
    )


def show_way(way: Way, verdict: Verdict, *, missing: list[str], mail: MailPlan | None = None) -> PreviewWay:
    """One way with its verdict."""
    pieces = [
        PreviewPiece(
            text=piece.text,
            parts=piece.parts,
            segments=msgspec.convert(piece.segments, SegmentsObject, from_attributes=True) if piece.segments else None,
        )
        for piece in verdict.pieces
    ]
    counted = [piece.segments.segments for piece in pieces if piece.segments]
    return PreviewWay(
        channel=msgspec.convert(way.medium, Medium),  # a stored medium is one
        channel_id=show_id("cha", way.channel_id),
        address=way.address,
        can_send=verdict.can_send,
        until=show_time(verdict.until) if verdict.until else None,
        reasons=[msgspec.convert(reason, PreviewReason, from_attributes=True) for reason in verdict.reasons],
        segments=sum(counted) if counted else None,
        pieces=pieces,
        lost=[msgspec.convert(loss, PreviewLoss, from_attributes=True) for loss in verdict.lost],
        missing=missing,
        recipients=[Recipient(role="to", address=way.address), *(mail.others if mail else ())],
        left_out=[PreviewLeftOut(address=one.address, reason=one.reason) for one in mail.left_out] if mail else [],
        subject=mail.letter.subject if mail else None,
    )
