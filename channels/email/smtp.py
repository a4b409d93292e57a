"""Mail over SMTP both ways: handed to any mail server, and handed to us by `switchboard smtpd`.

RFC 5321 for the wire. How it is handed over, and what a server's answers mean, is in `sending`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Literal

from channels.contract import (
    Account,
    AccountCheck,
    AccountReport,
    ChannelSettings,
    Media,
    Medium,
    OutboundMessage,
    RawEvent,
    Sent,
    SetupStep,
)
from channels.email.arrival import list_mail_keys, read_mail_events, unpack_mail_file
from channels.email.compose import Composed, compose_mail, sign_composed
from channels.email.limits import EMAIL_LIMITS
from channels.email.sending.sender import MailSender
from channels.email.sending.transaction import Envelope
from channels.email.settings import SmtpSettings
from channels.errors import Malformed, Misconfigured, SendFailed
from channels.events import AnyEvent
from channels.http import Http
from channels.parts import Attachment

KIND = "mail"


class SmtpSending:
    """The half that sends, for every adapter whose settings extend `SmtpSettings`."""

    limits = EMAIL_LIMITS
    carries_files: Literal[True] = True

    def __init__(self, http: Http) -> None:
        self._sender = MailSender(http)

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Write the mail and hand it to the channel's server."""
        settings = _settings(account)
        mail, content = await _write(settings, message)
        envelope = Envelope(sender=mail.sender, recipients=mail.recipients, utf8=mail.utf8)
        return await self._sender.send_mail(account, envelope, content, message_id=mail.message_id)

    async def check_sending(self, account: Account) -> AccountCheck:
        """Whether the server lets us in, without sending anything."""
        settings = _settings(account)
        server = f"{settings.smtp_host}:{settings.submission_port}"
        try:
            await self._sender.check_server(account)
        except SendFailed as failed:
            return AccountCheck(title="Sending", ok=False, detail=f"{server}: {failed.reason}", fix=failed.fix)
        return AccountCheck(title="Sending", ok=True, detail=f"{server} lets us in")

    async def aclose(self) -> None:
        """Take leave of the servers."""
        await self._sender.aclose()


class SmtpMail(SmtpSending):
    """A mail address of ours, with a server that takes what we send and hands us what comes."""

    name = "email-smtp"
    medium: Medium = "email"
    provider = "smtp"
    settings: type[ChannelSettings] = SmtpSettings
    takes_mail: Literal[True] = True

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """What a mail tells."""
        return read_mail_events(account, _mime(raw), raw)

    def list_txt_names(self, account: Account, raw: RawEvent) -> list[str]:
        """Where the keys of its signatures lie."""
        return list_mail_keys(account, _mime(raw))

    def unpack_file(self, account: Account, raw: RawEvent, attachment: Attachment) -> Media:
        """A file of a mail."""
        return unpack_mail_file(_mime(raw), attachment)

    async def check_account(self, account: Account) -> AccountReport:
        """Whether we could send."""
        return AccountReport(checks=[await self.check_sending(account)])

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """Where the mail for our addresses has to go."""
        addresses = account.settings.addresses
        return [
            SetupStep(
                title="Run `switchboard smtpd`",
                detail="It takes mail over SMTP, or LMTP with --lmtp, and answers 250 when a mail is stored.",
            ),
            *(
                SetupStep(
                    title="Have your mail server hand over this address",
                    detail="By a transport or a forward to the host and port of `switchboard smtpd`, tags included.",
                    value=address,
                )
                for address in addresses
            ),
        ]


def _settings(account: Account) -> SmtpSettings:
    if not isinstance(account.settings, SmtpSettings):
        raise Misconfigured("the channel is not set up for SMTP", code="unknown")
    return account.settings


def _mime(raw: RawEvent) -> bytes:
    if raw.kind != KIND:
        raise Malformed(f"there is no {raw.kind!r} on this channel")
    return raw.body


async def _write(settings: SmtpSettings, message: OutboundMessage) -> tuple[Composed, bytes]:
    """The mail and its signed bytes; beside the event loop where there is much to encode or to sign."""
    if message.files or settings.dkim_private_key:
        return await asyncio.to_thread(_compose, settings, message)
    return _compose(settings, message)


def _compose(settings: SmtpSettings, message: OutboundMessage) -> tuple[Composed, bytes]:
    mail = compose_mail(settings, message, now=datetime.now(UTC))
    return mail, sign_composed(settings, mail.content)
