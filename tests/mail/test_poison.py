"""Mails made to break whoever reads them are kept as they came and flagged; they hold up nobody and stop no clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec

from channels.http import Http
from channels.registry import load_adapters
from gateway.projector import Projector
from gateway.runtime import Runtime
from inbox.accounts.actions import connect_channel
from inbox.intake.actions.journal import journal_events
from inbox.intake.queries import count_waiting
from inbox.kit.db import fetch, fetch_value
from tests.gateway.runtimes import open_test_runtime
from tests.inbox.builders import AGENT, committed, journal_row, until
from tests.mail.poison import poison_mails

SETTINGS = {"address": "help@shop.example", "smtp_host": "mail.invalid", "verify_dkim": False}
ORDINARY = 200
MOST_SECONDS = 90.0
"""For all of them, on a machine that does other things as well; what is asserted of each is its fate."""
LAG_SECONDS = 5.0
"""Ten times the promise, for the same reason; the benchmark of mail measures the promise itself."""


def letter(number: int) -> bytes:
    """What people write."""
    written = EmailMessage()
    written["From"], written["To"] = f"Ana <ana{number}@customers.example>", "help@shop.example"
    written["Subject"], written["Message-ID"] = f"Order {number}", f"<{number}@customers.example>"
    quoted = "On Mon, 3 Nov 2025 at 10:00, Shop <help@shop.example> wrote:\n> It is on its way\n"
    written.set_content(f"Where is order {number}?\n\n{quoted}")
    return written.as_bytes()


@asynccontextmanager
async def mailbox(database_url: str, folder: Path) -> AsyncIterator[tuple[Runtime, Projector, Any]]:
    """A channel of mail with a projector."""
    adapter = load_adapters(Http(), names=["email-smtp"])["email-smtp"]
    async with open_test_runtime(database_url, folder, adapter=adapter) as runtime:
        channel = await committed(
            connect_channel("email-smtp", "test", settings=SETTINGS, catalogue=runtime.catalogue, actor=AGENT)
        )
        await runtime.directory.refresh()
        projector = Projector(runtime)
        try:
            yield runtime, projector, channel
        finally:
            await projector.stop()


def mail_row(channel: Any, content: bytes) -> Any:
    """A mail as the door journals it."""
    row = journal_row(channel, content)
    return msgspec.structs.replace(row, kind="mail", method="SMTP", url="smtp://test")


def test_poison_mails_are_kept_and_flagged_and_delay_nobody(database_url: str, tmp_path: Path) -> None:
    """Each is in the timeline or in quarantine, its bytes are whole, and every ordinary mail between them is there."""
    poison = poison_mails()

    async def body() -> None:
        async with mailbox(database_url, tmp_path) as (_, projector, channel):
            projector.wake(await journal_events([mail_row(channel, letter(9_999))]))
            await until(nothing_waits)
            rows = [mail_row(channel, letter(number)) for number in range(ORDINARY)]
            step = ORDINARY // len(poison)
            for place, content in enumerate(poison.values()):
                rows.insert(place * (step + 1), mail_row(channel, content))
            written = await journal_events(rows)
            worst, began = [0.0], time.monotonic()
            lag = asyncio.create_task(watch_lag(worst))
            projector.wake(written)
            await until(nothing_waits, seconds=MOST_SECONDS)
            took = time.monotonic() - began
            lag.cancel()
            kept = {bytes(row["body"]) for row in await fetch("SELECT body FROM raw_event")}
            assert set(poison.values()) <= kept
            assert took < MOST_SECONDS
            assert worst[0] < LAG_SECONDS
            await every_fate_is_known(len(poison))
            await projector.join_late()  # on a busy machine an ordinary one may be among those
            assert not await fetch("SELECT FROM quarantine WHERE code = 'parse_slow' AND resolved_at IS NULL")
            told = await fetch("SELECT text FROM entry WHERE type = 'message' AND text LIKE 'Where is order%'")
            assert {row["text"].strip() for row in told} >= {f"Where is order {n}?" for n in range(ORDINARY)}
            await every_fate_is_known(len(poison))

    asyncio.run(body())


async def every_fate_is_known(poison: int) -> None:
    """No mail is nowhere: it is in a timeline, or waits in quarantine with its reason."""
    nowhere = await fetch_value(
        "SELECT count(*) FROM raw_event r WHERE NOT EXISTS (SELECT FROM entry e WHERE e.raw_event_id = r.id) "
        "AND NOT EXISTS (SELECT FROM quarantine q WHERE q.raw_event_id = r.id AND q.resolved_at IS NULL) "
        "AND NOT EXISTS (SELECT FROM event_key k WHERE k.raw_event_id = r.id)"
    )
    assert nowhere == 0
    assert await fetch_value("SELECT count(*) FROM raw_event") == poison + ORDINARY + 1


async def nothing_waits() -> bool:
    """Whether all is projected."""
    return await count_waiting() == 0


async def watch_lag(worst: list[float]) -> None:
    """Note how late the event loop ever was, in seconds."""
    while True:
        due = time.monotonic() + 0.02
        await asyncio.sleep(0.02)
        worst[0] = max(worst[0], time.monotonic() - due)
