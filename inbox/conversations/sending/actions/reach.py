"""Writing to an address or a contact in one call: the conversation is found or opened under the locks of inbound."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from channels.contract import Adapter
from channels.events import Letter
from inbox.contacts.actions import lock_contact, upsert_contact
from inbox.contacts.actions.identities import Spelled, find_identities
from inbox.contacts.contact import ContactChange
from inbox.conversations.actions.reply import Reply, reply_to_conversation
from inbox.conversations.actions.store import lock_threads, store_threads
from inbox.conversations.letters.matching import Windows, choose_by_topic
from inbox.conversations.opening import choose_thread
from inbox.conversations.scheduled.actions.schedule import schedule_message
from inbox.conversations.scheduled.plan import Plan
from inbox.conversations.thread import open_thread, record_change
from inbox.kit.callers import Actor
from inbox.kit.db import fetch_one, fetch_value

SAME_SUBJECT = timedelta(days=30)
"""For how long we go on in a conversation of the same subject, if we do not write into it by its id."""

# Also one that a merge or split has taken to another conversation: there it is known by the record of the move.
SAME = """
SELECT e.id FROM conversation c JOIN entry e ON e.conversation_id = c.id
WHERE c.contact_id = $1 AND e.client_message_id = $2
UNION ALL
SELECT m.entry_id FROM conversation c JOIN conversation_move v ON v.source_id = c.id AND v.undone_at IS NULL
JOIN entry_move m ON m.move_id = v.id
WHERE c.contact_id = $1 AND m.client_message_id = $2
LIMIT 1
"""
SAME_PLAN = """
SELECT s.id FROM conversation c JOIN scheduled_message s ON s.conversation_id = c.id
WHERE c.contact_id = $1 AND s.client_message_id = $2 LIMIT 1
"""


class Reached(msgspec.Struct, kw_only=True, frozen=True):
    """Who is written to: the contact, and the one address that was named, if one was."""

    contact_id: UUID
    identity_id: UUID | None = None


async def reach_address(spelled: Spelled, *, actor: Actor) -> Reached:
    """Whoever has the address; a stranger becomes a contact, as one who writes to us would."""
    contact_id, _ = await upsert_contact(ContactChange(), [spelled], actor=actor)
    known = await find_identities([spelled.key])
    return Reached(contact_id=contact_id, identity_id=known[spelled.key].identity_id)


async def find_or_open(
    reached: Reached, *, subject: str | None, window: timedelta, by_mail: bool, actor: Actor, now: datetime
) -> UUID:
    """The conversation a message to this contact belongs to: the one that their own next message would join.

    Where there is none, one is opened; and for a mail under a subject that none of theirs has. Two who write at once,
    or as the contact writes, meet in one conversation.
    """
    contact_id = (await lock_contact(reached.contact_id))["id"]
    threads = await lock_threads(contact_ids=[contact_id], closed_after=now - window)
    known = [held.thread for held in threads.values()]
    if by_mail and subject:
        windows = Windows(subject=SAME_SUBJECT, reopen=window)
        chosen, _ = choose_by_topic(Letter(subject=subject), known, now=now, windows=windows)
    else:
        chosen = choose_thread(known, now=now, window=window).thread
    if chosen is not None:
        return chosen.id
    held = open_thread(contact_id, now=now)
    held.thread.subject = subject
    record_change(
        held, "opened", event_type="conversation.updated", changed=(), actor=actor, now=now, reason="begun by us"
    )
    await store_threads([held], now=now)
    return held.thread.id


async def schedule_to(
    reached: Reached,
    plan: Plan,
    *,
    subject: str | None,
    window: timedelta,
    adapters: Mapping[str, Adapter],
    actor: Actor,
    now: datetime,
) -> UUID:
    """A message to somebody for later; the id of the scheduled message.

    A `client_message_id` that was planned in any conversation of the contact is the same message.
    """
    reached = await _hold_contact(reached)
    if plan.client_message_id:
        known = await fetch_one(SAME_PLAN, reached.contact_id, plan.client_message_id)
        if known is not None:
            return UUID(int=known["id"].int)
    by_mail = await _goes_by_mail(reached, plan.medium)
    conversation_id = await find_or_open(reached, subject=subject, window=window, by_mail=by_mail, actor=actor, now=now)
    return await schedule_message(conversation_id, plan, actor=actor, adapters=adapters, now=now)


async def write_to(
    reached: Reached,
    reply: Reply,
    *,
    subject: str | None,
    window: timedelta,
    adapters: Mapping[str, Adapter],
    actor: Actor,
    now: datetime,
) -> UUID:
    """A message to somebody, wherever they are written to; the id of its entry.

    A `client_message_id` that any conversation of the contact has already is the same message.
    """
    reached = await _hold_contact(reached)
    if reply.client_message_id:
        known = await fetch_one(SAME, reached.contact_id, reply.client_message_id)
        if known is not None:
            return UUID(int=known["id"].int)
    by_mail = await _goes_by_mail(reached, reply.medium)
    conversation_id = await find_or_open(reached, subject=subject, window=window, by_mail=by_mail, actor=actor, now=now)
    addressed = msgspec.structs.replace(reply, identity_id=reached.identity_id)
    return await reply_to_conversation(conversation_id, addressed, adapters=adapters, now=now)


async def _goes_by_mail(reached: Reached, medium: str | None) -> bool:
    """Whether a message will be a mail: it is said to be one, or goes to a mail address."""
    if medium or reached.identity_id is None:
        return medium == "email"
    kind: str | None = await fetch_value("SELECT kind FROM identity WHERE id = $1", reached.identity_id)
    return kind == "email"


async def _hold_contact(reached: Reached) -> Reached:
    """Under its lock, and by the id it lives on under where it was merged away."""
    return msgspec.structs.replace(reached, contact_id=(await lock_contact(reached.contact_id))["id"])
