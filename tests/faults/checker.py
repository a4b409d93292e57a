"""Compares the history with what is stored: all that was acknowledged, each once, in the order of the journal.

What was answered with an error or not at all is indeterminate: it may be stored or not, but never twice.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from tests.faults.history import Exchange
from tests.faults.site import Site

SETTLE_SECONDS = 60.0
"""How long after the end everything acknowledged may take to be in its conversation."""
FINAL = frozenset({"unknown", "sent", "delivered", "read", "failed", "undelivered", "expired", "canceled"})
"""States of a message somebody can see the end of; `unknown` is listed for a person to decide."""

WAITING = """
SELECT count(*) AS n FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id > l.projected_id
"""
STORED = """
SELECT e.provider_message_id AS key, e.conversation_id, e.seq, e.raw_event_id FROM entry e
WHERE e.type = 'message' AND e.direction = 'inbound' ORDER BY e.conversation_id, e.seq
"""
SPREAD = """
SELECT (SELECT count(*) FROM contact) AS contacts, (SELECT count(*) FROM conversation) AS conversations,
       (SELECT count(*) - count(DISTINCT cursor) FROM feed_event WHERE cursor IS NOT NULL) AS repeated_cursors,
       (SELECT count(*) FROM (SELECT seq, lag(seq) OVER (PARTITION BY conversation_id ORDER BY cursor) AS before
        FROM feed_event WHERE type = 'message.created') AS told WHERE before >= seq) AS feed_out_of_order
"""
SENDS = """
SELECT e.id, e.conversation_id, e.delivery_state AS state FROM entry e
WHERE e.type = 'message' AND e.direction = 'outbound' ORDER BY e.conversation_id, e.seq
"""


class Verdict(msgspec.Struct, kw_only=True, frozen=True):
    """What the checker found. Everything but the first two has to be 0."""

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    out_of_order: int
    stranded: int

    @property
    def clean(self) -> bool:
        """The four zeros, of more than nothing."""
        return self.acknowledged > 0 and not (self.lost or self.doubled or self.out_of_order or self.stranded)


async def check(site: Site, history: Sequence[Exchange], *, seconds: float = SETTLE_SECONDS) -> Verdict:
    """Wait until nothing more appears, then compare inbound messages with what was acknowledged."""
    acknowledged = {one.key for one in history if one.acknowledged}
    deadline = time.monotonic() + seconds
    stored, waiting = await site.rows(STORED), await _waiting(site)
    while (waiting or acknowledged - {row["key"] for row in stored}) and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        stored, waiting = await site.rows(STORED), await _waiting(site)
    return judge(acknowledged, stored, waiting=waiting)


def judge(acknowledged: set[str], stored: Sequence[Any], *, waiting: int) -> Verdict:
    """The verdict on stored rows (`key`, `conversation_id`, `seq`, `raw_event_id`), ordered by conversation and seq."""
    counts = Counter(row["key"] for row in stored)
    return Verdict(
        acknowledged=len(acknowledged),
        stored=len(counts),
        lost=len(acknowledged - set(counts)),
        doubled=sum(count - 1 for count in counts.values()),
        out_of_order=_out_of_order(stored),
        stranded=waiting,
    )


async def settle_sends(site: Site, *, seconds: float = SETTLE_SECONDS) -> list[Any]:
    """Every outgoing message with its state, once each has come to an end or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        rows = await site.rows(SENDS)
        if all(row["state"] in FINAL for row in rows) or time.monotonic() > deadline:
            return rows
        await asyncio.sleep(0.5)


def judge_sends(accepted: Iterable[str], sends: Sequence[Any], bodies: Sequence[tuple[str, str]]) -> Verdict:
    """The verdict on sends: `accepted` texts, the rows, and the ledger's (recipient, text) in the order it took them.

    Texts are `<anything>#<number>`, growing with the number in each conversation.
    """
    wanted = set(accepted)
    counts = Counter(body for _, body in bodies)
    return Verdict(
        acknowledged=len(wanted),
        stored=len(sends),
        lost=max(0, len(wanted) - len(sends)),
        doubled=sum(count - 1 for count in counts.values()),
        out_of_order=_sent_out_of_order(bodies),
        stranded=sum(row["state"] not in FINAL for row in sends),
    )


async def _waiting(site: Site) -> int:
    """How many journaled requests are not projected yet."""
    [row] = await site.rows(WAITING)
    return int(row["n"])


def _out_of_order(stored: Sequence[Any]) -> int:
    """Neighbours in a timeline whose journal numbers do not grow, and holes in `seq`."""
    pairs = [(one, two) for one, two in pairwise(stored) if one["conversation_id"] == two["conversation_id"]]
    return sum(two["raw_event_id"] <= one["raw_event_id"] or two["seq"] != one["seq"] + 1 for one, two in pairs)


def _sent_out_of_order(bodies: Iterable[tuple[str, str]]) -> int:
    last: dict[str, int] = {}
    wrong = 0
    for recipient, body in bodies:
        number = int(body.rpartition("#")[2])
        wrong += number < last.get(recipient, -1)
        last[recipient] = max(number, last.get(recipient, -1))
    return wrong
