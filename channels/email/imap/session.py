"""One session with a mail server: logged in, every question bounded in time, every answer looked at.

aioimaplib raises nothing for a refusal and wakes nobody when a connection ends, so each answer is checked here and each
wait raced against the loss of the connection. After any failure but a refusal the session is of no further use.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aioimaplib
import msgspec

from channels.email.imap.answers import (
    Fetched,
    quote_server,
    read_code,
    read_fetched,
    read_found,
    read_next_uid,
    read_validity,
    write_name,
    write_quoted,
    write_uids,
)
from channels.email.imap.settings import ImapSettings
from channels.email.imap.wire import ROOM_BYTES, MailClient, close_client, first_of_lost, forget_error, open_client
from channels.email.oauth import AccessTokens
from channels.errors import Misconfigured, SendFailed, Throttled, Unreachable
from channels.http import Http

COMMAND_SECONDS = 30.0
SEARCH_SECONDS = 120.0
"""A large mailbox on a busy server takes its time to look through."""
SILENT_SECONDS = 30.0
"""How long nothing at all may come while mails are fetched."""
FETCH_SECONDS = 600.0
"""For the mails fetched at once, however slowly they come."""
IDLE_SECONDS = 240.0
"""How long one IDLE lasts. Servers end it after 30 minutes (RFC 2177), middle boxes forget lines after 5 to 10."""
LEAVE_SECONDS = 2.0
BUSY_SECONDS = 60.0
"""How long a server that says it is busy is left alone."""

PASSING = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN"})
"""Refusals that are no judgement on a password or a name (RFC 5530)."""
TOO_MANY = "too many"
"""Of connections or logins, as the large providers say it without a code."""
OAUTH_FIX = "connect the mailbox anew: its token is not accepted"
PASSWORD_FIX = "check imap_user and imap_password; many providers want an app password here"  # noqa: S105 (words)


class Selected(msgspec.Struct, frozen=True):
    """A folder as it is shown when it is opened; `highest` is its highest UID, 0 where it is empty and new."""

    validity: int
    highest: int


class ImapSession:
    """The questions we ask. A server that does not answer, or breaks off, is Unreachable."""

    def __init__(self, client: MailClient, settings: ImapSettings) -> None:
        self._client = client
        self._settings = settings
        self._room = 0
        self._broken = False

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself."""
        return bool(self._client.has_capability("IDLE"))

    async def select(self, folder: str) -> Selected:
        """Open a folder; Misconfigured where there is none. News are counted from here."""
        answer = await self._ask(self._client.select(write_name(folder)), COMMAND_SECONDS)
        if answer.result != "OK":
            reason = f"the folder {folder!r} cannot be opened: {self._quote(answer)}"
            if read_code(answer.lines) in PASSING:
                raise Unreachable(reason)
            raise Misconfigured(reason, code="unknown", fix="check the names in folders")
        self._client.protocol.news.clear()
        validity, following = read_validity(answer.lines), read_next_uid(answer.lines)
        if validity is None:
            raise Misconfigured(f"the folder {folder!r} has no UIDVALIDITY, so its mails cannot be told apart")
        if following is None:
            return Selected(validity, max(await self.find_uids("*"), default=0))
        return Selected(validity, following - 1)

    async def has_folder(self, folder: str) -> bool:
        """Whether there is such a folder."""
        answer = await self._ask(self._client.status(write_name(folder), "(UIDVALIDITY)"), COMMAND_SECONDS)
        return bool(answer.result == "OK")

    async def create_folder(self, folder: str) -> None:
        """Make it; Misconfigured where the server will not."""
        answer = await self._ask(self._client.create(write_name(folder)), COMMAND_SECONDS)
        if answer.result != "OK":
            raise Misconfigured(f"the folder {folder!r} cannot be made: {self._quote(answer)}", code="unknown")

    async def find_uids(self, uids: str, *criteria: str) -> list[int]:
        """The UIDs of a set that are there, ascending. For "n:*" the last one is among them even if it is below n."""
        words = ("UID", uids, *criteria)
        answer = await self._ask(self._client.protocol.search(*words, charset=None, by_uid=True), SEARCH_SECONDS)
        if answer.result != "OK":
            raise Unreachable(f"the mail server does not search: {self._quote(answer)}")
        return read_found(answer.lines)

    async def is_there(self, uid: int) -> bool:
        """Whether a mail is still there, asked after the server had the chance to tell what others deleted."""
        await self._ask(self._client.noop(), COMMAND_SECONDS)
        return uid in await self.find_uids(str(uid))

    async def list_mails(self, uids: Sequence[int]) -> dict[int, Fetched]:
        """Size and arrival of these mails, as far as they are still there."""
        return await self._fetch(uids, "(UID RFC822.SIZE INTERNALDATE)")

    async def fetch_mails(self, uids: Sequence[int], *, most: int | None = None) -> dict[int, Fetched]:
        """Their bytes, or the first `most` of each, as far as the server hands them out; no flag changes by it."""
        part = "BODY.PEEK[]" if most is None else f"BODY.PEEK[]<0.{most}>"
        self._room = 2 * self._settings.mail_bytes
        found = await self._fetch(uids, f"(UID {part})")
        return {uid: one for uid, one in found.items() if one.body is not None}

    async def flag_mails(self, uids: Sequence[int], flag: str) -> str | None:
        """Set a flag; what the server said where it would not."""
        return await self._change("store", write_uids(uids), "+FLAGS.SILENT", f"({flag})")

    async def move_mails(self, uids: Sequence[int], folder: str) -> str | None:
        """Move them (RFC 6851), or copy and delete where the server cannot; what it said where it would not."""
        if self._client.has_capability("MOVE"):
            return await self._change("move", write_uids(uids), write_name(folder))
        refused = await self._change("copy", write_uids(uids), write_name(folder))
        refused = refused or await self.flag_mails(uids, "\\Deleted")
        if refused is None and self._client.has_capability("UIDPLUS"):
            # Without it everything marked as deleted would go, by whomever: then ours stay marked.
            return await self._change("expunge", write_uids(uids))
        return refused

    async def await_news(self, seconds: float) -> None:
        """Until something new is told, at most so long; it may have been told already. Then the session is free."""
        news = self._client.protocol.news
        if not self.can_idle:
            with suppress(TimeoutError):
                await self._guard(news.wait(), seconds)
            self._broken = self._client.lost.is_set()
            return
        idle = asyncio.ensure_future(self._client.idle())
        idle.add_done_callback(forget_error)
        try:
            await self._guard(self._client.protocol.wait_for_idle_response(), COMMAND_SECONDS, meanwhile=idle)
            with suppress(TimeoutError):
                await self._guard(news.wait(), min(seconds, IDLE_SECONDS), meanwhile=idle)
            await self._guard(self._end_idle(idle), COMMAND_SECONDS)
        except TimeoutError:
            raise Unreachable("the mail server fell silent", code="timeout") from None
        finally:
            idle.cancel()
        while not self._client.protocol.idle_queue.empty():
            self._client.protocol.idle_queue.get_nowait()

    async def _end_idle(self, idle: asyncio.Future[Any]) -> None:
        """Nothing else may be said before the server has answered to the end of its IDLE."""
        self._client.protocol.idle_done()
        await asyncio.wait({idle})

    async def leave(self) -> None:
        """Take leave as is proper, for a moment; not of a server that failed us: we would wait for its answer."""
        if self._broken:
            return
        with suppress(SendFailed):
            await self._ask(self._client.logout(), LEAVE_SECONDS)

    async def log_in(self, tokens: AccessTokens) -> None:
        """Say who we are, by a token where there is one, and learn what the server can."""
        settings = self._settings
        if settings.oauth_refresh_token:
            token = await tokens.fetch_token(settings)
            if await self._authenticate(token) is not None:
                # It may have been withdrawn before its time.
                token = await tokens.fetch_token(settings, refused=token)
                self._judge_login(await self._authenticate(token), fix=OAUTH_FIX, secret=token)
        elif settings.imap_access_token and not settings.imap_password:
            token = settings.imap_access_token
            self._judge_login(await self._authenticate(token), fix=OAUTH_FIX, secret=token)
        else:
            await self._give_password(settings.password or "")
        await self._ask(self._client.protocol.capability(), COMMAND_SECONDS)

    async def _give_password(self, password: str) -> None:
        if self._client.has_capability("LOGINDISABLED"):
            fix = "set imap_security to starttls"
            raise Misconfigured("the mail server takes no password over an open line", fix=fix)
        asked = self._client.protocol.login(write_quoted(self._settings.user), password)
        answer = await self._ask(asked, COMMAND_SECONDS)
        self._judge_login(answer if answer.result != "OK" else None, fix=PASSWORD_FIX, secret=password)

    async def _authenticate(self, token: str) -> Any | None:
        """The server's answer where it does not let us in."""
        if not self._client.has_capability("AUTH=XOAUTH2"):
            raise Misconfigured("the mail server does not know OAuth 2 (XOAUTH2)", fix="use a password")
        answer = await self._ask(self._client.protocol.xoauth2(self._settings.user, token), COMMAND_SECONDS)
        return answer if answer.result != "OK" else None

    def _judge_login(self, refusal: Any | None, *, fix: str, secret: str) -> None:
        if refusal is None:
            return
        said, code = self._quote(refusal, secret), read_code(refusal.lines)
        if code in PASSING or TOO_MANY in said.lower():
            raise Throttled(f"the mail server lets nobody in now: {said}", after=BUSY_SECONDS, provider_code=code)
        raise Misconfigured(f"the mail server refuses the login: {said}", provider_code=code, fix=fix)

    async def _fetch(self, uids: Sequence[int], items: str) -> dict[int, Fetched]:
        """A refusal brings what was handed out before it, or nothing."""
        asked = self._client.protocol.fetch(write_uids(uids), items, by_uid=True, timeout=SILENT_SECONDS)
        answer = await self._ask(asked, FETCH_SECONDS)
        wanted = set(uids)
        return {uid: one for uid, one in read_fetched(answer.lines).items() if uid in wanted}

    async def _change(self, command: str, *words: str) -> str | None:
        answer = await self._ask(self._client.uid(command, *words), COMMAND_SECONDS)
        return None if answer.result == "OK" else self._quote(answer)

    async def _ask(self, asked: Coroutine[Any, Any, Any], seconds: float) -> Any:
        try:
            return await self._guard(asked, seconds)
        except TimeoutError:
            raise Unreachable("the mail server did not answer in time", code="timeout") from None

    async def _guard(
        self, asked: Coroutine[Any, Any, Any], seconds: float, *, meanwhile: asyncio.Future[Any] | None = None
    ) -> Any:
        """What was asked for; TimeoutError, or Unreachable where the line breaks or a command ends that should go on.

        What aioimaplib raises is never passed on, nor named as the cause: it may hold the command, and so a password.
        """
        watched = asked if meanwhile is None else _before(asked, meanwhile)
        self._client.protocol.room, self._room = ROOM_BYTES + self._room, 0
        self._broken = True
        try:
            answer = await first_of_lost(self._client, watched, seconds=seconds)
        except ConnectionError:
            raise Unreachable("the connection to the mail server broke") from None
        except aioimaplib.CommandTimeout:
            raise Unreachable("the mail server fell silent", code="timeout") from None
        except aioimaplib.AioImapException:
            raise Unreachable("the mail server answered with what is no IMAP") from None
        except (ValueError, IndexError):
            raise Misconfigured("a name, user, password or token has characters that cannot be sent") from None
        self._broken = False
        return answer

    def _quote(self, answer: Any, *secrets: str | None) -> str:
        return quote_server(answer.lines, secrets=[*secrets, self._settings.password, self._settings.imap_access_token])


@asynccontextmanager
async def open_imap(http: Http, settings: ImapSettings, *, tokens: AccessTokens) -> AsyncIterator[ImapSession]:
    """A session that is logged in, ended in order where nothing failed; a SendFailed where there is none."""
    client = await open_client(http, settings)
    session = ImapSession(client, settings)
    try:
        await session.log_in(tokens)
        yield session
        await session.leave()
    finally:
        close_client(client)


async def _before(asked: Coroutine[Any, Any, Any], running: asyncio.Future[Any]) -> Any:
    """What was asked for, while a command runs that is not to end."""
    answer = asyncio.ensure_future(asked)
    try:
        await asyncio.wait({answer, running}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ConnectionError("the command ended by itself")
        return answer.result()
    finally:
        answer.cancel()
        answer.add_done_callback(forget_error)
