"""What follows for visitors who are not there: notices, answers by mail, being asked how it was.

The feed is followed beside everything else; each happening asks for its jobs in the transaction that moves the cursor.
"""

from __future__ import annotations

from uuid import UUID

from channels.webchat.services import MailContinuation
from channels.webchat.settings import WebchatSettings
from gateway.directory import ChannelAway
from gateway.outcomes import Done, NotNow, Outcome, TryAgain
from gateway.runtime import Runtime
from gateway.widget.chats import list_chats
from inbox.conversations.queries import find_conversation
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.kit.errors import Problem
from inbox.outbox.actions import enqueue_jobs, finish_job
from inbox.outbox.jobs import AskForRating, ClaimedJob, ContinueByMail, DescribeContact, NewJob, PushMessage
from inbox.visitors.happenings.actions import BATCH, Happening, take_happenings
from inbox.visitors.mail.actions import continue_by_mail, enqueue_continuation
from inbox.visitors.prechat.actions import describe_contact
from inbox.visitors.ratings.actions import request_on_close


async def follow_happenings(runtime: Runtime) -> None:
    """One look at the feed; runs as a chore. Nothing is read where there is no web chat."""
    if not list_chats(runtime.directory):
        return
    taken = BATCH
    while taken == BATCH:
        async with tx():
            happened = await take_happenings()
            for one in happened or ():
                await _ask(runtime, one)
        taken = len(happened or ())


async def ask_for_rating(runtime: Runtime, claimed: ClaimedJob, job: AskForRating) -> Outcome:
    """Ask, if the chat that was used last wants it."""
    row = await find_conversation(job.conversation_id)
    channel_id = row["reply_channel_id"] if row else None
    if channel_id is None:
        return Done()
    try:
        live = await runtime.directory.look_up(channel_id)
    except ChannelAway as away:
        return TryAgain(str(away))
    settings = live.account.settings if live else None
    if not isinstance(settings, WebchatSettings):
        return Done()
    try:
        async with tx():
            await request_on_close(job.conversation_id, settings.csat, now=utc_now())
            await finish_job(claimed)
    except Problem:
        return Done()  # it was merged into another, or erased
    return Done(settled=True)


async def move_to_mail(runtime: Runtime, claimed: ClaimedJob, job: ContinueByMail) -> Outcome:
    """Mail what was not seen, or look again when it may be due."""
    chats = list_chats(runtime.directory)
    rules: dict[UUID, MailContinuation] = {channel_id: chat.continue_by_mail for channel_id, chat in chats.items()}
    names = {channel_id: chat.name for channel_id, chat in chats.items()}
    try:
        async with tx():
            later = await continue_by_mail(
                job.conversation_id, rules, names=names, adapters=runtime.adapters, now=utc_now()
            )
            if later is None:
                await finish_job(claimed)
    except Problem as problem:
        return Done() if problem.kind.status < 500 else TryAgain(problem.detail)
    return Done(settled=True) if later is None else NotNow(later, "its visitor was there a moment ago")


async def describe_visitor_contact(_: Runtime, claimed: ClaimedJob, job: DescribeContact) -> Outcome:
    """What was said before there was a contact is theirs from now on."""
    async with tx():
        await describe_contact(job.conversation_id)
        await finish_job(claimed)
    return Done(settled=True)


async def _ask(runtime: Runtime, happened: Happening) -> None:
    """The jobs that follow from one happening."""
    conversation_id = happened.conversation_id
    if happened.entry_id is None or happened.channel_id is None:
        job = DescribeContact if happened.what == "begun" else AskForRating
        await enqueue_jobs([NewJob(job=job(conversation_id=conversation_id), key=f"visitor:{conversation_id}")])
        return
    settings = list_chats(runtime.directory).get(happened.channel_id)
    if settings is None:
        return
    if settings.push:
        push = PushMessage(entry_id=happened.entry_id)
        await enqueue_jobs([NewJob(job=push, key=f"push:{happened.entry_id}")])
    if settings.continue_by_mail.enabled:
        seconds = settings.continue_by_mail.after_minutes * 60
        await enqueue_continuation(conversation_id, delay_seconds=seconds)
