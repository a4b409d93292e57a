"""Reading a mailbox, folder by folder and for ever: everything behind our place, then waiting for news.

Uids are searched for, sizes asked for first, and mails fetched some at a time. What is gone between two questions is
passed over once the server confirms it; what it lists and does not hand out is tried again, then in part, and is then
recorded as a failure, so that no mail keeps the next from coming.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias
from urllib.parse import quote

import msgspec

from channels.contract import RawEvent
from channels.email.imap.answers import Fetched, write_day
from channels.email.imap.place import (
    FolderPlace,
    Place,
    enter_folder,
    is_wanted,
    move_house,
    read_place,
    write_place,
)
from channels.email.imap.session import IDLE_SECONDS, ImapSession
from channels.email.imap.settings import ImapSettings
from channels.errors import Misconfigured, Unreachable

PAGE = 100
"""Mails whose sizes are asked for at once."""
BATCH_MAILS = 25
BATCH_BYTES = 2_000_000
"""Mails fetched at once; a larger one is fetched alone."""
PART_BYTES = 1_000_000
"""What is fetched of a mail that is too large: its headers, and nearly always its words."""
TRIES = 5
"""How often a mail is asked for that breaks the connection or is not handed out; the last time in part."""
PAUSES = (0.0, 0.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds before it is asked for again, by how often it was: a line may be cut, and a server be in trouble."""

KIND = "mail"
METHOD = "IMAP"
ARRIVED, SIZE, FETCHED = "imap-arrived-at", "imap-size", "imap-fetched"
"""Headers of the raw event: when the mail arrived in the mailbox (RFC 3339), its size in bytes, and how it was fetched
where not whole: "in part" or "not at all"."""
IN_PART, NOT_AT_ALL = "in part", "not at all"

Found: TypeAlias = tuple[RawEvent | None, str]


class Connect(Protocol):
    """How a session is had."""

    def __call__(self) -> AbstractAsyncContextManager[ImapSession]: ...  # noqa: D102 - said by its class


class MailBroke(Exception):
    """The connection ended while mails were fetched: perhaps by one of them. `pause` is before the next try."""

    def __init__(self, strikes: int) -> None:
        super().__init__()
        self.pause = PAUSES[min(strikes, len(PAUSES) - 1)]


async def poll_mailbox(connect: Connect, settings: ImapSettings, cursor: str | None) -> AsyncGenerator[Found, None]:
    """As `Polled.poll`. A connection that brought mail, or broke over one, is made anew at once; all else ends it."""
    watch = Watch(settings, move_house(read_place(cursor), user=settings.user, host=settings.imap_host))
    while True:
        pause, stored = 0.0, 0
        async with connect() as session, aclosing(watch.run(session)) as found:
            try:
                async for raw, place in found:
                    yield raw, place
                    stored += raw is not None
            except MailBroke as broke:
                pause = broke.pause
            except Unreachable:
                if not stored:
                    raise
        await asyncio.sleep(pause)


async def backfill_mailbox(connect: Connect, settings: ImapSettings, since: datetime) -> AsyncGenerator[RawEvent, None]:
    """The mails of all folders that arrived since then, the oldest first in each, beside what polling does."""
    watch = Watch(msgspec.structs.replace(settings, after_storing="nothing"), Place())
    left = list(settings.folders)
    while left:
        pause = 0.0
        async with connect() as session, aclosing(watch.read_since(session, left[0], since)) as found:
            try:
                async for mail in found:
                    yield mail
                left.pop(0)
            except MailBroke as broke:
                pause = broke.pause
        await asyncio.sleep(pause)


