"""Writing one large request down, a mail with its files, without ever holding it twice.

A statement's arguments are copied three times on their way to the server. So a large body goes in pieces, and the
server puts them together. The row is stored before its number is drawn: the channel's turn, for which all its
other requests wait, is taken for the moment of numbering alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from inbox.intake.actions.journal import JournalEntry
from inbox.kit.db import CURRENT, execute, fetch_value

PIECE_BYTES = 262_144

PIECES = "CREATE TEMPORARY TABLE large_body (place integer, piece bytea) ON COMMIT DROP"

# Below nought are numbers nobody reads: none is committed.
STORE = """
INSERT INTO raw_event (id, channel_id, kind, method, url, headers, body, received_at, request_id, spool_id, once_key,
                       traceparent)
SELECT -nextval(pg_get_serial_sequence('raw_event', 'id')), $1::uuid, $2::text, $3::text, $4::text, $5::jsonb,
       (SELECT string_agg(piece, '' ORDER BY place) FROM large_body), $6::timestamptz, $7::text, $8::uuid, $9::text,
       $10::text
ON CONFLICT DO NOTHING
RETURNING id
"""
TURN = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0))"
# The body stays where it is: only the row that points to it is written anew.
NUMBER = """
UPDATE raw_event SET id = nextval(pg_get_serial_sequence('raw_event', 'id')) WHERE channel_id = $1 AND id = $2
"""


async def journal_large_event(entry: JournalEntry) -> set[UUID]:
    """Write one request down in the open transaction; its channel, or nothing as `journal_events` has it."""
    await execute(PIECES)
    connection = CURRENT.get().connection
    await connection.copy_records_to_table("large_body", records=_pieces(entry.body), columns=["place", "piece"])
    stored = await fetch_value(
        STORE, entry.channel_id, entry.kind, entry.method, entry.url, entry.headers, entry.received_at,
        entry.request_id, entry.spool_id, entry.once_key, entry.traceparent,
    )  # fmt: skip
    if stored is None:
        return set()
    await execute(TURN, entry.channel_id)
    await execute(NUMBER, entry.channel_id, stored)
    return {entry.channel_id}


def _pieces(body: bytes) -> Iterator[tuple[int, bytes]]:
    return ((at, body[at : at + PIECE_BYTES]) for at in range(0, len(body), PIECE_BYTES))
