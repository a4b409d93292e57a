"""Addresses of people who were erased: known by keyed hashes alone, so that what they opted out of stays effective.

The key is random, made with the first erasure and kept sealed, so that the hashes outlive every change of the secret
key, and neither a dump of the database nor the ledger's file tells whose addresses they are.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from uuid import UUID

import msgspec

from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.secrets import SecretBox
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import CheckReturned, NewJob

KEY_ID = UUID(int=1)
KEY_PLACE = "erasure ledger"
KEY_BYTES = 32

SEALED_KEY = "SELECT sealed FROM ledger_key"
ADD_KEY = "INSERT INTO ledger_key (id, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING"
# Of somebody who was erased more than once the last time counts: they may have said START in between.
KEEP = """
WITH newest AS (
    SELECT DISTINCT ON (e.kind, e.hash) w.identity_id, e.erasure_id, e.revoked
    FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS w(identity_id, kind, hash)
    JOIN erased_identity e ON e.kind = w.kind AND e.hash = w.hash
    ORDER BY e.kind, e.hash, e.erasure_id DESC
), kept AS (
    INSERT INTO consent (identity_id, purpose, channel_id, state, source, proof)
    SELECT newest.identity_id, r.purpose, r.channel_id, 'revoked', 'erasure',
           jsonb_build_object('erasure_id', 'ers_' || replace(newest.erasure_id::text, '-', ''))
    FROM newest, jsonb_to_recordset(newest.revoked) AS r(purpose text, channel_id uuid)
    WHERE r.channel_id IS NULL OR EXISTS (SELECT FROM channel WHERE id = r.channel_id)
)
SELECT identity_id, erasure_id FROM newest
"""


class RevokedPurpose(msgspec.Struct, kw_only=True, frozen=True):
    """Something an address had opted out of, on one channel or (None) on all."""

    purpose: str
    channel_id: UUID | None = None


class NewAddress(msgspec.Struct, frozen=True):
    """An identity that was made in this transaction."""

    identity_id: UUID
    kind: str
    match_key: str


_LENT: list[SecretBox] = []


def lend_ledger_box(box: SecretBox) -> None:
    """Let this process open the ledger's key with this box from now on."""
    _LENT[:] = [box]


async def find_ledger_key(*, make: bool = False) -> bytes | None:
    """The key of the hashes; None where nobody was ever erased, unless one is to be made."""
    sealed = await fetch_value(SEALED_KEY)
    if sealed is None and make:
        fresh = secrets.token_bytes(KEY_BYTES)
        await execute(ADD_KEY, KEY_ID, _box().seal(fresh, bound_to=KEY_PLACE))
        sealed = await fetch_value(SEALED_KEY)
    return None if sealed is None else open_ledger_key(sealed)


def open_ledger_key(sealed: bytes) -> bytes:
    """The plain key."""
    return _box().open_sealed(sealed, bound_to=KEY_PLACE)


def hash_address(key: bytes, kind: str, match_key: str) -> bytes:
    """What stands for an address in the ledger: HMAC-SHA256 over its kind and its match key."""
    return hmac.digest(key, f"{kind}\0{match_key}".encode(errors="surrogatepass"), hashlib.sha256)


async def keep_opted_out(fresh: Sequence[NewAddress]) -> None:
    """Record again, for addresses that are new to us, what they had opted out of before they were erased."""
    key = await find_ledger_key() if fresh else None
    if key is None:
        return
    hashes = [hash_address(key, one.kind, one.match_key) for one in fresh]
    rows = await fetch(KEEP, [one.identity_id for one in fresh], [one.kind for one in fresh], hashes)
    checks = [CheckReturned(identity_id=row["identity_id"], erasure_id=row["erasure_id"]) for row in rows]
    await enqueue_jobs([NewJob(job=check, key=f"returned:{check.identity_id}") for check in checks])


def _box() -> SecretBox:
    if not _LENT:
        raise RuntimeError("the ledger of erasures cannot be read without the secret key")
    return _LENT[0]