class Watch:
    """One reader of a mailbox: where it is, and which mails gave it trouble."""

    def __init__(self, settings: ImapSettings, place: Place) -> None:
        self.settings = settings
        self.place = dict(place.folders)
        self._house = place
        self._strikes: Counter[tuple[str, int]] = Counter()
        self._untidy: str | None = None

    async def run(self, session: ImapSession) -> AsyncGenerator[Found, None]:
        """All that is new, and then what comes, until the connection breaks."""
        await prepare_target(session, self.settings)
        first, *others = self.settings.folders
        while True:
            # The first one last: it stays open, and news are told of the open one.
            for folder in (*others, first):
                async with aclosing(self._read_folder(session, folder)) as found:
                    async for one in found:
                        yield one
            yield None, self._cursor()
            self._complain()
            await session.await_news(self.settings.poll_seconds if others or not session.can_idle else IDLE_SECONDS)

    async def read_since(self, session: ImapSession, folder: str, since: datetime) -> AsyncGenerator[RawEvent, None]:
        """What arrived in a folder since then; it goes on where it broke off."""
        if folder not in self.place:
            selected = await session.select(folder)
            # The server's SINCE knows days only, of whatever time zone.
            uids = await session.find_uids("1:*", "SINCE", write_day(since - timedelta(days=1)))
            self.place[folder] = FolderPlace(
                validity=selected.validity,
                uid=uids[0] - 1 if uids else selected.highest,
                tidied=0,
                seen=0,
                old=selected.highest,
                since=int(since.timestamp()),
            )
        async with aclosing(self._read_folder(session, folder)) as found:
            async for mail, _ in found:
                if mail is not None:
                    yield mail

    async def _read_folder(self, session: ImapSession, folder: str) -> AsyncGenerator[Found, None]:
        now = datetime.now(UTC)
        await self._enter(session, folder, now=now)
        place = self.place[folder]
        # "n:*" names the last mail even where it is below n.
        uids = [uid for uid in await session.find_uids(f"{place.uid + 1}:*") if uid > place.uid]
        for begin in range(0, len(uids), PAGE):
            page = uids[begin : begin + PAGE]
            listed = await session.list_mails(page)
            wanted = [one for one in map(listed.get, page) if one and self._is_wanted(folder, one)]
            for batch in cut_batches(wanted, alone=[uid for name, uid in self._strikes if name == folder]):
                async with aclosing(self._take(session, folder, batch)) as found:
                    async for one in found:
                        yield one
            self._move(folder, uid=page[-1])
        self._move(folder, seen=int(now.timestamp()))

    async def _enter(self, session: ImapSession, folder: str, *, now: datetime) -> None:
        selected = await session.select(folder)
        before = self.place.get(folder)
        self.place[folder] = place = enter_folder(
            before,
            validity=selected.validity,
            highest=selected.highest,
            everything=self.settings.start == "all",
            now=now,
        )
        if place.tidied < place.uid and self.settings.after_storing != "nothing":
            await self._tidy(session, folder, await session.find_uids(f"{place.tidied + 1}:{place.uid}"))

    async def _take(self, session: ImapSession, folder: str, batch: Sequence[Fetched]) -> AsyncGenerator[Found, None]:
        """These mails, each with the cursor behind it; then, all of them being stored, what the settings want."""
        taken = []
        for mail in await self._fetch(session, folder, batch):
            self._move(folder, uid=mail.uid)
            yield self._raw_event(folder, mail), self._cursor()
            taken.append(mail.uid)
        self._move(folder, uid=batch[-1].uid)
        if taken:
            await self._tidy(session, folder, taken)

    async def _fetch(self, session: ImapSession, folder: str, batch: Sequence[Fetched]) -> list[Fetched]:
        """The mails with their bytes; without, where the server never hands one out; those that are gone left out."""
        key = (folder, batch[0].uid)
        try:
            if self._strikes[key] >= TRIES:
                await self._see_others(session, batch[0].uid)
                return list(batch)
            bodies = await self._fetch_some(session, folder, batch)
            for one in batch:
                if one.uid not in bodies:
                    bodies |= await self._insist(session, folder, one)
        except Unreachable as error:
            if self._strikes[key] >= TRIES:
                raise
            self._strikes[key] += 1
            raise MailBroke(self._strikes[key]) from error
        return [msgspec.structs.replace(one, body=bodies[one.uid].body) for one in batch if one.uid in bodies]

    async def _insist(self, session: ImapSession, folder: str, mail: Fetched) -> dict[int, Fetched]:
        """A mail that was not handed out: nothing if it is gone, itself without its bytes if the server never does."""
        key = (folder, mail.uid)
        while await session.is_there(mail.uid):
            self._strikes[key] += 1
            if self._strikes[key] >= TRIES:
                await self._see_others(session, mail.uid)
                return {mail.uid: mail}
            bodies = await self._fetch_some(session, folder, [mail])
            if bodies:
                return bodies
        return {}

    async def _fetch_some(self, session: ImapSession, folder: str, batch: Sequence[Fetched]) -> dict[int, Fetched]:
        """What is handed out; of a mail that another client deletes meanwhile some servers hand out nothing at all."""
        bodies = await session.fetch_mails([one.uid for one in batch], most=self._most(folder, batch))
        empty = {one.uid for one in batch if one.size}
        return {uid: found for uid, found in bodies.items() if found.body or uid not in empty}

    async def _see_others(self, session: ImapSession, uid: int) -> None:
        """Unreachable where another mail cannot be fetched either: then it is the server, and no mail is given up."""
        there = [other for other in await session.find_uids(f"{max(1, uid - PAGE)}:{uid + PAGE}") if other != uid]
        if there and not await session.fetch_mails(there[:1], most=1):
            raise Unreachable("the mail server hands out no mail", code="unknown")

    def _most(self, folder: str, batch: Sequence[Fetched]) -> int | None:
        """How many bytes of them are fetched: all, but of one that is too large, or was tried nearly too often."""
        too_large = (batch[0].size or 0) > self.settings.mail_bytes
        return PART_BYTES if too_large or self._strikes[folder, batch[0].uid] == TRIES - 1 else None

    async def _tidy(self, session: ImapSession, folder: str, uids: Sequence[int]) -> None:
        """Flag or move what is stored. A server that will not is told of once all is read: mail comes first."""
        for begin in range(0, len(uids), PAGE):
            refused = await self._tidy_some(session, uids[begin : begin + PAGE])
            if refused is not None:
                self._untidy = refused
                return
        self._move(folder, tidied=self.place[folder].uid)

    async def _tidy_some(self, session: ImapSession, uids: Sequence[int]) -> str | None:
        if self.settings.after_storing == "flag":
            return await session.flag_mails(uids, self.settings.stored_flag)
        if self.settings.after_storing == "move" and self.settings.stored_folder:
            return await session.move_mails(uids, self.settings.stored_folder)
        return None

    def _complain(self) -> None:
        if self._untidy is not None:
            said, self._untidy = self._untidy, None
            reason = f"mails are stored, but the server does not {self.settings.after_storing} them: {said}"
            raise Misconfigured(reason, code="unknown", fix="check after_storing, stored_flag and stored_folder")

    def _is_wanted(self, folder: str, mail: Fetched) -> bool:
        return is_wanted(self.place[folder], mail.uid, arrived_at=mail.arrived_at)

    def _move(self, folder: str, **changes: int) -> None:
        self.place[folder] = msgspec.structs.replace(self.place[folder], **changes)

    def _cursor(self) -> str:
        kept: dict[str, FolderPlace] = {name: self.place[name] for name in self.place if name in self.settings.folders}
        return write_place(msgspec.structs.replace(self._house, folders=kept))

    def _raw_event(self, folder: str, mail: Fetched) -> RawEvent:
        return mail_event(folder, self.place[folder].validity, mail, now=datetime.now(UTC))


