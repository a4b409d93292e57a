"""One step of comparing a channel with its provider's list: sends of unknown outcome, then what never reached us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from channels.contract import ListedMessage, Listing, RawEvent, Reconciling
from gateway.directory import ChannelAway, LiveChannel
from gateway.runtime import Runtime
from inbox.conversations.ladder import later_state
from inbox.intake.actions.journal import JournalEntry, journal_events
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.repair.actions.runs import Step, store_step
from inbox.repair.actions.sends import apply_judgements
from inbox.repair.judging import EARLIER, Judgement, UnknownSend, judge_sends
from inbox.repair.queries import Repair, known_provider_ids, next_recipients, unknown_sends, untold_keys

RECIPIENTS_A_STEP = 10
SENDS, MESSAGES = "sends", "messages"


class CannotReconcile(Exception):
    """The channel is gone, cannot be read, or has a provider without a list."""


class Found(msgspec.Struct, kw_only=True, frozen=True):
    """What one page of the list holds that we do not have, and how much it holds."""

    listed: int
    missing: list[ListedMessage]
    behind: list[ListedMessage]


async def take_reconcile_step(runtime: Runtime, repair: Repair) -> None:
    """Take the next step, or StepTaken if somebody else does. SendFailed as the provider's list fails."""
    compare = _compare_sends if repair.place.get("phase", SENDS) == SENDS else _compare_messages
    await compare(runtime, repair)


async def find_reconciling(runtime: Runtime, channel_id: UUID) -> tuple[LiveChannel, Reconciling]:
    """The channel and its adapter, or CannotReconcile."""
    try:
        live = await runtime.directory.look_up(channel_id)
    except ChannelAway as away:
        raise CannotReconcile(str(away)) from away
    if live is None:
        raise CannotReconcile("the channel was removed")
    adapter = runtime.adapters[live.adapter]
    if not isinstance(adapter, Reconciling):
        raise CannotReconcile("the channel's provider keeps no list of its messages")
    return live, adapter


async def _compare_sends(runtime: Runtime, repair: Repair) -> None:
    """Sends of unknown outcome, some recipients at a time: what was sent to one of them is judged together."""
    channel_id, since, until = _span(repair)
    after = repair.place.get("after")
    ids = await next_recipients(
        channel_id, since=since, until=until, after=UUID(after) if after else None, limit=RECIPIENTS_A_STEP
    )
    judgements = []
    for identity_id in ids:
        sends = await unknown_sends(channel_id, identity_id, since=since, until=until)
        judgements += await _judge(runtime, channel_id, sends)
    step = {"phase": SENDS, "after": str(ids[-1])} if len(ids) == RECIPIENTS_A_STEP else {"phase": MESSAGES}
    async with tx():
        counts = await apply_judgements(judgements, now=utc_now()) if not repair.dry_run else _counted(judgements)
        await _store(repair, Step(place=step, counts={f"sends_{name}": n for name, n in counts.items()}))


async def _judge(runtime: Runtime, channel_id: UUID, sends: Sequence[UnknownSend]) -> list[Judgement]:
    """What was sent to one recipient, beside all that the provider took for them and that we know nothing of."""
    if not sends:
        return []
    live, adapter = await find_reconciling(runtime, channel_id)
    since = min(send.started_at for send in sends) - EARLIER
    listing = Listing(since=since, until=utc_now(), recipient=sends[0].recipient)
    listed: list[ListedMessage] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await adapter.list_messages(live.account, listing, cursor=cursor or None)
        listed += [message for message in page.messages if message.direction == "outbound"]
        cursor = page.cursor
    known = await known_provider_ids(channel_id, [message.provider_message_id for message in listed])
    return judge_sends(
        sends, [message for message in listed if message.provider_message_id not in known], now=utc_now()
    )


def _counted(judgements: Sequence[Judgement]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for judgement in judgements:
        counts[judgement.outcome] = counts.get(judgement.outcome, 0) + 1
    return counts


async def _compare_messages(runtime: Runtime, repair: Repair) -> None:
    """One page of the list: what came in and never reached us, and how far what we sent got, is journaled."""
    channel_id, since, until = _span(repair)
    live, adapter = await find_reconciling(runtime, channel_id)
    page = await adapter.list_messages(
        live.account, Listing(since=since, until=until), cursor=repair.place.get("cursor")
    )
    found = await _find_untold(runtime, live, page.messages)
    recalled = [] if repair.dry_run else await _recall(live, adapter, [*reversed(found.missing), *found.behind])
    step = Step(
        place=None if page.cursor is None else {"phase": MESSAGES, "cursor": page.cursor},
        counts={"listed": found.listed, "inbound_missing": len(found.missing), "reports_missing": len(found.behind)},
    )
    async with tx():
        await _store(repair, step)
        if recalled:
            await journal_events(recalled)
    if recalled:
        runtime.journal.on_written({channel_id})


async def _find_untold(runtime: Runtime, live: LiveChannel, messages: Sequence[ListedMessage]) -> Found:
    inbound = [message for message in messages if message.direction == "inbound"]
    outbound = [message for message in messages if message.direction == "outbound" and message.state]
    untold = await untold_keys(_family(runtime, live), [message.key for message in inbound])
    known = await known_provider_ids(live.id, [message.provider_message_id for message in outbound])
    behind = [
        message
        for message in outbound
        if message.state
        and (ours := known.get(message.provider_message_id))
        and later_state(ours, message.state) != ours
    ]
    return Found(listed=len(messages), missing=[message for message in inbound if message.key in untold], behind=behind)


def _family(runtime: Runtime, live: LiveChannel) -> list[UUID]:
    """The channels that may hand each other events: what came in by any of them has happened."""
    return [
        other.id
        for other in runtime.directory.all_channels()
        if (other.adapter, other.realm) == (live.adapter, live.realm)
    ]


async def _recall(live: LiveChannel, adapter: Reconciling, messages: Sequence[ListedMessage]) -> list[JournalEntry]:
    return [_entry(live.id, message, await adapter.recall_message(live.account, message)) for message in messages]


def _entry(channel_id: UUID, message: ListedMessage, raw: RawEvent) -> JournalEntry:
    """The one-time key keeps what cannot be projected from being journaled anew by every comparison."""
    return JournalEntry(
        channel_id=channel_id,
        kind=raw.kind,
        method=raw.method,
        url=raw.url,
        headers=msgspec.json.encode(raw.headers).decode(),
        body=raw.body,
        received_at=raw.received_at,
        once_key=f"{raw.kind}:{message.key}",
    )


async def _store(repair: Repair, step: Step) -> None:
    if not await store_step(repair, step):
        raise StepTaken


class StepTaken(Exception):
    """Another process took this step: what we did is to be rolled back."""


def _span(repair: Repair) -> tuple[UUID, datetime, datetime]:
    if repair.channel_id is None or repair.since is None or repair.until is None:
        raise CannotReconcile("the repair names no channel or no time")
    return repair.channel_id, repair.since, repair.until
