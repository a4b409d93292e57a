"""The agents of a fault run: they answer by the API, one message after the other in each conversation."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp

from inbox.kit.ids import read_id, show_id
from tests.faults.load import Delivery, make_operations
from tests.faults.site import Site
from tests.faults.texts import open_texter
from tests.faults.waiting import wait_for

PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.2
CONVERSATIONS = """
SELECT DISTINCT conversation_id AS id FROM entry WHERE direction = 'inbound' AND channel_id = $1 ORDER BY 1
"""


class Desk:
    """`accepted` holds each text the API took and when (Unix time). Texts are `<conversation>#<number>`."""

    def __init__(self, site: Site, session: aiohttp.ClientSession) -> None:
        self.site = site
        self.session = session
        self.accepted: dict[str, float] = {}
        self.channel_of: dict[str, int] = {}
        self._numbers: dict[str, int] = defaultdict(int)
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def answer(self, conversation: str) -> None:
        """Send the next text of this conversation, again under its key until it is known what became of it."""
        async with self._turns[conversation]:
            number = self._numbers[conversation] = self._numbers[conversation] + 1
            text = f"{conversation}#{number}"
            if await self._post(conversation, text):
                self.accepted[text] = time.time()

    async def answer_all(self, conversations: Sequence[str], *, times: int = 1) -> None:
        """So many texts in each."""
        await asyncio.gather(*(self.answer(one) for one in conversations for _ in range(times)))

    async def answer_at_rate(self, conversations: Sequence[str], *, rate: float, seconds: float) -> None:
        """In turn, at a fixed rate whatever becomes of them."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                group.create_task(self.answer(conversations[number % len(conversations)]))

    def latencies(self, ledger: Sequence[dict[str, Any]], *, since: float, until: float) -> list[tuple[str, float]]:
        """Conversation, and seconds from the API's yes to the provider's, for what was accepted in this window."""
        found = []
        for message in ledger:
            accepted = self.accepted.get(message["body"])
            if accepted is not None and since <= accepted < until:
                taken = datetime.fromisoformat(message["created"]).timestamp()
                found.append((message["body"].partition("#")[0], max(0.0, taken - accepted)))
        return found

    async def _post(self, conversation: str, text: str) -> bool:
        headers = {"Authorization": f"Bearer {self.site.key}", "Idempotency-Key": secrets.token_hex(16)}
        path = f"/v1/conversations/{conversation}/messages"
        deadline, attempt = time.monotonic() + PATIENCE_SECONDS, 0
        while time.monotonic() < deadline:
            url = self.site.servers[attempt % len(self.site.servers)] + path
            attempt += 1
            try:
                async with self.session.post(url, headers=headers, json={"text": text}) as answer:
                    if answer.status in {201, 429}:
                        return answer.status == 201
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await asyncio.sleep(PAUSE_SECONDS)
        raise RuntimeError(f"nobody ever answered {path}")


@asynccontextmanager
async def open_desk(site: Site) -> AsyncIterator[Desk]:
    """A desk with connections of its own."""
    patience = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=patience) as session:
        yield Desk(site, session)


async def begin_conversations(site: Site, channel: int, *, amount: int) -> list[str]:
    """So many people write to a channel; the ids of their conversations, once they are all there."""
    before = len(await _conversations(site, channel, 0))
    operations = make_operations(senders=amount, amount=amount, prefix=f"+1555{channel + 1:03d}")
    async with open_texter(site.servers, channel=site.channels[channel], number=channel) as texter:
        await asyncio.gather(*(texter.deliver(Delivery(operation=one, due=0)) for one in operations))
    rows = await wait_for(lambda: _conversations(site, channel, before + amount), seconds=PATIENCE_SECONDS)
    return [show_id("cnv", row["id"]) for row in rows]


async def _conversations(site: Site, channel: int, amount: int) -> list[Any]:
    rows = await site.rows(CONVERSATIONS, read_id("cha", site.channels[channel]))
    return rows if len(rows) >= amount else []
