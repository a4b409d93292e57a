"""What was sent and what was answered, a line each, on disk while it happens: what the checker reads afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

_encode = msgspec.json.Encoder().encode


class Exchange(msgspec.Struct, kw_only=True, frozen=True):
    """One delivery of one operation, its repetitions by the sender counted in `tries`.

    `answer` is the last HTTP status, None where nobody answered: then nobody knows whether it was taken. `due` is in
    seconds from the beginning, `sent_at` Unix time, `latency_ms` from when it was due, so that a stall shows; `late_ms`
    is how much of it had passed before we asked at all.
    """

    key: str
    conversation: str
    sequence: int
    due: float
    sent_at: float
    answer: int | None
    latency_ms: float
    tries: int = 1
    late_ms: float = 0.0

    @property
    def answered_ms(self) -> float:
        """How long the answer took from when it was asked for, our own lateness left out."""
        return max(0.0, self.latency_ms - self.late_ms)

    @property
    def acknowledged(self) -> bool:
        """Whether it was taken for good."""
        return self.answer is not None and 200 <= self.answer < 300


class History:
    """A file of exchanges (JSON lines)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("ab", buffering=0)

    def note(self, exchange: Exchange) -> None:
        """Write one down."""
        self._file.write(_encode(exchange) + b"\n")

    def read(self) -> list[Exchange]:
        """All so far."""
        lines = self.path.read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Exchange) for line in lines]

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def between(history: Iterable[Exchange], first: float, last: float) -> list[Exchange]:
    """What was due in this window, in seconds from the beginning."""
    return [exchange for exchange in history if first <= exchange.due < last]


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which this share of them lies; 0 where there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def acknowledge_rate(history: Sequence[Exchange]) -> float:
    """The share that was taken."""
    return sum(one.acknowledged for one in history) / len(history) if history else 0.0
