"""What can be asked for: every kind of job, typed. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal, TypeAlias, get_args
from uuid import UUID

import msgspec

from inbox.kit.tracing import traceparent


class DeliverMessage(msgspec.Struct, kw_only=True, frozen=True, tag="deliver_message"):
    """Hand an entry's pieces to its provider. Jobs of one conversation run in the order they were asked for."""

    entry_id: UUID


class FetchMedia(msgspec.Struct, kw_only=True, frozen=True, tag="fetch_media"):
    """Fetch one file that lies at the provider, and keep it."""

    attachment_id: UUID


class SendScheduled(msgspec.Struct, kw_only=True, frozen=True, tag="send_scheduled"):
    """Let a scheduled message leave, if it is still wanted."""

    scheduled_id: UUID


class RepairStep(msgspec.Struct, kw_only=True, frozen=True, tag="repair_step"):
    """Go on with a repair: one step of it, which asks for the next."""

    repair_id: UUID


class RecoverWebhook(msgspec.Struct, kw_only=True, frozen=True, tag="recover_webhook"):
    """Queue again what was told since a time: first what the log has after an event id, then the feed from a cursor."""

    webhook_id: UUID
    since: datetime
    include: Literal["undelivered", "all"]
    after: UUID
    cursor: int | None = None


class DeleteFile(msgspec.Struct, kw_only=True, frozen=True, tag="delete_file"):
    """Delete the bytes of a file that nothing refers to any more."""

    storage_key: str


class ScrubJournal(msgspec.Struct, kw_only=True, frozen=True, tag="scrub_journal"):
    """Blank a channel's requests behind `after` and before `until` that hold a needle: they repeat what is gone."""

    channel_id: UUID
    after: int
    until: datetime
    needles: list[str]


class EraseStep(msgspec.Struct, kw_only=True, frozen=True, tag="erase_step"):
    """Go on with an erasure: one step of it, which asks for the next."""

    erasure_id: UUID


class CheckReturned(msgspec.Struct, kw_only=True, frozen=True, tag="check_returned"):
    """Look whether an address of somebody erased is back by what came in before the erasure, as out of a spool."""

    identity_id: UUID
    erasure_id: UUID


class MailSigninLink(msgspec.Struct, kw_only=True, frozen=True, tag="mail_signin_link"):
    """Mail an agent a link to set their password, if this is an agent's address.

    The link is made when it is mailed, so that no token is stored; one that was made before comes sealed.
    """

    email: str
    purpose: Literal["invitation", "reset"]
    locale: Literal["en", "es", "de", "fr", "pt", "ar", "zh"] = "en"
    link_id: UUID | None = None
    sealed: bytes = b""


class ReleaseConversations(msgspec.Struct, kw_only=True, frozen=True, tag="release_conversations"):
    """Take from an agent who was let go what they hold, some conversations at a time; the rest by another such job."""

    agent_id: UUID


class TransferStep(msgspec.Struct, kw_only=True, frozen=True, tag="transfer_step"):
    """Go on with an import or export: one chunk of it, which asks for the next."""

    transfer_id: UUID


class AskForRating(msgspec.Struct, kw_only=True, frozen=True, tag="ask_for_rating"):
    """Ask the visitor of a chat that was closed how it was, if their chat wants it."""

    conversation_id: UUID


class DescribeContact(msgspec.Struct, kw_only=True, frozen=True, tag="describe_contact"):
    """Let the contact of a chat that has begun have what their visitor said of themselves."""

    conversation_id: UUID


class PushMessage(msgspec.Struct, kw_only=True, frozen=True, tag="push_message"):
    """Tell the browsers of a visitor who is not there of a message in their chat."""

    entry_id: UUID


class ContinueByMail(msgspec.Struct, kw_only=True, frozen=True, tag="continue_by_mail"):
    """Mail what a visitor has not seen of their chat, once they have been away long enough."""

    conversation_id: UUID


class MailResumeLink(msgspec.Struct, kw_only=True, frozen=True, tag="mail_resume_link"):
    """Mail a visitor the link that continues their chat on another device; it is made only then, and kept nowhere."""

    link_id: UUID
    address: str


Job: TypeAlias = (
    DeliverMessage | SendScheduled | FetchMedia | DeleteFile | ScrubJournal | RepairStep | RecoverWebhook
    | TransferStep | EraseStep | CheckReturned | MailSigninLink
    | AskForRating | DescribeContact | PushMessage | ContinueByMail | MailResumeLink | ReleaseConversations
)  # fmt: skip
JOB_TYPES = tuple(str(kind.__struct_config__.tag) for kind in get_args(Job))
SENDS_NOTHING: tuple[type[msgspec.Struct], ...] = (
    FetchMedia, DeleteFile, ScrubJournal, RepairStep, RecoverWebhook, TransferStep, EraseStep, CheckReturned,
    AskForRating, DescribeContact, ReleaseConversations,
)  # fmt: skip
"""What goes on while the outbox is held; every other type waits, since a restored copy must tell nobody anything."""
HARMLESS_TYPES = tuple(str(kind.__struct_config__.tag) for kind in SENDS_NOTHING)


class NewJob(msgspec.Struct, kw_only=True, frozen=True):
    """A job with its order (`key`: one at a time, oldest first) and its lane (how much of the workers it may use).

    It is not begun before `at`, or before `delay_seconds` have passed, both by the clock of the database. It belongs
    to the trace it was made in.
    """

    job: Job
    key: str
    lane: str = ""
    at: datetime | None = None
    delay_seconds: float = 0
    traceparent: str | None = msgspec.field(default_factory=traceparent)


class ClaimedJob(msgspec.Struct, kw_only=True, frozen=True):
    """A job we hold a lease on. `attempts` counts this one."""

    id: int
    job: Job
    key: str
    lane: str
    attempts: int
    lease_id: UUID
    request_id: str | None
    traceparent: str | None = None


class Backoff(msgspec.Struct, kw_only=True, frozen=True):
    """How long to wait between tries: doubling from `base_seconds` up to `max_seconds`, `attempts` tries in all."""

    base_seconds: float
    max_seconds: float
    attempts: int

    def next_try(self, attempt: int, *, after: float | None, now: datetime, random: Random) -> datetime | None:
        """When to try again after the given try failed; None when it was the last. `after`, in seconds, is obeyed.

        Jitter of up to 20 % spreads what failed together; a provider's Retry-After is only ever lengthened by it.
        """
        if attempt >= self.attempts:
            return None
        wait = min(self.base_seconds * 2 ** (attempt - 1), self.max_seconds)
        wait *= 1 + random.uniform(-0.2, 0.2)
        if after is not None:
            wait = max(wait, after * (1 + random.uniform(0, 0.2)))
        return now + timedelta(seconds=wait)


_decode: Callable[[str | bytes], Job] = msgspec.json.Decoder(Job).decode


def decode_job(payload: str | bytes) -> Job:
    """A stored job as its type."""
    return _decode(payload)


def job_type(job: Job) -> str:
    """The name a job is stored and counted by."""
    return str(job.__struct_config__.tag)


def job_facts(job: Job) -> dict[str, Any]:
    """A job as plain data, for lists and logs."""
    facts: dict[str, Any] = msgspec.to_builtins(job)
    return facts
