"""Keeping the address a visitor leaves, and sending what goes there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.contract import Adapter
from channels.events import Address
from channels.parts import AnyPart, File, Text
from channels.webchat.services import MailContinuation
from inbox.attachments.actions import BoundAttachment, bind_attachments
from inbox.attachments.queries import AttachmentRow, attachment_part
from inbox.contacts.actions import lock_contact, spell_address
from inbox.contacts.actions.identities import find_identities, settle_identities
from inbox.contacts.queries import revoked_consents
from inbox.conversations.actions.deliveries import plan_deliveries
from inbox.conversations.actions.reply import enqueue_delivery, fit_pieces
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.entry import Author, NewEntry
from inbox.conversations.letters.letter import StoredLetter
from inbox.conversations.thread import Held
from inbox.kit.db import execute, fetch_value
from inbox.kit.errors import Problem
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import ContinueByMail, NewJob
from inbox.visitors.mail.mailing import (
    FORGOTTEN_AFTER,
    MOVED,
    TRANSCRIBED,
    MailWay,
    Unseen,
    due_at,
    in_words,
    mailbox_of,
    write_digest,
    write_mailing,
)
from inbox.visitors.mail.queries import find_mailbox, find_reader, is_reachable, list_unseen, open_way
from inbox.visitors.mail.words import say

KEEP = "UPDATE visitor SET email = $2 WHERE id = $1"
NOTE = """
UPDATE contact SET attributes = attributes || jsonb_build_object('email', $2::text), version = version + 1,
    updated_at = now()
