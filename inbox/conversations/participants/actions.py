"""Adding to those who take part, and taking them out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.participants.additions import add_participants
from inbox.conversations.participants.participant import PARTICIPANTS_MAX, NewParticipant
from inbox.conversations.participants.queries import known_participants, list_participants
from inbox.conversations.thread import Held, record_change
from inbox.kit.callers import Actor
from inbox.kit.db import execute
from inbox.kit.errors import Problem
from inbox.kit.ids import PARTICIPANT, show_id

REMOVE = "DELETE FROM participant WHERE id = $1 AND conversation_id = $2"


async def invite_participant(wanted: NewParticipant, *, actor: Actor, now: datetime) -> None:
    """Let somebody take part: what they write is believed to be theirs, and an answer to all goes to them as well."""
    held = await lock_thread(wanted.conversation_id)
    known = (await known_participants([held.thread.id]))[held.thread.id]
    if known.get(wanted.key):
        return
    if wanted.key not in known and len(known) >= PARTICIPANTS_MAX:
        raise Problem("state_conflict", f"A conversation has at most {PARTICIPANTS_MAX} participants")
    await add_participants([wanted])
    added = next(one for one in await list_participants(held.thread.id) if one.key == wanted.key)
    _record(held, "participant_joined", actor=actor, now=now, after=show_id(PARTICIPANT, added.id))
    await store_threads([held], now=now)


async def remove_participant(conversation_id: UUID, participant_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Take somebody out; what they wrote stays. Should they write again, they are a stranger."""
    held = await lock_thread(conversation_id)
    if participant_id not in {one.id for one in await list_participants(conversation_id)}:
        raise Problem("not_found", f"There is no {show_id(PARTICIPANT, participant_id)} in this conversation")
    await execute(REMOVE, participant_id, conversation_id)
    _record(held, "participant_left", actor=actor, now=now, before=show_id(PARTICIPANT, participant_id))
    await store_threads([held], now=now)


def _record(
    held: Held, name: str, *, actor: Actor, now: datetime, before: str | None = None, after: str | None = None
) -> None:
    """By their id alone: the timeline outlives what we may keep of them."""
    record_change(
        held, name, event_type="conversation.updated", changed=("participants",), actor=actor, now=now,
        before=before, after=after,
    )  # fmt: skip
