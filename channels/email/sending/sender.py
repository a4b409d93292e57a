"""Sends mails for all channels of a process: a pool a channel, its pace, and one transaction a mail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from channels.contract import Account, Sent
from channels.email.oauth import AccessTokens
from channels.email.sending.pace import Pace
from channels.email.sending.session import Session, open_session
from channels.email.sending.transaction import Envelope, hand_over
from channels.email.settings import SmtpSettings
from channels.errors import Misconfigured, Paced, SendFailed
from channels.http import Http

MAX_SESSIONS = 4
"""Connections of one channel at once: servers give one customer a handful."""
MAX_MAILS = 100
"""Mails by one connection; the common servers end it themselves soon after."""
IDLE_SECONDS = 15.0
"""How long a connection waits for the next mail; servers close after minutes, and count it until then."""
WAIT_SECONDS = 3.0
"""How long a mail waits here for its slot or a connection; one that would wait longer goes back to its queue."""

Opening = Callable[[SmtpSettings], Awaitable[Session]]


class MailSender:
    """Made once a process by an adapter; belongs to one event loop. `clock` is in seconds and never goes back."""

    def __init__(self, http: Http, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._tokens = AccessTokens(http)
        self._clock = clock
        self._pools: dict[str, MailPool] = {}

    async def send_mail(self, account: Account, envelope: Envelope, content: bytes, *, message_id: str) -> Sent:
        """Hand a mail to the channel's server, or raise a SendFailed that says whether it left us."""
        pool = self._pool_of(account)
        await pool.keep_pace()
        async with pool.lend() as session:
            return await hand_over(session, envelope, content, message_id=message_id)

    async def check_server(self, account: Account) -> None:
        """Connect and log in, or raise as a send does."""
        async with self._pool_of(account).lend():
            return

    async def aclose(self) -> None:
        """Take leave of all servers."""
        pools, self._pools = self._pools, {}
        await asyncio.gather(*(pool.aclose() for pool in pools.values()))

    def _pool_of(self, account: Account) -> MailPool:
        """The channel's pool; settings that changed begin a new one, and what the old one lent comes to its end."""
        settings = account.settings
        if not isinstance(settings, SmtpSettings):
            raise Misconfigured(f"the channel is set up for {type(settings).__name__}, not for SMTP", code="unknown")
        pool = self._pools.get(account.channel_id)
        if pool is None or pool.settings != settings:
            if pool is not None:
                pool.retire()
            pool = MailPool(settings, open_one=self._open, clock=self._clock)
            self._pools[account.channel_id] = pool
        return pool

    async def _open(self, settings: SmtpSettings) -> Session:
        return await open_session(settings, http=self._http, tokens=self._tokens)


class MailPool:
    """The connections of one channel, as it is set up now."""

    def __init__(self, settings: SmtpSettings, *, open_one: Opening, clock: Callable[[], float]) -> None:
        self.settings = settings
        self._open = open_one
        self._clock = clock
        self._pace = Pace(settings.sends_per_minute)
        self._places = asyncio.Semaphore(MAX_SESSIONS)
        self._idle: list[Session] = []
        self._retired = False
        self._leaving: set[asyncio.Task[None]] = set()

    async def keep_pace(self) -> None:
        """Wait for the next slot; Paced where that is not soon, before anything is connected to."""
        wait = self._pace.wait_for_slot(self._clock(), longest=WAIT_SECONDS)
        if wait > WAIT_SECONDS:
            raise Paced(f"the channel sends {self.settings.sends_per_minute} mails a minute", after=wait)
        if wait:
            await asyncio.sleep(wait)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Session]:
        """A connection for one mail, kept or new. It is kept afterwards where it can serve again."""
        await self._take_place()
        try:
            session = await self._take_kept() or await self._open(self.settings)
            try:
                yield session
            except SendFailed:
                self._put_back(session)  # a refusal is an answer: the connection is in order
                raise
            except BaseException:
                session.close()
                raise
            self._put_back(session)
        finally:
            self._places.release()

    def retire(self) -> None:
        """Keep nothing from now on."""
        self._retired = True
        while self._idle:
            self._leave(self._idle.pop())

    async def aclose(self) -> None:
        """As `retire`, and wait until leave is taken."""
        self.retire()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _take_place(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise Paced("all connections to the mail server are in use", after=1.0) from None

    async def _take_kept(self) -> Session | None:
        """The freshest that still answers; what was left behind by a mail is reset by asking."""
        while self._idle:
            session = self._idle.pop()
            try:
                if await session.is_alive():
                    return session
            except BaseException:
                session.close()
                raise
            session.close()
        return None

    def _put_back(self, session: Session) -> None:
        if not session.client.is_connected:
            session.close()
        elif self._retired or session.sent >= MAX_MAILS:
            self._leave(session)
        else:
            self._idle.append(session)
            asyncio.get_running_loop().call_later(IDLE_SECONDS, self._let_go, session, session.sent)

    def _let_go(self, session: Session, sent: int) -> None:
        """It was idle all the time, if it sent nothing meanwhile."""
        if session in self._idle and session.sent == sent:
            self._idle.remove(session)
            self._leave(session)

    def _leave(self, session: Session) -> None:
        task = asyncio.create_task(_quit(session))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def _quit(session: Session) -> None:
    with suppress(SendFailed):
        await session.quit()
