"""Job type -> function: the only such table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.deliver import deliver_message
from gateway.erasing import check_returned, take_erase_step
from gateway.leaving import release_conversations
from gateway.media import fetch_attachment
from gateway.outcomes import Outcome
from gateway.repairs import take_repair_step
from gateway.runtime import Runtime
from gateway.scheduled import send_scheduled
from gateway.scrubbing import delete_stored_file, scrub_journal_step
from gateway.signin.mailing import mail_signin_link
from gateway.transfers import take_transfer_step
from gateway.webhooks.recovery import recover_webhook
from gateway.widget.aftermath import ask_for_rating, describe_visitor_contact, move_to_mail
from gateway.widget.linking import mail_resume_link
from gateway.widget.notices import push_message
from inbox.outbox.jobs import (
    AskForRating,
    CheckReturned,
    ClaimedJob,
    ContinueByMail,
    DeleteFile,
    DeliverMessage,
    DescribeContact,
    EraseStep,
    FetchMedia,
    MailResumeLink,
    MailSigninLink,
    PushMessage,
    RecoverWebhook,
    ReleaseConversations,
    RepairStep,
    ScrubJournal,
    SendScheduled,
    TransferStep,
)

RUN: dict[type, Callable[[Runtime, ClaimedJob, Any], Awaitable[Outcome]]] = {
    DeliverMessage: deliver_message,
    SendScheduled: send_scheduled,
    FetchMedia: fetch_attachment,
    DeleteFile: delete_stored_file,
    ScrubJournal: scrub_journal_step,
    RepairStep: take_repair_step,
    RecoverWebhook: recover_webhook,
    EraseStep: take_erase_step,
    TransferStep: take_transfer_step,
    CheckReturned: check_returned,
    MailSigninLink: mail_signin_link,
    AskForRating: ask_for_rating,
    DescribeContact: describe_visitor_contact,
    PushMessage: push_message,
    ContinueByMail: move_to_mail,
    MailResumeLink: mail_resume_link,
    ReleaseConversations: release_conversations,
}


def run_job(runtime: Runtime, claimed: ClaimedJob) -> Awaitable[Outcome]:
    """Begin what the job asks for."""
    return RUN[type(claimed.job)](runtime, claimed, claimed.job)
