"""Projects the journal in this process: channel by channel, in journal order, in batches, one poison event aside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from gateway.directory import LiveChannel
from gateway.letters import mail_rules
from gateway.metrics import INBOUND_DUPLICATES, INBOUND_PARSE_ERRORS, INBOUND_TO_VISIBLE_SECONDS
from gateway.parsing.rows import SLOW, RowParser
from gateway.runtime import Runtime
from inbox.conversations.thread import Route
from inbox.intake.actions.project import project_events, replay_events, set_aside
from inbox.intake.actions.turns import end_turn, take_turn
from inbox.intake.batch import Failure, Lane, ParsedEvent, Projection
from inbox.intake.queries import EventSelection, find_raw_events, replayable_ids, waiting_events, waiting_lanes
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, savepoint, tx
from inbox.kit.ids import new_id

log = structlog.get_logger()

LANES_AT_ONCE = 4
DOOR_SHARE = 0.4
MOST_REST_SECONDS = 0.02
PAUSE_SECONDS = 0.2
"""How long to wait before a lane is tried again that another process holds, or whose database is away."""
LATE_LOCK = 0x1A7E
"""One process at a time parses what has left its batch: it is there because it costs much."""
LATE_AT_ONCE = 50
TURN_SECONDS = 5.0
"""How long one process parses a channel's mails before another thinks that it has died."""


