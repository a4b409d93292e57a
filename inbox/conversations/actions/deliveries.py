"""How far our messages got: planned with the message, tried by the worker, reported by the provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from channels.events import DeliveryError
from channels.limits import Piece
from channels.parts import AnyPart
from inbox.conversations.actions.store import lock_threads
from inbox.conversations.ladder import ENDS, State, later_state, overall_state
from inbox.conversations.thread import Held, tell
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.db import Row, execute, fetch
from inbox.kit.ids import new_id

TROUBLED = (*ENDS, "unknown")
WAITING = ("scheduled", "queued", "sending")
"""States of a piece that is still to be handed over."""

PLAN = """
INSERT INTO delivery (id, entry_id, round, piece, channel_id, parts, state)
SELECT p.id, $1, $2, p.n, $3, p.parts, $6
FROM unnest($4::uuid[], $5::jsonb[]) WITH ORDINALITY AS p(id, parts, n)
"""

FIND = """
SELECT d.id, d.entry_id, d.channel_id, d.provider_message_id, e.conversation_id, e.medium, e.recipients
FROM delivery d JOIN entry e ON e.id = d.entry_id
WHERE d.id = ANY($1) OR (d.channel_id = $2 AND d.provider_message_id = ANY($3))
"""

CURRENT = """
SELECT d.id, d.state, d.round, d.piece, d.error, d.provider_message_id, e.id AS entry_id, e.conversation_id, e.seq,
       e.delivery_state
FROM delivery d JOIN entry e ON e.id = d.entry_id
WHERE d.entry_id IN (SELECT entry_id FROM delivery WHERE id = ANY($1)) ORDER BY d.entry_id, d.round, d.piece
"""

# The ids beside the records: without them a planner that cannot see into JSON reads the tables whole.
SAVE = """
WITH pieces AS (
    UPDATE delivery d
    SET state = new.state, error = new.error, provider_message_id = new.provider_message_id, updated_at = $3
    FROM jsonb_populate_recordset(NULL::delivery, $1) new WHERE d.id = new.id AND d.id = ANY($4)
)
UPDATE entry e
SET delivery_state = new.delivery_state, delivery_error = new.delivery_error, delivery_updated_at = $3,
    version = e.version + 1
FROM jsonb_populate_recordset(NULL::entry, $2) new WHERE e.id = new.id AND e.id = ANY($5)
"""

# A later round holds only the pieces that did not arrive before, so each piece stands where its newest row is.
NEXT_PIECES = """
SELECT DISTINCT ON (entry_id) *, count(*) OVER (PARTITION BY entry_id) AS missing FROM (
    SELECT DISTINCT ON (d.entry_id, d.piece) d.id, d.entry_id, d.piece, d.state, d.parts, d.channel_id,
           e.conversation_id, e.identity_id, e.letter, e.recipients, e.author, c.number, i.kind, i.address,
           EXISTS (SELECT FROM contact c WHERE c.id = i.contact_id AND c.blocked_at IS NOT NULL) AS blocked
    FROM delivery d JOIN entry e ON e.id = d.entry_id JOIN conversation c ON c.id = e.conversation_id
    LEFT JOIN identity i ON i.id = e.identity_id
    WHERE d.entry_id = ANY($1) ORDER BY d.entry_id, d.piece, d.round DESC
) newest
WHERE state NOT IN ('sent', 'delivered', 'read') ORDER BY entry_id, piece
"""

BEGIN_ATTEMPTS = """
INSERT INTO delivery_attempt (delivery_id, kind, outcome, started_at)
SELECT id, 'send', 'started', $2 FROM unnest($1::uuid[]) AS id RETURNING delivery_id, id
"""

END_ATTEMPTS = """
UPDATE delivery_attempt a
SET outcome = new.outcome, error = new.error, detail = new.detail, finished_at = $2
FROM jsonb_populate_recordset(NULL::delivery_attempt, $1) new WHERE a.id = new.id AND a.id = ANY($3)
"""

OPEN_ATTEMPTS = """
SELECT delivery_id, id FROM delivery_attempt
WHERE delivery_id = ANY($1) AND kind = 'send' AND outcome = 'started' ORDER BY id
"""

OPEN_ROUND = """
INSERT INTO delivery (id, entry_id, round, piece, channel_id, parts, state)
SELECT gen_random_uuid(), entry_id, max(round) OVER () + 1, piece, channel_id, parts, 'queued'
FROM (SELECT DISTINCT ON (piece) * FROM delivery WHERE entry_id = $1 ORDER BY piece, round DESC) newest
WHERE state NOT IN ('sent', 'delivered', 'read')
"""

LOG = """
INSERT INTO delivery_attempt (delivery_id, kind, outcome, error, detail, started_at, finished_at)
SELECT delivery_id, kind, outcome, error, detail, started_at, finished_at
FROM jsonb_populate_recordset(NULL::delivery_attempt, $1)
"""


_decode_parts = msgspec.json.Decoder(list[AnyPart]).decode


class PieceReport(msgspec.Struct, kw_only=True, frozen=True):
    """News of one delivery: from the provider's report, or from our own try."""

    delivery_id: UUID
    state: State
    error: DeliveryError | None = None
    provider_message_id: str | None = None


