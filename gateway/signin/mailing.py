"""Mailing agents their links: a job of the outbox, by the mail channel that is set up."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog

from channels.errors import OutcomeUnknown, SendFailed, Throttled
from gateway.directory import LiveChannel
from gateway.outcomes import Done, Outcome, TryAgain
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.signin.letters import link_url, write_link
from inbox.kit.db import tx
from inbox.kit.ids import read_id
from inbox.outbox.jobs import ClaimedJob, MailSigninLink
from inbox.staff.invitations.actions import Link, Purpose, find_made_link, make_link
from inbox.staff.passwords.queries import find_password_of_email
from inbox.staff.queries import find_agent

log = structlog.get_logger()


async def mail_signin_link(runtime: Runtime, _: ClaimedJob, job: MailSigninLink) -> Outcome:
    """Make the link and mail it; where the address is nobody's, or no mail leaves here, that is the end of it."""
    stored = await find_password_of_email(job.email)
    if stored is None or (job.purpose == "reset" and stored.hash is None):
        return Done()
    channel = mail_channel(runtime)
    if channel is None:
        log.warning("signin_mail_has_no_channel")
        return Done()
    lasts = link_lasts(runtime.settings, job.purpose)
    link = await _open_link(runtime, job, stored.agent_id, lasts=lasts)
    if link is None:
        return Done()
    url = link_url(runtime.settings.public_url, job.purpose, token=link.token)
    # To the address on record: one that was typed may be somebody else's and look alike to the database.
    agent = await find_agent(stored.agent_id)
    message = write_link(agent.email, job.purpose, link_id=link.id, url=url, ends_at=link.expires_at, locale=job.locale)
    try:
        await runtime.adapters[channel.adapter].send(channel.account, message)
    except SendFailed as failed:
        return _refused(failed)
    return Done()


def mail_channel(runtime: Runtime) -> LiveChannel | None:
    """The channel that mails to agents leave by: the one of the settings, else the oldest mail channel."""
    channels = [live for live in runtime.directory.all_channels() if live.medium == "email" and live.status == "active"]
    named = runtime.settings.signin_mail_channel
    if named:
        return next((live for live in channels if live.id == read_id("cha", named)), None)
    return channels[0] if channels else None


async def _open_link(runtime: Runtime, job: MailSigninLink, agent_id: UUID, *, lasts: timedelta) -> Link | None:
    """The link that was made when the mail was asked for, None where it is over by now; or one made now."""
    if job.link_id is not None:
        token = runtime.box.open_sealed(job.sealed, bound_to=place_of(job.link_id)).decode()
        return await find_made_link(job.link_id, token)
    async with tx():
        return await make_link(agent_id, job.purpose, lasts=lasts)


def place_of(link_id: UUID) -> str:
    """What a link's token is sealed for while its mail waits."""
    return f"signin link {link_id}"


def link_lasts(settings: Settings, purpose: Purpose) -> timedelta:
    """How long a link is good."""
    return timedelta(hours=settings.invitation_hours if purpose == "invitation" else settings.password_reset_hours)


def _refused(failed: SendFailed) -> Outcome:
    """A link mailed twice does no harm: the later one is good."""
    if failed.retry or isinstance(failed, OutcomeUnknown):
        return TryAgain(failed.reason, after=failed.after if isinstance(failed, Throttled) else None)
    log.warning("signin_mail_refused", code=failed.code)
    return Done()