class Projector:
    """One process's share of the projecting; any number of processes may do it at once."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.window = timedelta(hours=runtime.settings.reopen_window_hours)
        self.rules = mail_rules(runtime)
        self._lanes: dict[UUID, asyncio.Task[None]] = {}
        self._again: set[UUID] = set()
        self._room = asyncio.Semaphore(LANES_AT_ONCE)
        self._parser = RowParser(runtime.adapters, pool=runtime.parsers, settings=runtime.settings)
        self._stopping = False
        self._holder = new_id()

    def wake(self, channel_ids: Iterable[UUID]) -> None:
        """These channels have something new in their journal."""
        for channel_id in channel_ids:
            if channel_id in self._lanes:
                self._again.add(channel_id)
            elif not self._stopping:
                self._lanes[channel_id] = asyncio.create_task(self._run_lane(channel_id))

    async def look_around(self) -> None:
        """Find what others left behind."""
        self.wake(await waiting_lanes())

    async def stop(self) -> None:
        """Finish the batches at hand; the rest stays in the journal."""
        self._stopping = True
        if self._lanes:
            await asyncio.wait(list(self._lanes.values()))

    async def replay(self, ids: Sequence[int]) -> list[Failure]:
        """Project these requests once more; what still cannot be projected is returned."""
        failures: list[Failure] = []
        for row in await find_raw_events(ids):
            live = self.runtime.directory.find_parsing(row["channel_id"])
            if live is None:
                failures.append(Failure(raw_event_id=row["id"], code="no_channel", error="the channel is gone"))
                continue
            failures += await self._replay(live, [await self._parser.parse_patiently(live, row)])
        return failures

    async def join_late(self) -> None:
        """Parse with patience what has left its batch, one after the other; it joins its conversation now, or never."""
        late = EventSelection(state="quarantine", code=SLOW)
        for number in await replayable_ids(late, after=0, limit=LATE_AT_ONCE):
            if self._stopping or not await self._join(number):
                return

    async def _join(self, number: int) -> bool:
        """False where another process is at it. What fails has its last word here, so that it is tried only once."""
        async with tx() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LATE_LOCK):
                return False
            [row] = await find_raw_events([number])
            live = self.runtime.directory.find_parsing(row["channel_id"])
            if row["code"] == SLOW and row["resolved_at"] is None and live is not None:
                parsed = await self._parser.parse_patiently(live, row)
                try:
                    async with savepoint():
                        await self._replay_parsed(live, [parsed])
                except TRANSIENT:
                    raise
                except Exception as error:  # noqa: BLE001 (this event cannot be stored, whatever the reason)
                    await set_aside(live.id, [_not_stored(parsed, error)])
        return True

    async def _replay_parsed(self, live: LiveChannel, parsed: list[ParsedEvent]) -> list[Failure]:
        return await replay_events(
            _lane(live), parsed, find_sibling=self._sibling, now=utc_now(), window=self.window, rules=self.rules
        )

    async def _replay(self, live: LiveChannel, parsed: list[ParsedEvent]) -> list[Failure]:
        try:
            async with tx():
                return await self._replay_parsed(live, parsed)
        except TRANSIENT:
            raise
        except Exception as error:  # noqa: BLE001 (told to the operator; the next requests are replayed all the same)
            return [_not_stored(parsed[0], error)]

    async def _run_lane(self, channel_id: UUID) -> None:
        try:
            async with self._room:
                await self._run_batches(channel_id)
                await self._end_turn(channel_id)
        except TRANSIENT as error:
            log.warning("projection_waits", channel=str(channel_id), error=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
        except Exception:
            log.exception("projection_failed", channel=str(channel_id))
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            del self._lanes[channel_id]
            if channel_id in self._again:
                self._again.discard(channel_id)
                self.wake([channel_id])

    async def _end_turn(self, channel_id: UUID) -> None:
        live = self.runtime.directory.find_parsing(channel_id)
        if live is not None and self._parser.is_apart(live):
            await end_turn(channel_id, self._holder)

    async def _run_batches(self, channel_id: UUID) -> None:
        """Project until nothing waits. While a batch is stored, the next is read and parsed where that is worth it."""
        parsed = await self._read(channel_id, after=None)
        while parsed and not self._stopping:
            last = parsed[-1].raw_event_id
            ahead = (
                asyncio.create_task(self._read(channel_id, after=last)) if self._goes_on(channel_id, parsed) else None
            )
            began = time.monotonic()
            try:
                done = await self._project(channel_id, parsed)
            except BaseException:
                if ahead:
                    ahead.cancel()
                raise
            if not done:
                await asyncio.sleep(PAUSE_SECONDS)
            await self._let_door_pass(time.monotonic() - began)
            if not ahead and self._others_wait():
                self._again.add(channel_id)  # to the end of the queue: a loud channel starves nobody
                return
            following = await ahead if ahead else await self._read(channel_id, after=None)
            parsed = following if done else await self._read(channel_id, after=None)

    def _goes_on(self, channel_id: UUID, parsed: Sequence[ParsedEvent]) -> bool:
        """Whether more is worth reading at once: it waits there, or others than we parse it meanwhile."""
        live = self.runtime.directory.find_parsing(channel_id)
        full = len(parsed) == self.runtime.settings.projection_batch
        return (full or (live is not None and self._parser.is_apart(live))) and not self._others_wait()

    def _others_wait(self) -> bool:
        return len(self._lanes) > LANES_AT_ONCE

    async def _let_door_pass(self, spent: float) -> None:
        """While webhooks wait to be taken, rest for a part of the time a batch took: taking comes before projecting."""
        if self.runtime.journal.busy:
            await asyncio.sleep(min(spent * DOOR_SHARE, MOST_REST_SECONDS))

    async def _read(self, channel_id: UUID, *, after: int | None) -> list[ParsedEvent]:
        """The next requests of a channel, parsed: those after its cursor, or after one that is just being stored."""
        self._again.discard(channel_id)
        live = self.runtime.directory.find_parsing(channel_id)
        if live is None:
            return []
        if self._parser.is_apart(live) and not await take_turn(channel_id, self._holder, seconds=TURN_SECONDS):
            return []
        settings = self.runtime.settings
        rows = await waiting_events(
            channel_id, after=after, limit=settings.projection_batch, most_bytes=settings.projection_bytes
        )
        return await self._parser.parse(live, rows) if rows else []

    async def _project(self, channel_id: UUID, parsed: Sequence[ParsedEvent]) -> bool:
        live = self.runtime.directory.find_parsing(channel_id)
        if live is None:
            return False
        try:
            return await self._commit(live, parsed)
        except TRANSIENT:
            raise
        except Exception as error:  # noqa: BLE001 (whatever it is, it is one event's: found by trying each alone)
            if len(parsed) == 1:
                return await self._try_again(live, parsed[0])
            log.warning("projection_one_by_one", channel=str(live.id), error=type(error).__name__)
        for one in parsed:
            if not await self._project(channel_id, [one]):
                return False
        return True

    async def _try_again(self, live: LiveChannel, one: ParsedEvent) -> bool:
        """Once more by itself: what it ran into, such as an address being removed, may be over. Else it is poison."""
        try:
            return await self._commit(live, [one])
        except TRANSIENT:
            raise
        except Exception as error:  # noqa: BLE001 (this event cannot be stored, whatever the reason)
            return await self._commit(live, [_poisoned(one, error)])

    async def _commit(self, live: LiveChannel, parsed: Sequence[ParsedEvent]) -> bool:
        with self._tracing(live, parsed) as traced:
            async with tx():
                projection = await project_events(
                    _lane(live), traced, find_sibling=self._sibling, now=utc_now(), window=self.window,
                    rules=self.rules,
                )  # fmt: skip
        if projection is not None:
            _count(live, projection, now=utc_now())
        return projection is not None

    @contextmanager
    def _tracing(self, live: LiveChannel, parsed: Sequence[ParsedEvent]) -> Iterator[Sequence[ParsedEvent]]:
        """A batch has requests of many traces: each goes on in its own."""
        if not self.runtime.tracer.active:
            yield parsed
            return
        with ExitStack() as spans:
            yield [self._traced(live, one, spans) for one in parsed]

    def _traced(self, live: LiveChannel, one: ParsedEvent, spans: ExitStack) -> ParsedEvent:
        span = self.runtime.tracer.span(
            "project",
            kind="consumer",
            parent=one.traceparent,
            channel=live.id,
            provider=live.provider,
            raw_event=one.raw_event_id,
            code=one.failure.code if one.failure else None,
        )
        return msgspec.structs.replace(one, traceparent=spans.enter_context(span).traceparent)

    def _sibling(self, channel_id: UUID, address: str) -> Route | None:
        found = self.runtime.directory.find_sibling(channel_id, address)
        return _lane(found).route if found else None


def _lane(live: LiveChannel) -> Lane:
    route = Route(channel_id=live.id, medium=live.medium, provider=live.provider)
    return Lane(route=route, addresses=frozenset(live.addresses))


def _poisoned(one: ParsedEvent, error: Exception) -> ParsedEvent:
    log.error("projection_poison", raw_event=one.raw_event_id, error=type(error).__name__)
    return msgspec.structs.replace(one, events=[], failure=_not_stored(one, error))


def _not_stored(one: ParsedEvent, error: Exception) -> Failure:
    return Failure(raw_event_id=one.raw_event_id, code="not_stored", error=f"{type(error).__name__}: {error}")


def _count(live: LiveChannel, projection: Projection, *, now: datetime) -> None:
    """What came of a batch, told once it is committed."""
    channel = live.account.channel_id
    if projection.known:
        INBOUND_DUPLICATES.labels(channel, live.provider).inc(projection.known)
    for failure in projection.failures:
        INBOUND_PARSE_ERRORS.labels(channel, live.provider, failure.code).inc()
    failed = {failure.raw_event_id for failure in projection.failures}
    waits = INBOUND_TO_VISIBLE_SECONDS.labels(live.provider)
    for one in projection.due:
        if one.events and one.raw_event_id not in failed:
            waits.observe((now - one.received_at).total_seconds())
