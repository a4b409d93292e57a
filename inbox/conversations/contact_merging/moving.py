"""Which conversations go with a contact, and what a conversation tells of it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from inbox.conversations.thread import Held, Thread, record_change, tell
from inbox.kit.callers import Actor
from inbox.kit.ids import show_id


def goes_back(thread: Thread, *, moved: Collection[UUID], returned: Collection[UUID], since: datetime) -> bool:
    """Whether an undo takes a conversation of the survivor back to the contact that parts from it.

    What the merge brought goes back with all that was said in it since. What was begun since follows the address it is
    answered at, so that an answer reaches whoever wrote.
    """
    return thread.id in moved or (thread.created_at > since and thread.reply_identity_id in returned)


def move_thread(
    held: Held, contact_id: UUID, *, name: Literal["contact_merged", "contact_unmerged"], actor: Actor, now: datetime
) -> None:
    """Give a conversation to another contact. A closed one moves silently: an entry would bring it to the top again."""
    before, held.thread.contact_id = held.thread.contact_id, contact_id
    if is_live(held.thread):
        record_change(
            held,
            name,
            event_type="conversation.updated",
            changed=("contact",),
            actor=actor,
            now=now,
            before=show_id("ctc", before),
            after=show_id("ctc", contact_id),
        )
    else:
        tell(held, "conversation.updated", actor=actor, changed=("contact",))


def is_live(thread: Thread) -> bool:
    """Whether anything may still be added to it."""
    return thread.status != "closed" and thread.merged_into is None
