"""Giving tickets out, taking each in once, and forgetting them."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from inbox.kit.callers import Caller
from inbox.kit.db import execute, fetch_value

TICKET_SECONDS = 60
TICKET_BYTES = 32
TICKET = re.compile(r"tkt_[A-Za-z0-9_-]{43}")
PRUNE_BATCH = 1000

ISSUE = "INSERT INTO stream_ticket (hash, caller, expires_at) VALUES ($1, $2, $3)"
# The row can be deleted by one statement only: of two who show the same ticket, one is let in.
REDEEM = "DELETE FROM stream_ticket WHERE hash = $1 AND expires_at > $2 RETURNING caller"
PRUNE = """
WITH gone AS (
    DELETE FROM stream_ticket WHERE hash IN (
        SELECT hash FROM stream_ticket WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    ) RETURNING hash
) SELECT count(*) FROM gone
"""


async def issue_ticket(caller: Caller, *, now: datetime) -> tuple[str, datetime]:
    """A ticket that lets its caller in once within a minute, and when it ends; only its hash is kept."""
    ticket = f"tkt_{secrets.token_urlsafe(TICKET_BYTES)}"
    expires_at = now + timedelta(seconds=TICKET_SECONDS)
    await execute(ISSUE, _hash(ticket), msgspec.json.encode(caller).decode(), expires_at)
    return ticket, expires_at


async def redeem_ticket(ticket: str, *, now: datetime) -> Caller | None:
    """Whom a ticket lets in, this once; None for one that is not ours, was used, or is too old."""
    if TICKET.fullmatch(ticket) is None:
        return None
    caller = await fetch_value(REDEEM, _hash(ticket), now)
    return _read(caller) if caller is not None else None


async def prune_tickets(*, now: datetime) -> int:
    """Forget tickets nobody used in time, a batch at a time; returns how many."""
    return int(await fetch_value(PRUNE, now, PRUNE_BATCH))


def _hash(ticket: str) -> bytes:
    """It holds 256 random bits, so a plain hash cannot be guessed backwards."""
    return sha256(ticket.encode()).digest()


_read = msgspec.json.Decoder(Caller).decode
