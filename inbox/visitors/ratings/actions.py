"""Asking for ratings and taking them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from channels.webchat.services import RatingRules
from inbox.conversations.actions.store import lock_thread, lock_thread_by, store_threads
from inbox.conversations.api.shapes import StoredRating
from inbox.conversations.entry import Author
from inbox.conversations.queries import ReplyTarget, find_reply_targets
from inbox.conversations.thread import Held, Route, actor_of, tell
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.clock import show_time
from inbox.kit.db import execute
from inbox.kit.errors import Problem
from inbox.visitors.ratings.queries import find_asked, find_open_request, read_reached
from inbox.visitors.ratings.rating import (
    Asked,
    asks_on_close,
    rating_facts,
    refuse_late,
    write_rating,
    write_request,
)

ASK = """
INSERT INTO csat_rating (entry_id, identity_id, channel_id, agent_id, requested_at) VALUES ($1, $2, $3, $4, $5)
"""
RATE = """
UPDATE csat_rating SET rating = $2, comment = $3, rated_at = coalesce(rated_at, $4),
    changed_at = CASE WHEN rated_at IS NULL THEN NULL ELSE $4 END, received_entry_id = $5
WHERE entry_id = $1
"""
REWRITE = """
UPDATE entry SET text = $2, event = jsonb_set(event, '{to}', to_jsonb($3::int)), edited_at = $4, version = version + 1
WHERE id = $1 AND redacted_at IS NULL
"""
SHOW = "UPDATE conversation SET csat = $2::jsonb WHERE id = $1"


async def request_rating(conversation_id: UUID, *, actor: Actor, now: datetime) -> UUID:
    """Ask the visitor how it was; the entry of the question. One that waits for its answer is not asked again.

    `channel_cannot` where the conversation has no chat to ask in.
    """
    held = await lock_thread(conversation_id)
    waiting = await find_open_request(conversation_id)
    if waiting is not None:
        return waiting.entry_id
    target = await _chat_of(held)
    if target is None:
        detail = "Only a visitor of a web chat can be asked for a rating"
        raise Problem("channel_cannot", detail, hint="Send a link to a survey instead")
    return await _ask(held, target, actor=actor, now=now)


async def request_on_close(conversation_id: UUID, rules: RatingRules | None, *, now: datetime) -> UUID | None:
    """Ask by itself about a conversation that was closed, if it still is and its channel wants it."""
    held = await lock_thread(conversation_id)
    target = await _chat_of(held)
    if held.thread.status != "closed" or target is None:
        return None
    if not asks_on_close(rules, await read_reached(conversation_id)):
        return None
    return await _ask(held, target, actor=SYSTEM, now=now)


async def keep_rating(
    entry_id: UUID,
    *,
    identity_ids: frozenset[UUID],
    author: Author,
    score: int,
    comment: str | None,
    rules: RatingRules | None,
    now: datetime,
) -> None:
    """What a visitor answers, once; they may change it for some hours. `not_found` where it was not them we asked."""

    async def find_place() -> UUID:
        return (await _asked_of(entry_id, identity_ids)).conversation_id

    held = await lock_thread_by(find_place)
    asked = await _asked_of(entry_id, identity_ids)
    refuse_late(asked, rules, now=now)
    if asked.received_entry_id is None:
        received = write_rating(held, asked, author=author, score=score, comment=comment, now=now).id
    else:
        received = asked.received_entry_id
        await execute(REWRITE, received, comment or "", score, now)
        facts = rating_facts(asked, score)
        tell(held, "csat.received", actor=actor_of(author), entry_id=received, changed=("csat",), facts=facts)
    await execute(RATE, entry_id, score, comment, now, received)
    shown = StoredRating(entry_id=entry_id, rating=score, rated_at=show_time(asked.rated_at or now))
    await _store(held, shown, now=now)


async def _ask(held: Held, target: ReplyTarget, *, actor: Actor, now: datetime) -> UUID:
    route = Route(channel_id=target.channel_id, medium=target.medium, provider=target.provider)
    entry = write_request(held, route, identity_id=target.identity_id, actor=actor, now=now)
    await _store(held, StoredRating(entry_id=entry.id), now=now)
    await execute(ASK, entry.id, target.identity_id, target.channel_id, held.thread.assignee_id, now)
    return entry.id


async def _store(held: Held, latest: StoredRating, *, now: datetime) -> None:
    """The conversation's own row follows, under its lock."""
    held.touched = True
    await store_threads([held], now=now)
    await execute(SHOW, held.thread.id, msgspec.json.encode(latest).decode())


async def _chat_of(held: Held) -> ReplyTarget | None:
    """The chat of the conversation's contact that was used last; a paused one still shows what is asked."""
    return next((one for one in await find_reply_targets(held.thread) if one.medium == "webchat"), None)


async def _asked_of(entry_id: UUID, identity_ids: frozenset[UUID]) -> Asked:
    asked = await find_asked(entry_id)
    if asked is None or asked.identity_id not in identity_ids:
        raise Problem("not_found", "Nobody asked you that")
    return asked
