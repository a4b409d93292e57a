"""Something that somebody wrote to us joins a conversation. Pure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from channels.parts import AnyPart, plain_text
from inbox.conversations.entry import Author, NewEntry, Recipient
from inbox.conversations.letters.letter import StoredLetter
from inbox.conversations.thread import Held, Route, actor_of, append_entry, change_status, note_message, tell
from inbox.kit.callers import SYSTEM


class Arrival(msgspec.Struct, kw_only=True, frozen=True):
    """An inbound message whose sender, channel and files are known.

    A `quiet` one, of a blocked contact or a machine, wakes nothing and waits for nobody.
    """

    route: Route
    contact_id: UUID
    identity_id: UUID
    author: Author
    parts: list[AnyPart]
    recipients: list[Recipient]
    provider_message_id: str
    raw_event_id: int
    occurred_at: datetime
    blocked: bool = False
    in_reply_to: UUID | None = None
    letter: StoredLetter | None = None

    @property
    def quiet(self) -> bool:
        """Whether nobody has to read it."""
        return self.blocked or (self.letter is not None and self.letter.nature == "auto_reply")


def receive_message(held: Held, arrival: Arrival, *, because: str, now: datetime) -> NewEntry:
    """What somebody wrote joins the timeline; a conversation that slept, waited or was closed opens again.

    What a blocked contact or a machine writes is kept and told like all else, but wakes nothing and waits for nobody.
    Answers go to the contact, whoever else has written.
    """
    thread = held.thread
    if thread.status != "open" and not arrival.quiet:
        name = {"snoozed": "woke", "closed": "reopened"}.get(thread.status, "status_changed")
        change_status(held, "open", name=name, actor=SYSTEM, reason=because, now=now)
    entry = append_entry(
        held,
        NewEntry(
            conversation_id=thread.id,
            seq=thread.last_seq + 1,
            type="message",
            direction="inbound",
            visibility="public",
            channel_id=arrival.route.channel_id,
            medium=arrival.route.medium,
            provider=arrival.route.provider,
            identity_id=arrival.identity_id,
            author=arrival.author,
            recipients=arrival.recipients,
            in_reply_to=arrival.in_reply_to,
            text=plain_text(arrival.parts),
            parts=arrival.parts,
            delivery_state="received",
            delivery_updated_at=now,
            provider_message_id=arrival.provider_message_id,
            raw_event_id=arrival.raw_event_id,
            occurred_at=arrival.occurred_at,
            created_at=now,
            letter=arrival.letter,
        ),
    )
    if not arrival.quiet:
        thread.unread += 1
        thread.waiting_since = thread.waiting_since or now
    thread.last_inbound_at = now
    if arrival.contact_id == thread.contact_id:
        thread.reply_channel_id, thread.reply_identity_id = arrival.route.channel_id, arrival.identity_id
    note_message(thread, entry)
    facts = {"contact_blocked": True} if arrival.blocked else None
    tell(held, "message.created", actor=actor_of(arrival.author), entry=entry, facts=facts)
    return entry
