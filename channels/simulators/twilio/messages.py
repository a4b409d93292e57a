"""Twilio's message records: made when a message is taken, moved from status to status."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from channels.simulators.faults import Outcome
from channels.simulators.ledger import MediaFile, Message
from channels.simulators.twilio.accounts import TwilioNumber
from channels.simulators.twilio.resources import CreateMessage
from channels.sms.segments import count_segments

ERROR_CODES = {"undelivered": 30003, "failed": 30008}  # why it failed, where the faults do not say


def make_outbound(account_sid: str, form: CreateMessage, number: TwilioNumber) -> Message:
    """The record of a message taken over REST; a messaging service names its sender only later."""
    now = datetime.now(UTC)
    service = form.messaging_service_sid or None
    return Message(
        sid=make_sid("MM" if form.media_url else "SM"),
        account_sid=account_sid,
        direction="outbound-api",
        sender=None if service and not form.sender else number.number,
        to=form.to,
        body=form.body,
        status="accepted" if service else "queued",
        created=now,
        updated=now,
        service=service,
        segments=max(1, count_segments(form.body).segments),
        media_urls=form.media_url,
        callback=form.status_callback or None,
    )


def make_inbound(handset: str, body: str, number: TwilioNumber, *, files: list[MediaFile]) -> Message:
    """The record of a text a handset sent."""
    now = datetime.now(UTC)
    return Message(
        sid=make_sid("MM" if files else "SM"),
        account_sid=number.account_sid,
        direction="inbound",
        sender=handset,
        to=number.number,
        body=body,
        status="received",
        created=now,
        updated=now,
        sent=now,
        service=number.service,
        segments=max(1, count_segments(body).segments),
        media=files,
        answered=True,
    )


def advance_message(message: Message, status: str, *, number: TwilioNumber, outcome: Outcome) -> None:
    """Move it to its next status, with what that status brings: a sender, a time, an error."""
    message.status = status
    message.updated = datetime.now(UTC)
    if status == "queued":
        message.sender = number.number
    elif status == "sent":
        message.sent = message.updated
    elif status in ERROR_CODES:
        message.error_code = outcome.code or ERROR_CODES[status]


def make_sid(prefix: str) -> str:
    """A new sid, such as SM and 32 hex digits. Never seeded: receivers remember sids for longer than one run."""
    return prefix + secrets.token_hex(16)
