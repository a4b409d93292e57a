"""Mail by IMAP and SMTP: a mailbox anywhere, read by polling and written from over its own server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial

import msgspec

from channels.contract import Account, AccountReport, ChannelSettings, Media, Medium, RawEvent, SetupStep
from channels.email.arrival import list_mail_keys, read_mail_events, unpack_mail_file
from channels.email.imap.checking import examine_mailbox
from channels.email.imap.session import open_imap
from channels.email.imap.settings import ImapSettings
from channels.email.imap.watching import FETCHED, IN_PART, KIND, NOT_AT_ALL, Connect, backfill_mailbox, poll_mailbox
from channels.email.oauth import AccessTokens
from channels.email.smtp import SmtpSending
from channels.errors import Malformed, Misconfigured
from channels.events import AnyEvent, MessageReceived
from channels.http import Http
from channels.parts import Attachment

TRUNCATED = "truncated"
"""The flag of a mail of which only the beginning was fetched."""
NEVER_HANDED_OUT = "the mail server lists this mail and does not hand it out: read it in the mailbox"


class ImapMail(SmtpSending):
    """A mailbox that is read by IMAP, and whose answers leave by SMTP."""

    name = "email-imap"
    medium: Medium = "email"
    provider = "imap"
    settings: type[ChannelSettings] = ImapSettings

    def __init__(self, http: Http) -> None:
        super().__init__(http)
        self._http = http
        self._tokens = AccessTokens(http)

    async def poll(self, account: Account, cursor: str | None) -> AsyncGenerator[tuple[RawEvent | None, str], None]:
        """Mails as they come, each with the cursor behind it; None where all is read and well."""
        settings = _settings(account)
        async with aclosing(poll_mailbox(self._connect(settings), settings, cursor)) as found:
            async for one in found:
                yield one

    async def read_since(self, account: Account, since: datetime) -> AsyncGenerator[RawEvent, None]:
        """The mails that arrived since then, whatever polling has seen."""
        settings = _settings(account)
        async with aclosing(backfill_mailbox(self._connect(settings), settings, since)) as found:
            async for mail in found:
                yield mail

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """What a mail tells; of one that was fetched in part, with the flag that says so."""
        events = read_mail_events(account, _mime(raw), raw)
        return [_flagged(event) for event in events] if raw.headers.get(FETCHED) == IN_PART else events

    def list_txt_names(self, account: Account, raw: RawEvent) -> list[str]:
        """Where the keys of its signatures lie."""
        return list_mail_keys(account, _mime(raw))

    def unpack_file(self, account: Account, raw: RawEvent, attachment: Attachment) -> Media:
        """A file of a mail."""
        return unpack_mail_file(_mime(raw), attachment)

    async def check_account(self, account: Account) -> AccountReport:
        """Whether the mailbox lets us in and has its folders, and whether we could send."""
        settings = _settings(account)
        checks = await examine_mailbox(self._connect(settings), settings)
        return AccountReport(checks=[*checks, await self.check_sending(account)])

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """Hardly anything: we come and fetch."""
        settings = _settings(account)
        begin = "all mail that is there" if settings.start == "all" else "what arrives from now on"
        return [
            SetupStep(
                title="Keep `switchboard work` running",
                detail=f"It reads {', '.join(settings.folders)} of {settings.user} at {settings.imap_host}: {begin}. "
                "Older mail is fetched by `switchboard channels backfill`.",
            ),
            SetupStep(
                title="Look whether it works",
                detail="GET /v1/channels/{id}/health says when the mailbox was last read, or what is in the way.",
                value=account.channel_id,
            ),
        ]

    def _connect(self, settings: ImapSettings) -> Connect:
        return partial(open_imap, self._http, settings, tokens=self._tokens)


def _settings(account: Account) -> ImapSettings:
    if not isinstance(account.settings, ImapSettings):
        raise Misconfigured("the channel is not set up for IMAP", code="unknown")
    return account.settings


def _mime(raw: RawEvent) -> bytes:
    if raw.kind != KIND:
        raise Malformed(f"there is no {raw.kind!r} on this channel")
    if raw.headers.get(FETCHED) == NOT_AT_ALL:
        raise Malformed(NEVER_HANDED_OUT)
    return raw.body


def _flagged(event: AnyEvent) -> AnyEvent:
    if not isinstance(event, MessageReceived) or event.letter is None or TRUNCATED in event.letter.flags:
        return event
    letter = msgspec.structs.replace(event.letter, flags=[*event.letter.flags, TRUNCATED])
    return msgspec.structs.replace(event, letter=letter)