async def prepare_target(session: ImapSession, settings: ImapSettings) -> None:
    """See that there is a folder to move mails to, making it if need be; Misconfigured where that cannot be."""
    target = settings.stored_folder
    if settings.after_storing == "move" and target and not await session.has_folder(target):
        await session.create_folder(target)


def cut_batches(mails: Sequence[Fetched], *, alone: Sequence[int]) -> Iterator[list[Fetched]]:
    """What is fetched at once, in order: a number of small mails, or one large or troublesome one."""
    batch: list[Fetched] = []
    weight = 0
    for mail in mails:
        size = BATCH_BYTES if mail.uid in alone else mail.size or 0
        if batch and (len(batch) >= BATCH_MAILS or weight + size > BATCH_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(mail)
        weight += size
    if batch:
        yield batch


def mail_event(folder: str, validity: int, mail: Fetched, *, now: datetime) -> RawEvent:
    """A fetched mail as the journal keeps it; the URL is that of RFC 5092 without server and user."""
    headers = {ARRIVED: mail.arrived_at.isoformat()} if mail.arrived_at else {}
    headers |= {SIZE: str(mail.size)} if mail.size is not None else {}
    if mail.body is None:
        headers[FETCHED] = NOT_AT_ALL
    elif mail.size is not None and len(mail.body) == PART_BYTES < mail.size:
        headers[FETCHED] = IN_PART
    return RawEvent(
        kind=KIND,
        method=METHOD,
        url=f"imap:///{quote(folder, safe='/')};UIDVALIDITY={validity}/;UID={mail.uid}",
        headers=headers,
        body=mail.body or b"",
        received_at=now,
    )
