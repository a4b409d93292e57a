"""Telling somebody by mail that their mail has come: rarely, to few, and never to machines (RFC 3834).

Nothing of what the sender wrote is in it, not even the subject: whoever forges a sender cannot write to them through
us. It is counted in the transaction that sends it, so that many processes together keep to the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from channels.limits import Piece
from channels.parts import Text
from inbox.contacts.queries import revoked_consents
from inbox.conversations.actions.deliveries import plan_deliveries
from inbox.conversations.actions.reply import enqueue_delivery
from inbox.conversations.canned.queries import channel_name
from inbox.conversations.canned.templates import compile_template, fill_template
from inbox.conversations.entry import Author, NewEntry
from inbox.conversations.letters.letter import StoredLetter
from inbox.conversations.thread import Held, Route, write_message
from inbox.intake.batch import Acknowledgement
from inbox.kit.db import execute, fetch, fetch_value

MINUTE = timedelta(minutes=1)

# Whoever counts holds this until the commit; it comes after all other locks.
TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('acknowledgement', 0))"
SENT_LATELY = "SELECT count(*) FROM acknowledgement WHERE sent_at > $1"
DUE = """
SELECT asked.id FROM unnest($1::uuid[]) WITH ORDINALITY AS asked(id, place)
WHERE NOT EXISTS (SELECT FROM acknowledgement a WHERE a.identity_id = asked.id AND a.sent_at > $2)
ORDER BY place LIMIT $3
"""
COUNT = """
INSERT INTO acknowledgement (identity_id, sent_at) SELECT id, $2 FROM unnest($1::uuid[]) AS id
ON CONFLICT (identity_id) DO UPDATE SET sent_at = excluded.sent_at
"""
# To have written to us before proves nothing; that somebody of us has answered does.
ANSWERED = """
SELECT DISTINCT i.id FROM identity i JOIN conversation c ON c.contact_id = i.contact_id AND c.last_outbound_at IS NOT NULL
WHERE i.id = ANY($1)
"""  # noqa: E501 (one condition a line)


class Candidate(msgspec.Struct, kw_only=True, frozen=True):
    """A mail that began a conversation, where its sender would be answered, and whether that is proven to be theirs."""

    held: Held
    route: Route
    identity_id: UUID
    address: str
    verified: bool
    letter: StoredLetter | None


async def choose_acknowledged(
    candidates: Sequence[Candidate], wanted: Acknowledgement | None, *, now: datetime
) -> list[NewEntry]:
    """Write an acknowledgement into the conversations of those who may get one; the entries, stored with the rest."""
    if wanted is None:
        return []
    allowed = await _allowed([one for one in candidates if _may_ask(one)])
    if not allowed:
        return []
    await execute(TAKE_TURN)
    room = wanted.per_minute - await fetch_value(SENT_LATELY, now - MINUTE)
    first = {one.identity_id: one for one in reversed(allowed)}
    rows = await fetch(DUE, list(first), now - timedelta(hours=wanted.hours), max(0, room))
    await execute(COUNT, [row["id"] for row in rows], now)
    return [await _write(first[row["id"]], wanted, now=now) for row in rows]


async def send_acknowledged(entries: Sequence[NewEntry]) -> None:
    """Have them delivered, once they are stored."""
    for entry in entries:
        if entry.channel_id is None:
            continue
        await plan_deliveries(entry.id, channel_id=entry.channel_id, pieces=[Piece(parts=entry.parts)])
        await enqueue_delivery(entry.id, conversation_id=entry.conversation_id, channel_id=entry.channel_id)


def _may_ask(one: Candidate) -> bool:
    """A person's mail that is not known to be forged."""
    letter = one.letter
    if letter is None or letter.nature != "person":
        return False
    return letter.authentication is None or letter.authentication.dmarc != "fail"


async def _allowed(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those whose address is proven theirs, or whom we have answered before; nobody who opted out."""
    if not candidates:
        return []
    answered = {row["id"] for row in await fetch(ANSWERED, [one.identity_id for one in candidates])}
    known = [one for one in candidates if one.verified or one.identity_id in answered]
    revoked = await revoked_consents([(one.identity_id, one.route.channel_id) for one in known])
    return [one for one in known if (one.identity_id, one.route.channel_id) not in revoked]


async def _write(one: Candidate, wanted: Acknowledgement, *, now: datetime) -> NewEntry:
    name = await channel_name(one.route.channel_id)
    values = {"channel.name": name or "", "channel.type": one.route.medium}
    text = fill_template(compile_template(wanted.template), values, format_="plain").text
    chain = [one.letter.message_id] if one.letter and one.letter.message_id else []
    return write_message(
        one.held,
        parts=[Text(text=text)],
        author=Author(type="system"),
        route=one.route,
        to=one.address,
        identity_id=one.identity_id,
        now=now,
        letter=StoredLetter(subject=wanted.subject, in_reply_to=chain, references=chain, automatic=True),
    )
