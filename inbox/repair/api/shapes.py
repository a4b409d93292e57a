"""Repairs, the outbox and selections as the API speaks of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

import msgspec

from inbox.intake.queries import EventSelection, EventState
from inbox.kit.callers import ActorType
from inbox.kit.clock import show_time
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import CHANNEL, REPAIR, read_id, show_id
from inbox.repair.actions.jobs import JobSelection
from inbox.repair.queries import OutboxStatus, Repair, RepairKind, RepairState

MAX_IDS = 1000

Numbers: TypeAlias = Annotated[
    list[Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]], msgspec.Meta(max_length=MAX_IDS, examples=[[4711]])
]
Since: TypeAlias = Annotated[
    datetime | None, msgspec.Meta(description="From this moment on.", examples=["2026-11-21T07:00:00.000Z"])
]
Until: TypeAlias = Annotated[
    datetime | None, msgspec.Meta(description="Before this moment.", examples=["2026-11-21T09:00:00.000Z"])
]
Word: TypeAlias = Annotated[str, msgspec.Meta(max_length=100)]
ChannelId: TypeAlias = Annotated[Word | None, msgspec.Meta(description="Only this channel's.")]
DryRun: TypeAlias = Annotated[bool, msgspec.Meta(description="Count only, change nothing.")]
Code: TypeAlias = Annotated[str, msgspec.Meta(max_length=100, examples=["parse_error"])]
Reason: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=500, examples=["The provider has an outage"])]


class RepairActor(msgspec.Struct, kw_only=True, frozen=True):
    """Who asked for it."""

    type: ActorType
    id: str | None = None
    name: str | None = None


class RepairObject(msgspec.Struct, kw_only=True, frozen=True):
    """Something that is being put right, or was. `counts` grows until the state is `done` or `failed`.

    A `reconcile` counts what the provider has `listed`, what came in and is journaled now (`inbound_missing`), reports
    that were missed (`reports_missing`), and sends of unknown outcome: `sends_found`, `sends_not_found`,
    `sends_ambiguous`, `sends_too_early`. A `replay` counts `selected`, `replayed` and `failed`.
    """

    object: Literal["repair"] = "repair"
    id: str
    kind: RepairKind
    state: RepairState
    channel_id: str | None
    since: str | None
    until: str | None
    dry_run: bool
    automatic: bool
    counts: Annotated[dict[str, int], msgspec.Meta(examples=[{"listed": 212, "inbound_missing": 3, "sends_found": 1}])]
    error: str | None
    actor: RepairActor
    created_at: str
    updated_at: str
    finished_at: str | None


class ReconcileRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The span of time to compare with the provider's list; `until` is now unless given."""

    since: Annotated[datetime, msgspec.Meta(examples=["2026-11-21T07:00:00.000Z"])]
    until: Until = None
    dry_run: DryRun = False


class EventChoice(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Journaled requests by number, or by what they have in common; all that is given has to hold."""

    ids: Numbers = []
    state: Literal["projected", "quarantine"] | None = None
    channel_id: ChannelId = None
    code: Code | None = None
    since: Since = None
    until: Until = None
    dry_run: DryRun = False


class JobChoice(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Dead jobs by number, or by what they have in common; all that is given has to hold."""

    ids: Numbers = []
    type: Annotated[str, msgspec.Meta(max_length=100, examples=["deliver_message"])] | None = None
    channel_id: ChannelId = None
    since: Since = None
    until: Until = None
    dry_run: DryRun = False


class ChangedObject(msgspec.Struct, kw_only=True, frozen=True):
    """How many of the chosen there were, how many of them were changed, and how many are left for another call."""

    object: Literal["repair_count"] = "repair_count"
    id: Annotated[str, msgspec.Meta(examples=["job.retried"], description="What was done, as in the audit log.")]
    matched: int
    changed: int
    remaining: int
    dry_run: bool


class HoldRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Why nothing is to be sent."""

    reason: Reason


class DropRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What was to be sent before this moment is not to be sent any more."""

    before: Annotated[datetime, msgspec.Meta(examples=["2026-11-21T07:00:00.000Z"])]
    dry_run: DryRun = False


class OutboxObject(msgspec.Struct, kw_only=True, frozen=True):
    """Whether anything may leave: messages, webhooks, scheduled messages; and how many jobs wait or run."""

    object: Literal["outbox"] = "outbox"
    id: Literal["outbox"] = "outbox"
    held: bool
    reason: Reason | None
    held_by: RepairActor | None
    held_at: str | None
    waiting: int
    running: int
    oldest_at: str | None


def show_repair(repair: Repair) -> RepairObject:
    """A repair as stored."""
    return RepairObject(
        id=show_id(REPAIR, repair.id),
        kind=repair.kind,
        state=repair.state,
        channel_id=show_id(CHANNEL, repair.channel_id) if repair.channel_id else None,
        since=_time(repair.since),
        until=_time(repair.until),
        dry_run=repair.dry_run,
        automatic=repair.automatic,
        counts=repair.counts,
        error=repair.error,
        actor=RepairActor(type=repair.actor.type, id=repair.actor.id, name=repair.actor.name),
        created_at=show_time(repair.created_at),
        updated_at=show_time(repair.updated_at),
        finished_at=_time(repair.finished_at),
    )


def show_outbox(status: OutboxStatus) -> OutboxObject:
    """The outbox as it is."""
    by = status.held_by
    return OutboxObject(
        held=status.held,
        reason=status.reason,
        held_by=RepairActor(type=by.type, id=by.id, name=by.name) if by else None,
        held_at=_time(status.held_at),
        waiting=status.waiting,
        running=status.running,
        oldest_at=_time(status.oldest_at),
    )


def read_events(choice: EventChoice) -> EventSelection:
    """The selection that is asked for; `validation_failed` where nothing is named, which would mean everything."""
    if not (choice.ids or choice.state or choice.channel_id or choice.code or choice.since):
        raise _nothing_named("ids, state, channel_id, code or since")
    state: EventState | None = choice.state
    return EventSelection(
        ids=choice.ids,
        state=state or ("quarantine" if choice.code else None),
        channel_id=read_id(CHANNEL, choice.channel_id) if choice.channel_id else None,
        code=choice.code,
        since=zoned(choice.since),
        until=zoned(choice.until),
    )


def read_jobs(choice: JobChoice) -> JobSelection:
    """The selection that is asked for; `validation_failed` where nothing is named."""
    if not (choice.ids or choice.type or choice.channel_id or choice.since or choice.until):
        raise _nothing_named("ids, type, channel_id, since or until")
    return JobSelection(
        ids=choice.ids,
        type=choice.type,
        channel_id=read_id(CHANNEL, choice.channel_id) if choice.channel_id else None,
        since=zoned(choice.since),
        until=zoned(choice.until),
    )


def zoned(moment: datetime | None) -> datetime | None:
    """One that names no zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _nothing_named(names: str) -> Problem:
    detail = f"Give at least one of {names}"
    return Problem("validation_failed", detail, errors=[FieldError(pointer="/ids", code="required", detail=detail)])


def _time(moment: datetime | None) -> str | None:
    return show_time(moment) if moment else None
