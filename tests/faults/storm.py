"""An open-model storm of inbound texts, a history of what was answered, and the checker that compares the two."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from channels.signatures import sign_content
from tests.bench.load import inbound_fields
from tests.faults.site import ACCOUNT, NUMBER, PUBLIC_URL, TOKEN, Site

PATIENCE_SECONDS = 15.0
"""What Twilio gives a webhook in all."""
SETTLE_SECONDS = 60.0
"""How long after the end everything acknowledged may take to be in its conversation."""


class Operation(msgspec.Struct, kw_only=True):
    """One text of one sender, and whether any of its deliveries was answered 200."""

    sid: str
    sender: str
    number: int
    acknowledged: bool = False


class Verdict(msgspec.Struct, kw_only=True, frozen=True):
    """What the checker found. Everything but the first two has to be 0."""

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    out_of_order: int
    stranded: int


def make_operations(*, senders: int, amount: int) -> list[Operation]:
    """So many texts, the senders taking turns, numbered per sender."""
    return [
        Operation(sid=f"SM{number:032x}", sender=f"+1555400{number % senders:04d}", number=number // senders)
        for number in range(amount)
    ]


async def blow(
    site: Site, operations: Sequence[Operation], *, rate: float, copies: int = 1, shuffled_by: Random | None = None
) -> None:
    """Send at a fixed rate, to the two gateways in turn; what is not taken is tried once more, as Twilio does."""
    deliveries = [operation for operation in operations for _ in range(copies)]
    if shuffled_by:
        shuffled_by.shuffle(deliveries)
    began = time.monotonic()
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS / 2, limits=limits) as client, asyncio.TaskGroup() as group:
        for number, operation in enumerate(deliveries):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            group.create_task(_deliver(site, client, operation, first=number % 2))


async def during(storm: Awaitable[None], faults: Callable[[], Awaitable[None]]) -> None:
    """The faults happen while the storm blows."""
    blowing = asyncio.ensure_future(storm)
    await faults()
    await blowing


async def check(site: Site, operations: Sequence[Operation]) -> Verdict:
    """Wait until nothing more appears, then compare: acknowledged is stored, once, and in the order of the journal."""
    acknowledged = {operation.sid for operation in operations if operation.acknowledged}
    deadline = time.monotonic() + SETTLE_SECONDS
    stored, waiting = await _stored(site), await _waiting(site)
    while (waiting or acknowledged - {row["sid"] for row in stored}) and time.monotonic() < deadline:
        await asyncio.sleep(1)
        stored, waiting = await _stored(site), await _waiting(site)
    counts = Counter(row["sid"] for row in stored)
    return Verdict(
        acknowledged=len(acknowledged),
        stored=len(counts),
        lost=len(acknowledged - set(counts)),
        doubled=sum(count - 1 for count in counts.values()),
        out_of_order=_out_of_order(stored),
        stranded=waiting,
    )


async def _deliver(site: Site, client: httpx.AsyncClient, operation: Operation, *, first: int) -> None:
    """One delivery: a try, and one more at the other gateway if nobody answered or the answer was not 2xx."""
    path = f"/hooks/sms-twilio/{site.channel}/message"
    fields = inbound_fields(sid=operation.sid, sender=operation.sender) | {
        "AccountSid": ACCOUNT,
        "To": NUMBER,
        "Body": f"{operation.number}",
    }
    signed = PUBLIC_URL + path + "".join(name + fields[name] for name in sorted(fields))
    signature = sign_content(signed.encode(), key=TOKEN.encode(), digest="sha1", encoding="base64")
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    for attempt in range(2):
        try:
            answer = await client.post(
                site.servers[(first + attempt) % 2] + path, content=urlencode(fields), headers=headers
            )
        except httpx.TransportError:
            continue
        if answer.status_code == 200:
            operation.acknowledged = True
            return


async def _waiting(site: Site) -> int:
    """How many journaled requests are not projected yet."""
    [row] = await site.rows(
        "SELECT count(*) AS n FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id > l.projected_id"
    )
    return int(row["n"])


async def _stored(site: Site) -> list[Any]:
    return await site.rows(
        "SELECT e.provider_message_id AS sid, e.conversation_id, e.seq, e.raw_event_id FROM entry e "
        "WHERE e.type = 'message' AND e.direction = 'inbound' ORDER BY e.conversation_id, e.seq"
    )


def _out_of_order(stored: Sequence[Any]) -> int:
    """Neighbours in a timeline whose journal numbers do not grow, and holes in `seq`."""
    pairs = [
        (one, two) for one, two in pairwise(stored)
        if one["conversation_id"] == two["conversation_id"]
    ]  # fmt: skip
    return sum(two["raw_event_id"] <= one["raw_event_id"] or two["seq"] != one["seq"] + 1 for one, two in pairs)
