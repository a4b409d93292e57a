"""Reading messages that leave later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from channels.parts import AnyPart
from inbox.conversations.entry import Author
from inbox.conversations.letters.letter import read_mail_options
from inbox.conversations.scheduled.plan import Plan
from inbox.kit.callers import Actor
from inbox.kit.db import Row, fetch, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import SCHEDULED_MESSAGE, show_id

SCHEDULED = """
SELECT id, conversation_id, state, version, send_at, author, scheduled_by, approved_by, medium, channel_id, in_reply_to,
       client_message_id, text, parts, mail, cancel_on_reply, only_if_open, reason, draft_id, entry_id,
       created_at, updated_at
FROM scheduled_message
"""

# State by state, each in the index's order: what was sent long ago is not walked over to reach what waits.
PAGE = f"""
SELECT page.* FROM unnest($1::text[]) AS wanted(state) CROSS JOIN LATERAL (
    {SCHEDULED} WHERE scheduled_message.state = wanted.state AND {{where}} AND (send_at, id) > ($2, $3)
    ORDER BY send_at, id LIMIT $4
) page ORDER BY send_at, id LIMIT $4
"""  # noqa: S608 (the columns are our own)
BEGINNING, NOBODY = datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0)

_parts = msgspec.json.Decoder(list[AnyPart]).decode
_author = msgspec.json.Decoder(Author).decode
_actor = msgspec.json.Decoder(Actor).decode


async def database_now() -> datetime:
    """The clock that plans are held to: the database's, which is one for all processes."""
    moment: datetime = await fetch_value("SELECT now()")
    return moment


async def find_scheduled(scheduled_id: UUID) -> Row:
    """One scheduled message, or the `not_found` problem."""
    row = await fetch_one(f"{SCHEDULED} WHERE id = $1", scheduled_id)
    if row is None:
        raise Problem("not_found", f"There is no scheduled message {show_id(SCHEDULED_MESSAGE, scheduled_id)}")
    return row


async def list_scheduled(
    *,
    states: Sequence[str],
    conversation_id: UUID | None = None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Row]:
    """One page of the scheduled messages, of all conversations or of one, the next to leave first."""
    moment, last = after or (None, None)
    where = "conversation_id = $5" if conversation_id else "$5::uuid IS NULL"
    return await fetch(
        PAGE.format(where=where), list(states), moment or BEGINNING, last or NOBODY, limit, conversation_id
    )


def plan_of(row: Row) -> Plan:
    """What a scheduled message plans."""
    return Plan(
        send_at=row["send_at"],
        parts=_parts(row["parts"]),
        author=_author(row["author"]),
        medium=row["medium"],
        channel_id=row["channel_id"],
        in_reply_to=row["in_reply_to"],
        client_message_id=row["client_message_id"],
        cancel_on_reply=row["cancel_on_reply"],
        only_if_open=row["only_if_open"],
        approved_by=_actor(row["approved_by"]) if row["approved_by"] else None,
        draft_id=row["draft_id"],
        mail=read_mail_options(row["mail"]),
    )