class EndedAttempt(msgspec.Struct, kw_only=True, frozen=True):
    """How an attempt ended: `id` is its number, `detail` what the provider said."""

    id: int
    outcome: str
    error: DeliveryError | None = None
    detail: str | None = None


class LoggedReport(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `delivery_attempt`."""

    delivery_id: UUID
    kind: str
    outcome: str
    started_at: datetime
    finished_at: datetime | None = None
    error: DeliveryError | None = None
    detail: str | None = None


async def plan_deliveries(
    entry_id: UUID, *, channel_id: UUID, pieces: Sequence[Piece], round_: int = 1, state: State = "queued"
) -> None:
    """One delivery a piece, in the transaction of the message."""
    ids = [new_id() for _ in pieces]
    parts = [msgspec.json.encode(piece.parts).decode() for piece in pieces]
    await execute(PLAN, entry_id, round_, channel_id, ids, parts, state)


async def find_deliveries(
    *, references: Sequence[UUID], channel_id: UUID, provider_ids: Sequence[str]
) -> tuple[dict[UUID, Row], dict[str, Row]]:
    """Deliveries by our reference and by the provider's id, each with its conversation."""
    rows = await fetch(FIND, list(references), channel_id, list(provider_ids))
    by_provider = {row["provider_message_id"]: row for row in rows if row["channel_id"] == channel_id}
    return {row["id"]: row for row in rows}, by_provider


async def next_pieces(entry_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Of each message the first piece that is not with the provider, with all a send needs, and how many are `missing`.

    Messages that are whole with the provider are left out, and those of which a piece has failed: what comes after a
    piece that did not arrive is not sent, since nobody wants the end of a message without its beginning.
    """
    rows = await fetch(NEXT_PIECES, list(entry_ids))
    return {row["entry_id"]: row for row in rows if row["state"] in WAITING}


async def open_round(entry_id: UUID, *, now: datetime) -> None:
    """The pieces that did not arrive, once more: what did is never sent twice."""
    await execute(OPEN_ROUND, entry_id)
    sql = (
        "UPDATE entry SET delivery_state = 'queued', delivery_error = NULL, delivery_updated_at = $2, "
        "version = version + 1 WHERE id = $1"
    )
    await execute(sql, entry_id, now)


async def begin_attempts(delivery_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, int]:
    """Note that these pieces are about to be handed over; the number of each attempt."""
    if not delivery_ids:
        return {}
    rows = await fetch(BEGIN_ATTEMPTS, list(delivery_ids), now)
    return {row["delivery_id"]: row["id"] for row in rows}


async def end_attempts(ended: Sequence[EndedAttempt], *, now: datetime) -> None:
    """Note how handing over ended."""
    if ended:
        await execute(END_ATTEMPTS, _rows(ended), now, [one.id for one in ended])


async def open_attempts(delivery_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The attempts that were begun and never ended, by piece: their workers died, so what became of them is unknown."""
    rows = await fetch(OPEN_ATTEMPTS, list(delivery_ids))
    return {row["delivery_id"]: row["id"] for row in rows}


async def log_reports(reports: Sequence[PieceReport], *, now: datetime) -> None:
    """Keep every report as it came, also those that change nothing."""
    if not reports:
        return
    rows = [
        LoggedReport(
            delivery_id=report.delivery_id,
            kind="report",
            outcome=report.state,
            error=report.error,
            started_at=now,
            finished_at=now,
        )
        for report in reports
    ]
    await execute(LOG, _rows(rows))


async def apply_reports(
    held: dict[UUID, Held], reports: Sequence[PieceReport], *, now: datetime, actor: Actor = SYSTEM
) -> None:
    """Move deliveries and their messages forward; `held` has their conversations under their locks."""
    if not reports:
        return
    rows = await _hold_current(held, [report.delivery_id for report in reports])
    pieces = {row["id"]: _stored_piece(row) for row in rows}
    reports = [report for report in reports if report.delivery_id in pieces]  # the others were erased meanwhile
    for report in reports:
        pieces[report.delivery_id] = _moved(pieces[report.delivery_id], report)
    messages = {row["entry_id"]: row for row in rows}
    moved = [_moved_message(row, list(pieces.values())) for row in messages.values()]
    changed = [message for message in moved if message.delivery_state != messages[message.id]["delivery_state"]]
    told = [pieces[report.delivery_id] for report in reports]
    ids = [piece.id for piece in told], [message.id for message in changed]
    await execute(SAVE, _rows(told), _rows(changed), now, *ids)
    for message in changed:
        _tell_moved(held[messages[message.id]["conversation_id"]], messages[message.id], message, actor=actor)


async def _hold_current(held: dict[UUID, Held], delivery_ids: Sequence[UUID]) -> list[Row]:
    """The messages of these deliveries, under the locks of the conversations they are in.

    Between looking where a message is and holding that conversation it may have moved to another.
    """
    while True:
        rows = await fetch(CURRENT, list(delivery_ids))
        missing = {row["conversation_id"] for row in rows} - held.keys()
        if not missing:
            return rows
        held.update(await lock_threads(missing))


class StoredPiece(msgspec.Struct, kw_only=True, frozen=True):
    """A delivery as far as reports change it."""

    id: UUID
    entry_id: UUID
    round: int
    piece: int
    state: State
    error: DeliveryError | None = None
    provider_message_id: str | None = None


class MovedMessage(msgspec.Struct, kw_only=True, frozen=True):
    """A message's delivery after its pieces have moved."""

    id: UUID
    delivery_state: State
    delivery_error: DeliveryError | None = None


def _stored_piece(row: Row) -> StoredPiece:
    error = msgspec.json.decode(row["error"], type=DeliveryError) if row["error"] else None
    return StoredPiece(
        id=row["id"], entry_id=row["entry_id"], round=row["round"], piece=row["piece"], state=row["state"],
        error=error, provider_message_id=row["provider_message_id"],
    )  # fmt: skip


def _moved(piece: StoredPiece, report: PieceReport) -> StoredPiece:
    return msgspec.structs.replace(
        piece,
        state=later_state(piece.state, report.state),
        error=report.error or piece.error,
        provider_message_id=piece.provider_message_id or report.provider_message_id,
    )


def _moved_message(row: Row, pieces: Sequence[StoredPiece]) -> MovedMessage:
    own = [piece for piece in pieces if piece.entry_id == row["entry_id"]]
    newest = {piece.piece: piece for piece in sorted(own, key=lambda piece: piece.round)}.values()
    state = later_state(row["delivery_state"], overall_state([piece.state for piece in newest]))
    error = next((piece.error for piece in newest if piece.state == state and piece.error), None)
    return MovedMessage(id=row["entry_id"], delivery_state=state, delivery_error=error if state in TROUBLED else None)


def _tell_moved(held: Held, row: Row, message: MovedMessage, *, actor: Actor) -> None:
    facts: dict[str, Any] = {"from": row["delivery_state"], "to": message.delivery_state}
    if message.delivery_error:
        facts["error"] = msgspec.to_builtins(message.delivery_error)
    tell(
        held,
        "message.delivery_updated",
        actor=actor,
        entry_id=message.id,
        seq=row["seq"],
        facts=facts,
        changed=["delivery"],
    )


def _rows(structs: Sequence[msgspec.Struct]) -> str:
    return msgspec.json.encode(structs).decode()


def stored_parts(text: str) -> list[AnyPart]:
    """Parts as they lie in the database."""
    return _decode_parts(text)
