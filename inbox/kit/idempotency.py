"""Requests whose answer is remembered, so that asking again acts once.

The caller holds the key's lock in the open transaction: who finds nothing then is the only one to act, and what it
remembers is committed together with what it did.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from inbox.kit.db import execute, fetch_one, fetch_value

LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
FIND = """
SELECT fingerprint, status, media_type, body, headers FROM remembered_request
WHERE api_key_id = $1 AND key = $2 AND created_at > $3
"""
# What is too old to be found may still lie there: it gives way.
REMEMBER = """
INSERT INTO remembered_request (api_key_id, key, fingerprint, status, media_type, body, headers)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (api_key_id, key) DO UPDATE SET
    fingerprint = excluded.fingerprint, status = excluded.status, media_type = excluded.media_type,
    body = excluded.body, headers = excluded.headers, created_at = now()
"""
FORGET = """
WITH gone AS (DELETE FROM remembered_request WHERE created_at <= $1 RETURNING 1) SELECT count(*) FROM gone
"""


class RememberedAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """What was answered, and the SHA-256 fingerprint of the request it answered.

    `headers` are those that belong to what was done and not to the moment it was told.
    """

    fingerprint: bytes
    status: int
    media_type: str
    body: bytes
    headers: list[tuple[str, str]] = []


async def lock_request(api_key_id: UUID, key: str) -> bool:
    """Take the key for the open transaction; False while another request holds it."""
    return bool(await fetch_value(LOCK, f"idempotency {api_key_id} {key}"))


async def find_answer(api_key_id: UUID, key: str, *, younger_than: datetime) -> RememberedAnswer | None:
    """The answer given under this key, if it is not too old."""
    row = await fetch_one(FIND, api_key_id, key, younger_than)
    if row is None:
        return None
    return RememberedAnswer(
        fingerprint=row["fingerprint"],
        status=row["status"],
        media_type=row["media_type"],
        body=row["body"],
        headers=msgspec.json.decode(row["headers"], type=list[tuple[str, str]]),
    )


async def remember_answer(api_key_id: UUID, key: str, answer: RememberedAnswer) -> None:
    """Keep the answer in the open transaction."""
    headers = msgspec.json.encode(answer.headers).decode()
    await execute(REMEMBER, api_key_id, key, answer.fingerprint, answer.status, answer.media_type, answer.body, headers)


async def forget_requests(*, older_than: datetime) -> int:
    """Delete what was remembered before the given moment; returns how many."""
    return int(await fetch_value(FORGET, older_than))
