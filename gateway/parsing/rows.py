"""Rows of the journal, parsed: beside the event loop, within a deadline, one failure a row at the worst."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from channels.contract import Adapter, RawEvent, Unpacking
from channels.errors import Malformed
from channels.events import AnyEvent
from gateway.directory import LiveChannel
from gateway.parsing.pool import ParseFailed, ParserPool, ParseSlow
from gateway.settings import Settings
from inbox.intake.batch import Failure, ParsedEvent
from inbox.kit.db import Row

THREADS = 4
SLOW = "parse_slow"
"""The code of what has left its batch: it is parsed with patience, and joins its conversation later."""

_headers = msgspec.json.Decoder(dict[str, str]).decode


class RowParser:
    """Parses for one process. What may be made to break a parser is parsed in a process that can be killed."""

    def __init__(self, adapters: dict[str, Adapter], *, pool: ParserPool, settings: Settings) -> None:
        self._adapters = adapters
        self._pool = pool
        self._settings = settings
        self._threads = _parser_threads()

    async def parse(self, live: LiveChannel, rows: Sequence[Row]) -> list[ParsedEvent]:
        """A batch, in its order. Of hostile kinds, what takes longer than a moment leaves it with the code SLOW."""
        if self.is_apart(live):
            return await asyncio.gather(*(self._parse_apart(live, row, patient=False) for row in rows))
        parsed: list[ParsedEvent] = []
        while len(parsed) < len(rows):
            parsed += await self._parse_some(live, rows[len(parsed) :])
        return parsed

    async def parse_patiently(self, live: LiveChannel, row: Row) -> ParsedEvent:
        """One row, with the whole deadline."""
        if self.is_apart(live):
            return await self._parse_apart(live, row, patient=True)
        return (await self._parse_some(live, [row]))[0]

    def is_apart(self, live: LiveChannel) -> bool:
        """Whether what comes by this channel is parsed in processes of their own."""
        return isinstance(self._adapters[live.adapter], Unpacking)

    async def _parse_apart(self, live: LiveChannel, row: Row, *, patient: bool) -> ParsedEvent:
        if row["redacted_at"]:
            return _parsed(row, [])
        settings = self._settings
        seconds = settings.parse_deadline_seconds if patient else settings.parse_batch_seconds
        try:
            return _parsed(row, await self._pool.parse(live, raw_event(row), seconds=seconds, patient=patient))
        except ParseSlow as error:
            return _unparsed(row, "parse_timeout" if patient else SLOW, str(error))
        except ParseFailed as error:
            return _unparsed(row, error.code, str(error))

    async def _parse_some(self, live: LiveChannel, rows: Sequence[Row]) -> list[ParsedEvent]:
        """These rows, or those up to the first that takes longer than the deadline, which is given up.

        Each gets the whole deadline, so that a busy machine does not make a large batch look like a hanging adapter.
        """
        begun: list[ParsedEvent] = []
        parsing = asyncio.get_running_loop().run_in_executor(self._threads, self._parse_rows, live, rows, begun)
        before = -1
        while not parsing.done() and len(begun) > before:
            before = len(begun)
            await asyncio.wait([parsing], timeout=self._settings.parse_deadline_seconds)
        if parsing.done():
            parsing.result()
            return begun
        self._threads = _parser_threads()  # the old ones may all be hanging by now
        done = begun[:]  # the thread may yet come round and add to its own list
        return [*done, _late(rows[len(done)])] if len(done) < len(rows) else done

    def _parse_rows(self, live: LiveChannel, rows: Sequence[Row], parsed: list[ParsedEvent]) -> None:
        adapter = self._adapters[live.adapter]
        for row in rows:
            try:
                events = [] if row["redacted_at"] else adapter.parse(live.account, raw_event(row))
            except Exception as error:  # noqa: BLE001 (an adapter's bug is that event's trouble alone)
                code = "malformed" if isinstance(error, Malformed) else "parse_error"
                parsed.append(_unparsed(row, code, f"{type(error).__name__}: {error}"))
            else:
                parsed.append(_parsed(row, events))


def raw_event(row: Row) -> RawEvent:
    """A journaled request as adapters take it."""
    return RawEvent(
        kind=row["kind"],
        method=row["method"],
        url=row["url"],
        headers=_headers(row["headers"]),
        body=row["body"],
        received_at=row["received_at"],
    )


def _parser_threads() -> ThreadPoolExecutor:
    """Threads of our own: what hangs in them takes none from the spool and the rest of the process."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="parse")


def _parsed(row: Row, events: list[AnyEvent], *, failure: Failure | None = None) -> ParsedEvent:
    return ParsedEvent(
        raw_event_id=row["id"],
        received_at=row["received_at"],
        events=events,
        failure=failure,
        traceparent=row["traceparent"],
    )


def _unparsed(row: Row, code: str, error: str) -> ParsedEvent:
    return _parsed(row, [], failure=Failure(raw_event_id=row["id"], code=code, error=error))


def _late(row: Row) -> ParsedEvent:
    return _unparsed(row, "parse_timeout", "parsing took longer than the deadline")
