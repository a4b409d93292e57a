"""TXT records out of the DNS, for the keys of signatures: asked ahead, side by side, remembered for a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from time import monotonic

from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.rdatatype import TXT
from dns.resolver import NXDOMAIN, Answer, NoAnswer

TIMEOUT_SECONDS = 2.0
"""For one name, all servers and tries together."""
MAX_REMEMBERED = 4_096
MIN_SECONDS = 60.0
MAX_SECONDS = 3_600.0
"""A record is kept as long as its owner says, within these; that there is none, for the shortest time."""
MAX_RECORD_CHARS = 8_192
MAX_ASKED_AT_ONCE = 20


class TxtResolver:
    """Asks for TXT records. One a process: it remembers answers, and how many questions are under way."""

    def __init__(self, *, resolver: Resolver | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._resolver = resolver
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._room = asyncio.Semaphore(MAX_ASKED_AT_ONCE)

    async def find_records(self, names: Iterable[str]) -> dict[str, str]:
        """The records by their names, "" where there is none; a name that nobody could tell of is missing."""
        wanted = list(dict.fromkeys(names))
        found = await asyncio.gather(*(self._find(name) for name in wanted))
        return {name: record for name, record in zip(wanted, found, strict=True) if record is not None}

    async def _find(self, name: str) -> str | None:
        until, record = self._kept.get(name, (0.0, ""))
        if self._clock() < until:
            return record
        async with self._room:
            answer = await self._ask(name)
        if answer is None:
            return None
        seconds, record = answer
        self._keep(name, record, seconds=seconds)
        return record

    async def _ask(self, name: str) -> tuple[float, str] | None:
        """The record and for how long it holds; None where the servers did not answer, or not with sense."""
        try:
            self._resolver = self._resolver or Resolver()
            answer = await self._resolver.resolve(f"{name.rstrip('.')}.", TXT, lifetime=TIMEOUT_SECONDS, search=False)
        except (NXDOMAIN, NoAnswer):
            return MIN_SECONDS, ""
        except (DNSException, OSError, ValueError):
            return None
        return _choose_record(answer)

    def _keep(self, name: str, record: str, *, seconds: float) -> None:
        self._kept[name] = (self._clock() + min(max(seconds, MIN_SECONDS), MAX_SECONDS), record)
        self._kept.move_to_end(name)
        while len(self._kept) > MAX_REMEMBERED:
            self._kept.popitem(last=False)


def _choose_record(answer: Answer) -> tuple[float, str]:
    """The record that holds a key, of several under one name; its strings are one text (RFC 6376 3.6.2.2)."""
    texts = [b"".join(each.strings).decode("ascii", "replace")[:MAX_RECORD_CHARS] for each in answer]
    seconds = float(answer.rrset.ttl) if answer.rrset is not None else MIN_SECONDS
    return seconds, next((text for text in texts if "p=" in text), texts[0] if texts else "")
