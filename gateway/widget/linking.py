"""Mailing a visitor the link to their chat: a job of the outbox, by the mail channel the chat goes on by."""

from __future__ import annotations

import structlog

from channels.contract import LetterOut, OutboundMessage
from channels.errors import OutcomeUnknown, SendFailed, Throttled
from channels.events import Address
from channels.parts import Text
from channels.webchat.settings import WebchatSettings
from gateway.directory import ChannelAway, LiveChannel
from gateway.outcomes import Done, Outcome, TryAgain
from gateway.runtime import Runtime
from inbox.kit.ids import CHANNEL, MESSAGE, show_id
from inbox.outbox.jobs import ClaimedJob, MailResumeLink
from inbox.visitors.links.actions import find_stored_link
from inbox.visitors.links.link import ResumeLink, resume_url, write_resume_token
from inbox.visitors.mail.mailing import mailbox_of
from inbox.visitors.mail.queries import find_mailbox
from inbox.visitors.mail.words import say
from inbox.visitors.queries import find_visitor
from inbox.visitors.visitor import Visitor

log = structlog.get_logger()


async def mail_resume_link(runtime: Runtime, _: ClaimedJob, job: MailResumeLink) -> Outcome:
    """Make the token and mail it; where it was used, or no mail leaves here, that is the end of it."""
    link = await find_stored_link(job.link_id)
    visitor = await find_visitor(link.visitor_id) if link else None
    if link is None or visitor is None:
        return Done()
    try:
        chat = await runtime.directory.look_up(link.channel_id)
        settings = chat.account.settings if chat else None
        mailbox = await _find_mail_channel(runtime, settings) if isinstance(settings, WebchatSettings) else None
    except ChannelAway as away:
        return TryAgain(str(away))
    if mailbox is None or not isinstance(settings, WebchatSettings):
        log.warning("resume_mail_has_no_channel")
        return Done()
    message = write_link_mail(job.address, link, visitor=visitor, settings=settings, url=resume_link_url(runtime, link))
    try:
        await runtime.adapters[mailbox.adapter].send(mailbox.account, message)
    except SendFailed as failed:
        return _refused(failed)
    return Done()


def resume_link_url(runtime: Runtime, link: ResumeLink) -> str:
    """The address that opens a link, with its token."""
    return resume_url(
        runtime.settings.public_url, show_id(CHANNEL, link.channel_id), write_resume_token(runtime.box, link)
    )


def write_link_mail(
    address: str, link: ResumeLink, *, visitor: Visitor, settings: WebchatSettings, url: str
) -> OutboundMessage:
    """The mail with the link; it says nothing else, since whoever asked may have named anybody's address."""
    locale = visitor.locale or settings.default_locale
    words = [say("link", locale), url, say("link_ends", locale, hours=settings.resume_link_hours)]
    return OutboundMessage(
        reference=f"{MESSAGE}_{link.id.hex}",
        to=Address(kind="email", value=address),
        parts=[Text(text="\n\n".join(words))],
        letter=LetterOut(subject=say("link_subject", locale, name=settings.name), automatic=True),
    )


async def _find_mail_channel(runtime: Runtime, settings: WebchatSettings) -> LiveChannel | None:
    mailbox = await find_mailbox(mailbox_of(settings.continue_by_mail))
    return await runtime.directory.look_up(mailbox["channel_id"]) if mailbox else None


def _refused(failed: SendFailed) -> Outcome:
    """Mailed twice it does no harm: it works once."""
    if failed.retry or isinstance(failed, OutcomeUnknown):
        return TryAgain(failed.reason, after=failed.after if isinstance(failed, Throttled) else None)
    log.warning("resume_mail_refused", code=failed.code)
    return Done()
