"""What would become of a message, before it is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias, cast
from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from channels.contract import Medium
from channels.limits import Limits
from channels.parts import AnyPart
from inbox.accounts.catalogue import Catalogue
from inbox.contacts.actions.identities import find_identities
from inbox.contacts.queries import find_contact
from inbox.conversations.api.authors import speaking_agent
from inbox.conversations.api.conversations import GivenCaller, GivenCatalogue
from inbox.conversations.api.mailing import read_mail_asked
from inbox.conversations.api.pieces import read_parts
from inbox.conversations.canned.queries import Subject, agent_values, channel_name, find_canned, find_subject
from inbox.conversations.canned.shapes import render_canned
from inbox.conversations.canned.templates import Value
from inbox.conversations.letters.letter import MailOptions
from inbox.conversations.letters.planning import MailPlan, MailTarget, plan_mail, refuse_mail_options
from inbox.conversations.sending.queries import (
    conversation_subject,
    find_contact_ways,
    find_conversation_ways,
    find_stranger_ways,
    last_inbound,
)
from inbox.conversations.sending.shapes import (
    MessagePreviewObject,
    PreviewReason,
    PreviewRequest,
    PreviewWay,
    check_recipient,
    show_way,
    spell_recipient,
)
from inbox.conversations.sending.verdict import CountSegments, Reason, ReasonCode, Way, judge_way
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.db import Row
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import CANNED_REPLY, read_id

PREVIEW = {"scope": "conversations:read", "problems": ["validation_failed", "invalid_address", "not_found"]}
NO_WAY = PreviewReason(code="no_channel", detail="no channel of ours reaches an address of theirs that way")

REASONS: dict[str, ReasonCode] = {"contact_opted_out": "opted_out", "contact_blocked": "contact_blocked"}
"""What a problem of sending is called as a reason."""

GivenCount: TypeAlias = NamedDependency[Any]


class Asked(msgspec.Struct, kw_only=True):
    """What is to be judged for each way: parts, or a canned reply to be filled in; for whom, by whom."""

    parts: list[AnyPart]
    canned: Row | None
    subject: Subject
    writer: dict[str, Value]
    language: str | None
    contact_id: UUID | None
    conversation_id: UUID | None
    mail: MailOptions | None
    now: datetime


class PreviewController(Controller):
    """Seeing beforehand what would be sent."""

    path = "/messages"
    tags = ("Messages",)

    @post("/preview", opt=PREVIEW, operation_id="previewMessage", summary="See what would be sent", status_code=200)
    async def preview_message(
        self,
        *,
        caller: GivenCaller,
        data: JSONBody[PreviewRequest],
        catalogue: GivenCatalogue,
        count_segments: GivenCount,
        default_country: NamedDependency[str | None],
    ) -> MessagePreviewObject:
        """Whether it can go and why not, in how many pieces and segments, what each channel would lose.

        Nothing is stored. What can be sent now may be refused later: consent and channels are asked again then.
        """
        given = [("conversation_id", data.conversation_id), ("contact_id", data.contact_id), ("to", data.to)]
        check_recipient(given)
        contact_id, ways = await _find_ways(data, default_country)
        asked = await _read(data, caller, contact_id)
        wanted = [way for way in ways if _is_wanted(way, data)]
        shown = [await _judged(way, asked, catalogue, count_segments) for way in wanted]
        return MessagePreviewObject(
            can_send=any(way.can_send for way in shown), reasons=[] if shown else [NO_WAY], ways=shown
        )


async def _find_ways(data: PreviewRequest, default_country: str | None) -> tuple[UUID | None, list[Way]]:
    if data.conversation_id is not None:
        return await find_conversation_ways(read_id("cnv", data.conversation_id))
    if data.contact_id is not None:
        contact = await find_contact(read_id("ctc", data.contact_id))
        return contact.id, await find_contact_ways(contact.id)
    spelled = spell_recipient(data.to or "", data.kind, default_country=default_country)
    known = (await find_identities([spelled.key])).get(spelled.key)
    if known is None:
        return None, await find_stranger_ways(spelled.key[0], spelled.address)
    ways = await find_contact_ways(known.contact_id)
    return known.contact_id, [way for way in ways if way.identity_id == known.identity_id]


async def _read(data: PreviewRequest, caller: Caller, contact_id: UUID | None) -> Asked:
    canned = data.canned_reply_id is not None
    if canned and (data.text is not None or data.parts is not None):
        detail = "a canned reply takes the place of `text` and `parts`"
        error = FieldError(pointer="/canned_reply_id", code="conflict", detail=detail)
        raise Problem("validation_failed", detail, errors=[error])
    agent_id = await speaking_agent(caller, data.agent_id)
    conversation_id = read_id("cnv", data.conversation_id) if data.conversation_id else None
    return Asked(
        parts=[] if canned else await read_parts(data.text, data.parts),
        canned=await find_canned(read_id(CANNED_REPLY, data.canned_reply_id or ""), agent_id=agent_id)
        if canned
        else None,
        subject=await find_subject(conversation_id=conversation_id, contact_id=contact_id),
        writer=await agent_values(agent_id, name=caller.actor.name),
        language=data.language,
        contact_id=contact_id,
        conversation_id=conversation_id,
        mail=read_mail_asked(data),
        now=utc_now(),
    )


def _is_wanted(way: Way, data: PreviewRequest) -> bool:
    channel_id = read_id("cha", data.channel_id) if data.channel_id else way.channel_id
    return way.channel_id == channel_id and (not data.channels or way.medium in data.channels)


async def _judged(way: Way, asked: Asked, catalogue: Catalogue, count: CountSegments) -> PreviewWay:
    adapter = catalogue.adapters.get(way.adapter)
    limits: Limits | None = adapter.limits if adapter else None
    if limits and limits.reply_window_hours is not None and asked.contact_id:
        way = await last_inbound(asked.contact_id, way)
    parts, missing = asked.parts, list[str]()
    if asked.canned is not None:
        rendered = render_canned(
            asked.canned,
            asked.subject,
            writer=asked.writer,
            channel=cast("Medium", way.medium),
            channel_name=await channel_name(way.channel_id),
            language=asked.language,
        )
        parts, missing = rendered.parts, rendered.missing
    verdict = judge_way(way, parts, limits, count=count, now=asked.now)
    mail = None
    try:
        mail = await _plan_letter(way, asked, parts)
    except Problem as refused:
        pointer = refused.errors[0].pointer if refused.errors else None
        reason = Reason(code=REASONS.get(refused.code, "channel_cannot"), detail=refused.detail, pointer=pointer)
        verdict = msgspec.structs.replace(verdict, reasons=[*verdict.reasons, reason])
    return show_way(way, verdict, missing=missing, mail=mail)


async def _plan_letter(way: Way, asked: Asked, parts: list[AnyPart]) -> MailPlan | None:
    """To whom it would go as a mail, and under which subject."""
    refuse_mail_options(asked.mail, medium=way.medium)
    if way.medium != "email":
        return None
    target = MailTarget(
        address=way.address,
        channel_id=way.channel_id,
        conversation_id=asked.conversation_id,
        subject=await conversation_subject(asked.conversation_id),
    )
    return await plan_mail(target, asked.mail, parts=parts)