WHERE id = $1 AND attributes->>'email' IS DISTINCT FROM $2
"""
MAILED = "INSERT INTO mailed_entry (entry_id, by_entry, mailed_at) SELECT id, $2, $3 FROM unnest($1::uuid[]) AS id"
CONTACT = "SELECT contact_id FROM conversation WHERE id = $1"


class NoWay(Problem):
    """No mail can go there, or none can go at all."""

    def __init__(self, detail: str) -> None:
        super().__init__("channel_cannot", detail, hint="Connect a mail channel, or leave another address")


async def keep_email(visitor_id: UUID, contact_id: UUID | None, address: str, *, conversation_id: UUID | None) -> None:
    """Remember where answers may go. It is the contact's own address only if nobody has it yet.

    Another's address is written down beside the contact, where the list of duplicates finds it: nobody becomes somebody
    else by typing their address. What waits unseen goes there in its time.
    """
    await execute(KEEP, visitor_id, address)
    if contact_id is not None:
        await claim_email(contact_id, address)
    if conversation_id is not None:
        await enqueue_continuation(conversation_id, delay_seconds=0)


async def claim_email(contact_id: UUID, address: str) -> UUID:
    """The identity of an address that a contact has given; theirs if nobody had it, else noted beside them."""
    owner = (await lock_contact(contact_id))["id"]
    spelled = spell_address(Address(kind="email", value=address))
    owners = await settle_identities(owner, [spelled])
    if owners[spelled.key] != owner:
        await execute(NOTE, owner, spelled.address)
    return (await find_identities([spelled.key]))[spelled.key].identity_id


async def enqueue_continuation(conversation_id: UUID, *, delay_seconds: float) -> None:
    """Have it looked, after a while, whether answers have to go by mail."""
    job = ContinueByMail(conversation_id=conversation_id)
    await enqueue_jobs([NewJob(job=job, key=f"continue:{conversation_id}", delay_seconds=delay_seconds)])


async def continue_by_mail(
    conversation_id: UUID,
    rules: Mapping[UUID, MailContinuation],
    *,
    names: Mapping[UUID, str],
    adapters: Mapping[str, Adapter],
    now: datetime,
) -> datetime | None:
    """Mail what the visitor has not seen, each message once; when to look again where it is too early, else None.

    `rules` and `names` are those of the chats. What was read, taken back or mailed is left out; so is everything where
    there is no address or no mail channel, until there is.
    """
    unseen = await list_unseen(conversation_id, since=now - FORGOTTEN_AFTER)
    rule = rules.get(unseen[0].channel_id) if unseen else None
    if rule is None or not rule.enabled:
        return None
    reader = await find_reader(unseen[0].address, unseen[0].channel_id)
    if reader is None or reader["email"] is None:
        return None
    due = due_at(unseen, last_seen_at=reader["last_seen_at"], rules=rule)
    if due > now:
        return due
    way = await _find_way(await fetch_value(CONTACT, conversation_id), reader["email"], mailbox_of(rule))
    if way is None:
        return None
    held = await lock_thread(conversation_id)
    still = await list_unseen(conversation_id, since=now - FORGOTTEN_AFTER)  # one may have been read meanwhile
    if still:
        name = names.get(still[0].channel_id, "")
        await _mail_unseen(held, still, way, name=name, locale=reader["locale"], adapters=adapters, now=now)
    return None


async def mail_transcript(
    conversation_id: UUID,
    address: str,
    file: AttachmentRow,
    *,
    channel_id: UUID | None,
    name: str,
    locale: str | None,
    adapters: Mapping[str, Adapter],
    now: datetime,
) -> None:
    """Send a visitor the record of what they may see; the problem `channel_cannot` where no mail can go there."""
    contact_id = await fetch_value(CONTACT, conversation_id)
    mailbox = await find_mailbox(channel_id)
    way = await _find_way(contact_id, address, channel_id) if mailbox else None
    if way is None:
        raise NoWay("No mail can be sent there")
    parts: list[AnyPart] = [Text(text=say("transcript", locale)), File(attachment=attachment_part(file))]
    held = await lock_thread(conversation_id)
    letter = StoredLetter(subject=say("transcript_subject", locale, name=name))
    entry = await _send(
        held, TRANSCRIBED, parts, way=way, letter=letter, author=Author(type="system"), facts={}, adapters=adapters,
        now=now,
    )  # fmt: skip
    await bind_attachments([BoundAttachment(id=file.id, entry_id=entry.id, channel_id=way.route.channel_id)])


async def _mail_unseen(
    held: Held,
    unseen: list[Unseen],
    way: MailWay,
    *,
    name: str,
    locale: str | None,
    adapters: Mapping[str, Adapter],
    now: datetime,
) -> None:
    letter = StoredLetter(subject=held.thread.subject or say("subject", locale, name=name))
    parts = write_digest(unseen, ending=say("answers", locale))
    entry = await _send(
        held,
        MOVED,
        parts if _fits(parts, adapters[way.adapter]) else in_words(parts),
        way=way,
        letter=letter,
        author=Author(type="agent", name=unseen[-1].author),
        facts={"channel": "email", "messages": len(unseen)},
        adapters=adapters,
        now=now,
    )
    await execute(MAILED, [one.entry_id for one in unseen], entry.id, now)


def _fits(parts: list[AnyPart], adapter: Adapter) -> bool:
    """Whether mail can carry all of it; a film may be too large."""
    try:
        fit_pieces(parts, adapter)
    except Problem:
        return False
    return True


async def _send(
    held: Held,
    name: str,
    parts: list[AnyPart],
    *,
    way: MailWay,
    letter: StoredLetter,
    author: Author,
    facts: dict[str, Any],
    adapters: Mapping[str, Adapter],
    now: datetime,
) -> NewEntry:
    pieces = fit_pieces(parts, adapters[way.adapter])
    reason = "the visitor did not see it in the chat" if name == MOVED else "the visitor asked for it"
    entry = write_mailing(held, name, way=way, letter=letter, author=author, facts=facts, reason=reason, now=now)
    await store_threads([held], now=now)
    await plan_deliveries(entry.id, channel_id=way.route.channel_id, pieces=pieces)
    await enqueue_delivery(entry.id, conversation_id=held.thread.id, channel_id=way.route.channel_id)
    return entry


async def _find_way(contact_id: UUID | None, address: str, named: UUID | None) -> MailWay | None:
    mailbox = await find_mailbox(named)
    if mailbox is None or contact_id is None:
        return None
    identity_id = await claim_email(contact_id, address)
    channel_id = mailbox["channel_id"]
    if await revoked_consents([(identity_id, channel_id)]) or not await is_reachable(identity_id):
        return None
    return open_way(mailbox, identity_id=identity_id, address=address)
