"""Run D: a mailbox read over a line that breaks, while other clients and the server itself change it meanwhile.

`python -m tests.faults.imap_outage [--short] [--seed N]` ends within 120 s with one JSON line. Promise 13 of
reliability: what the server has is stored, each mail once, and new mail is seen within 10 s after the network is back.
Needs a real Dovecot.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import msgspec

from tests.faults.checker import STORED, WAITING, Verdict, judge
from tests.faults.proxy import BLACKHOLE, REFUSE, FaultProxy, open_proxy
from tests.faults.run import NOTHING, Stage, main
from tests.faults.waiting import wait_for
from tests.mail.dovecot import PASSWORD, USER, Dovecot, find_dovecot, make_mail, running_dovecot

SECONDS = 120.0
CUT_EVERY = 50
SENDERS = 40
QUIET_SECONDS = 1.5
"""How long after the last mail the reader is sure to wait in its IDLE."""
BACK_SECONDS = 10.0
SETTLE_SECONDS = 60.0
EXPUNGED = 5
NOBODYS = b"Subject: a mail without any sender\r\n\r\nWho wrote this?\r\n"
BROKEN = b"\xff\xfe no header at all \x01\x7f\r\n" * 3


class Plan(msgspec.Struct, frozen=True):
    """How much of what. `outage` in seconds of no network at all, `kill` whether the reading worker is killed."""

    mails: int
    outage: float
    kill: bool


WHOLE = Plan(mails=2_000, outage=8.0, kill=True)
SHORT = Plan(mails=200, outage=2.0, kill=False)


class Office:
    """The mailbox, the line to it, and what is stored of it."""

    def __init__(self, stage: Stage, server: Dovecot, line: FaultProxy, database: asyncpg.Pool) -> None:
        self.stage = stage
        self.server = server
        self.line = line
        self.database = database
        self.delivered = 0
        self.expunged: set[str] = set()

    async def deliver(self, count: int = 1) -> set[str]:
        """Put mails of several senders into the mailbox; their Message-IDs."""
        numbers = range(self.delivered, self.delivered + count)
        self.delivered += count
        mails = [make_mail(number, sender=f"c{number % SENDERS}@customer.example") for number in numbers]
        await asyncio.to_thread(self.server.drop, *mails)
        return {message_id(number) for number in numbers}

    async def journaled(self) -> int:
        """How many mails have been written down."""
        return int(await self.database.fetchval("SELECT count(*) FROM raw_event"))

    async def stored(self) -> set[str]:
        """The Message-IDs in conversations."""
        return {row["key"] for row in await self.database.fetch(STORED)}

    async def until_stored(self, wanted: set[str], *, seconds: float = SETTLE_SECONDS) -> float:
        """Until these are in conversations; how long that took."""
        began = time.monotonic()

        async def there() -> bool:
            return wanted <= await self.stored()

        await wait_for(there, seconds=seconds)
        return time.monotonic() - began

    async def on_server(self) -> set[str]:
        """The Message-IDs of all mails that the server has."""
        return await asyncio.to_thread(self._look_into_server)

    def _look_into_server(self) -> set[str]:
        with self.server.client() as client:
            _, data = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
            found = [part[1].decode() for part in data if isinstance(part, tuple)]
        return {header.partition("<")[2].partition(">")[0] for header in found if "<" in header}


def message_id(number: int) -> str:
    """That of a numbered mail."""
    return f"{number:06d}@customer.example"


async def run(stage: Stage) -> Verdict:
    """Read a full mailbox over a breaking line, then lose the network under IDLE, then have the mailbox renumbered."""
    missing = find_dovecot()
    if missing:
        stage.skip("P13", missing)
        return NOTHING
    plan, site = SHORT if stage.short else WHOLE, stage.site
    await site.open(servers=1, workers=2, channels=0, apart=True)
    stage.clock.lap("everything started")
    with running_dovecot() as server:
        async with (
            open_proxy(("127.0.0.1", server.port)) as line,
            asyncpg.create_pool(await site.database_url(), min_size=1) as database,
        ):
            office = Office(stage, server, line, database)
            await read_full_mailbox(office, plan)
            await lose_network(office, plan)
            await renumber(office)
            return await judge_mailbox(office)


async def read_full_mailbox(office: Office, plan: Plan) -> None:
    """The whole of it, cut again and again, while another client marks all as seen and deletes some."""
    await office.deliver(plan.mails // 2)
    await asyncio.to_thread(office.server.drop, NOBODYS, BROKEN)
    await office.deliver(plan.mails - plan.mails // 2)
    meddling = asyncio.create_task(meddle(office, plan))
    cutting = asyncio.create_task(cut_again(office))
    await connect_mailbox(office)
    if plan.kill:
        await wait_for(lambda: reached(office, plan.mails // 3), seconds=SETTLE_SECONDS)
        await kill_reader(office)
    await meddling
    await office.until_stored(await office.on_server())
    cutting.cancel()
    office.stage.clock.lap("a full mailbox over a breaking line")
    office.stage.least("P13", "cuts", value=office.line.accepted - 1, limit=plan.mails // CUT_EVERY - 2)


async def connect_mailbox(office: Office) -> None:
    """The channel, read over the line."""
    settings = {
        "address": "help@shop.example", "smtp_host": "127.0.0.1", "imap_host": "127.0.0.1",
        "imap_port": office.line.port, "imap_security": "none", "imap_user": USER, "imap_password": PASSWORD,
        "start": "all",
    }  # fmt: skip
    body = {"adapter": "email-imap", "name": "Mailbox", "settings": settings}
    answer = await office.stage.site.ask("POST", "/v1/channels", json=body)
    office.stage.site.channels.append(str(answer.json()["id"]))


async def reached(office: Office, count: int) -> bool:
    """Whether so many mails are written down."""
    return await office.journaled() >= count


async def cut_again(office: Office) -> None:
    """Reset the line after every so many mails."""
    following = CUT_EVERY
    while True:
        if await office.journaled() >= following:
            office.line.cut()
            following += CUT_EVERY
        await asyncio.sleep(0.01)


async def meddle(office: Office, plan: Plan) -> None:
    """Another client, on a line of its own: marks everything as seen, and deletes what is to be fetched next."""
    for part in (4, 2):
        await wait_for(lambda part=part: reached(office, plan.mails // part), seconds=SETTLE_SECONDS, pause=0.005)  # type: ignore[misc]  # a loop's value
        office.expunged |= await asyncio.to_thread(mark_and_delete, office.server, await office.journaled())


def mark_and_delete(server: Dovecot, read: int) -> set[str]:
    """Mark all as seen and delete some mails just ahead of the reader; their Message-IDs."""
    with server.client() as client:
        client.store("1:*", "+FLAGS.SILENT", "\\Seen")
        ahead = f"{read + 10}:{read + 10 + EXPUNGED - 1}"
        _, data = client.fetch(ahead, "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        client.store(ahead, "+FLAGS.SILENT", "\\Deleted")
        client.expunge()
    found = [part[1].decode() for part in data if isinstance(part, tuple)]
    return {header.partition("<")[2].partition(">")[0] for header in found}


async def kill_reader(office: Office) -> None:
    """SIGKILL the worker that reads; the other takes over when the hold of the dead one ends."""
    began, before = time.monotonic(), await office.journaled()
    for name in ("work0", "work1"):
        office.stage.site.kill(name)
        office.stage.site.start(name)
        await asyncio.sleep(0.5)
    await wait_for(lambda: reached(office, before + 3 * CUT_EVERY), seconds=SETTLE_SECONDS)
    office.stage.timed("P13", "reading_after_kill_s", value=time.monotonic() - began, limit=20)


async def lose_network(office: Office, plan: Plan) -> None:
    """Three seconds of nothing under IDLE, and then no network at all; mail comes meanwhile, and is seen soon after."""
    await asyncio.sleep(QUIET_SECONDS)
    async with office.line.behaving(BLACKHOLE):
        swallowed = await office.deliver(3)
        await asyncio.sleep(3)
    await note_return(office, "black hole", swallowed)
    await asyncio.sleep(QUIET_SECONDS)
    async with office.line.behaving(REFUSE):
        missed = await office.deliver(3)
        await asyncio.sleep(plan.outage)
    await note_return(office, "outage", missed)
    office.stage.clock.lap("the network lost twice")


async def note_return(office: Office, what: str, mails: set[str]) -> None:
    """How long after the network's return the mails of meanwhile, and one of just now, were there."""
    mails |= await office.deliver()
    took = await office.until_stored(mails)
    office.stage.most("P13", f"seen_after_{what.replace(' ', '_')}_s", value=took, limit=BACK_SECONDS)


