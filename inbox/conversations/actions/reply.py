"""Writing to a contact: checked, fitted to the channel, stored as queued together with the job that sends it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from channels.contract import Adapter
from channels.errors import CannotCarry
from channels.limits import Piece, fit
from channels.parts import AnyPart
from inbox.contacts.queries import is_blocked, revoked_consents
from inbox.conversations.actions.deliveries import open_round, plan_deliveries
from inbox.conversations.actions.store import lock_thread, lock_thread_of, store_threads
from inbox.conversations.entry import Author
from inbox.conversations.ladder import RETRYABLE, State
from inbox.conversations.letters.actions import unflag_undeliverable
from inbox.conversations.letters.letter import MailOptions
from inbox.conversations.letters.planning import (
    MailPlan,
    MailTarget,
    mail_recipients,
    plan_mail,
    refuse_mail_options,
)
from inbox.conversations.participants.additions import add_participants
from inbox.conversations.queries import ReplyTarget, find_reply_targets
from inbox.conversations.thread import Held, Route, actor_of, tell, write_message
from inbox.kit.callers import Actor
from inbox.kit.db import Row, fetch_one
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import show_id
from inbox.kit.versions import check_version
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import DeliverMessage, NewJob

RETRIED = """
SELECT id, channel_id, identity_id, direction, delivery_state, redacted_at, version FROM entry
WHERE id = $1 AND type = 'message'
"""
# Also one that has moved away: whoever asks again gets it, and writes no second one.
SAME = """
SELECT id FROM entry WHERE conversation_id = $1 AND client_message_id = $2
UNION ALL
SELECT m.entry_id FROM entry_move m JOIN conversation_move v ON v.id = m.move_id AND v.undone_at IS NULL
WHERE v.source_id = $1 AND m.client_message_id = $2
LIMIT 1
"""


class Reply(msgspec.Struct, kw_only=True, frozen=True):
    """What is to be written, by whom, and by which way if not the one the contact used last.

    `hold_seconds` is how long it can still be taken back before it leaves; `approved_by` who let another's words go;
    `mail` what only mail can do.
    """

    parts: list[AnyPart]
    author: Author
    medium: str | None = None
    channel_id: UUID | None = None
    identity_id: UUID | None = None
    client_message_id: str | None = None
    in_reply_to: UUID | None = None
    hold_seconds: float = 0
    approved_by: Actor | None = None
    mail: MailOptions | None = None


async def reply_to_conversation(
    conversation_id: UUID, reply: Reply, *, adapters: Mapping[str, Adapter], now: datetime
) -> UUID:
    """Store the reply, queued, and the job that delivers it; the id of its entry.

    A `client_message_id` that this conversation has already is the same message: its entry is returned.
    """
    try:
        held = await lock_thread(conversation_id)
    except Problem as refused:
        known = await _same_message(conversation_id, reply.client_message_id)
        if refused.code == "conversation_merged" and known is not None:
            return known
        raise
    known = await _same_message(conversation_id, reply.client_message_id)
    if known is not None:
        return known
    target, pieces = await check_reply(held, reply, adapters=adapters)
    mail = await _plan_letter(held, reply, target)
    entry = write_message(
        held,
        parts=reply.parts,
        author=reply.author,
        route=Route(channel_id=target.channel_id, medium=target.medium, provider=target.provider),
        to=target.address,
        identity_id=target.identity_id,
        now=now,
        client_message_id=reply.client_message_id,
        in_reply_to=reply.in_reply_to,
        held_until=now + timedelta(seconds=reply.hold_seconds) if reply.hold_seconds else None,
        approved_by=reply.approved_by,
        others=mail.others if mail else (),
        letter=mail.letter if mail else None,
    )
    if mail and held.thread.subject is None:
        held.thread.subject = mail.letter.subject
    await store_threads([held], now=now)
    if mail and mail.others:
        actor = actor_of(reply.author)
        await add_participants(mail_recipients(mail.others, actor=actor, conversation_id=held.thread.id))
    state: State = "scheduled" if reply.hold_seconds else "queued"
    await plan_deliveries(entry.id, channel_id=target.channel_id, pieces=pieces, state=state)
    await enqueue_delivery(
        entry.id, conversation_id=conversation_id, channel_id=target.channel_id, delay_seconds=reply.hold_seconds
    )
    return entry.id


async def check_reply(held: Held, reply: Reply, *, adapters: Mapping[str, Adapter]) -> tuple[ReplyTarget, list[Piece]]:
    """By which way this would leave now, and in which pieces; else the problem that says why it would not."""
    target = await _choose_target(held, reply)
    refuse_mail_options(reply.mail, medium=target.medium)
    adapter = adapters.get(target.adapter)
    if adapter is None:
        raise Problem("channel_cannot", f"The adapter {target.adapter} of the channel is not installed")
    return target, fit_pieces(reply.parts, adapter)


def fit_pieces(parts: list[AnyPart], adapter: Adapter) -> list[Piece]:
    """The messages the channel can carry, or the `channel_cannot` problem with the part it stumbled over."""
    try:
        return fit(parts, adapter.limits)
    except CannotCarry as refused:
        error = FieldError(pointer=refused.pointer, code="channel_cannot", detail=str(refused), limit=refused.limit)
        raise Problem("channel_cannot", str(refused), errors=[error]) from refused


async def enqueue_delivery(
    entry_id: UUID, *, conversation_id: UUID, channel_id: UUID, delay_seconds: float = 0
) -> None:
    """Ask for the delivery, in the conversation's order and the channel's share of the workers."""
    deliver = DeliverMessage(entry_id=entry_id)
    await enqueue_jobs(
        [NewJob(job=deliver, key=str(conversation_id), lane=str(channel_id), delay_seconds=delay_seconds)]
    )


async def retry_message(entry_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Another round for a message that did not arrive, or whose outcome is not known: a person's decision."""
    held, entry = await lock_thread_of(entry_id), await fetch_one(RETRIED, entry_id)
    if held is None or entry is None:
        raise Problem("not_found", f"There is no message {show_id('ent', entry_id)}")
    check_version(entry_id, entry["version"])
    _check_retry(entry)
    if await is_blocked(held.thread.contact_id):
        raise contact_blocked()
    await _check_consent(entry)
    await open_round(entry_id, now=now)
    await unflag_undeliverable([entry["identity_id"]])
    facts = {"from": entry["delivery_state"], "to": "queued"}
    tell(held, "message.delivery_updated", actor=actor, entry_id=entry_id, facts=facts, changed=["delivery"])
    await store_threads([held], now=now)
    await enqueue_delivery(entry_id, conversation_id=held.thread.id, channel_id=entry["channel_id"])


