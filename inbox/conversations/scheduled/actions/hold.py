"""The contact wrote first: what was to be sent to a silent customer waits as a draft for somebody to read both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from inbox.conversations.drafts.actions import add_draft, settle_draft
from inbox.conversations.drafts.draft import DraftContent
from inbox.conversations.entry import NewEntry
from inbox.conversations.scheduled.actions.rows import end_plan
from inbox.conversations.scheduled.actions.schedule import job_key
from inbox.conversations.scheduled.plan import WhyNot
from inbox.conversations.scheduled.queries import SCHEDULED, plan_of
from inbox.conversations.thread import Held
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.db import Row, execute, fetch
from inbox.outbox.actions import drop_job
from inbox.outbox.jobs import SendScheduled

REPLIED = WhyNot(code="contact_replied", detail="The contact wrote before the message was due")

WAITING = f"""
{SCHEDULED} WHERE conversation_id = ANY($1) AND state = 'scheduled' AND cancel_on_reply ORDER BY id FOR UPDATE
"""

_actor = msgspec.json.Decoder(Actor).decode


async def hold_on_reply(held: Sequence[Held], *, now: datetime) -> None:
    """Make drafts of what was to leave only if the contact stays silent, where they have just written.

    One indexed statement for the whole batch where there is nothing of the kind; what it tells is stored with the
    conversations.
    """
    written = {one.thread.id: one for one in held if any(map(_is_answer, one.entries))}
    known = [conversation_id for conversation_id, one in written.items() if not one.fresh]
    if not known:
        return
    for row in await fetch(WAITING, known):
        await _hold(written[row["conversation_id"]], row, now=now)


def _is_answer(entry: NewEntry) -> bool:
    """Whether somebody wrote it: an absence note does not answer anything."""
    return entry.direction == "inbound" and (entry.letter is None or entry.letter.nature != "auto_reply")


async def _hold(held: Held, row: Row, *, now: datetime) -> None:
    plan = plan_of(row)
    draft_id = plan.draft_id
    if draft_id:
        await settle_draft(held, draft_id, "open", actor=SYSTEM, now=now)
    else:
        content = DraftContent(
            parts=plan.parts,
            medium=plan.medium,
            channel_id=plan.channel_id,
            in_reply_to=plan.in_reply_to,
            mail=plan.mail,
        )
        actor = _actor(row["scheduled_by"])
        draft_id = await add_draft(held, content, author=plan.author, actor=actor, now=now)
        await execute("UPDATE scheduled_message SET draft_id = $2 WHERE id = $1", row["id"], draft_id)
    await end_plan(held, row["id"], "held", actor=SYSTEM, now=now, reason=REPLIED)
    await drop_job(SendScheduled(scheduled_id=row["id"]), key=job_key(row["id"]))