async def renumber(office: Office) -> None:
    """Another UIDVALIDITY: everything is read once more, nothing is stored again, and what is new is seen."""
    before = await office.journaled()
    await asyncio.to_thread(office.server.renumber)
    mails = await office.deliver(3)
    await office.until_stored(mails)
    again = await office.journaled() - before
    office.stage.least("P13", "read_again_after_renumbering", value=again, limit=office.delivered // 2)
    office.stage.clock.lap("a renumbered mailbox")


async def judge_mailbox(office: Office) -> Verdict:
    """What is stored against what the server has."""
    site, server_has = office.stage.site, await office.on_server()
    await wait_for(lambda: nothing_waits(office), seconds=SETTLE_SECONDS)
    rows = await office.database.fetch(STORED)
    known = {row["key"] for row in rows}
    verdict = judge(server_has, rows, waiting=await office.database.fetchval(WAITING))
    quarantined = await office.database.fetchval("SELECT count(DISTINCT error) FROM quarantine")
    bodies = {bytes(row["body"]) for row in await office.database.fetch("SELECT body FROM raw_event")}
    health = (await site.ask("GET", f"/v1/channels/{site.channel}/health")).json()
    office.stage.none_of(
        "P13",
        lost=verdict.lost,
        doubled=verdict.doubled,
        never_on_the_server=len(known - server_has - office.expunged - unreadable(rows)),
        raw_forms_missing=len({NOBODYS, BROKEN} - bodies),
        failing=int(health["state"] != "ok"),
    )
    office.stage.least("P13", "unreadable_listed", value=quarantined, limit=1)
    return verdict


def unreadable(rows: list[Any]) -> set[str]:
    """What was stored of mails without a Message-ID: their keys are digests."""
    return {row["key"] for row in rows if "@" not in row["key"]}


async def nothing_waits(office: Office) -> bool:
    """Whether all that was written down is projected."""
    return not await office.database.fetchval(WAITING)


if __name__ == "__main__":
    main("D IMAP outage", run, seconds=SECONDS)