async def _plan_letter(held: Held, reply: Reply, target: ReplyTarget) -> MailPlan | None:
    if target.medium != "email":
        return None
    thread = held.thread
    to = MailTarget(
        address=target.address, channel_id=target.channel_id, conversation_id=thread.id, subject=thread.subject
    )
    return await plan_mail(to, reply.mail, parts=reply.parts, in_reply_to=reply.in_reply_to)


async def _same_message(conversation_id: UUID, client_message_id: str | None) -> UUID | None:
    if client_message_id is None:
        return None
    row = await fetch_one(SAME, conversation_id, client_message_id)
    return row["id"] if row else None


async def _choose_target(held: Held, reply: Reply) -> ReplyTarget:
    targets = await find_reply_targets(held.thread)
    wanted = [target for target in targets if reply.medium in (None, target.medium)]
    wanted = [target for target in wanted if reply.channel_id in (None, target.channel_id)]
    wanted = [target for target in wanted if reply.identity_id in (None, target.identity_id)]
    if not wanted:
        raise Problem(
            "channel_cannot",
            "No channel reaches an address of this contact that way",
            hint="See reply_route of the conversation for the ways there are",
        )
    if wanted[0].blocked:
        raise contact_blocked()
    if wanted[0].revoked:
        raise _opted_out(wanted[0].address)
    if wanted[0].bounced:
        hint = "Write to another address; a message that bounced can be sent again once the address works"
        raise Problem("channel_cannot", f"{wanted[0].address}: {wanted[0].why_not}", hint=hint)
    return wanted[0]


def contact_blocked() -> Problem:
    """The refusal to write to somebody whom we have blocked ourselves."""
    return Problem("contact_blocked", "The contact is blocked: nothing is written to them", hint="Unblock them first")


def _opted_out(address: str) -> Problem:
    return Problem(
        "contact_opted_out",
        f"{address} does not want messages from this channel",
        hint="They can text START to allow them again, or be reached another way",
    )


def _check_retry(entry: Row) -> None:
    if entry["redacted_at"]:
        raise Problem("gone_redacted", "A message that was redacted cannot be sent again")
    if entry["direction"] != "outbound" or entry["delivery_state"] not in RETRYABLE:
        state = entry["delivery_state"]
        raise Problem("state_conflict", f"A message that is {state} cannot be sent again", hint="Write a new one")


async def _check_consent(entry: Row) -> None:
    if await revoked_consents([(entry["identity_id"], entry["channel_id"])]):
        raise _opted_out("The contact")
