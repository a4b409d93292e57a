"""Names of things: UUIDv7 (RFC 9562 5.7), stored as uuid, shown with a prefix that says what kind of thing it is.

They sort by time of making, also within one millisecond and when the clock steps back, as long as one process made
them. They are names, not secrets: whoever knows one still needs the right to read what it names.
"""

from __future__ import annotations

import re
from os import urandom
from threading import Lock
from time import time_ns
from typing import Final, Literal
from uuid import UUID

Prefix = Literal[
    "cnv", "ent", "ctc", "cha", "agt", "evt", "att", "idn", "key", "job", "msg", "dft", "sch", "crp", "aud", "rpr",
    "mrg", "cmp", "atr", "seg", "whk", "whd",
    "mov", "viw", "imp", "exp", "ers", "ptc", "csr", "ses", "inv", "vis",
]  # fmt: skip

CONVERSATION: Final[Prefix] = "cnv"
ENTRY: Final[Prefix] = "ent"
CONTACT: Final[Prefix] = "ctc"
CHANNEL: Final[Prefix] = "cha"
AGENT: Final[Prefix] = "agt"
EVENT: Final[Prefix] = "evt"
ATTACHMENT: Final[Prefix] = "att"
IDENTITY: Final[Prefix] = "idn"
API_KEY: Final[Prefix] = "key"
JOB: Final[Prefix] = "job"
MESSAGE: Final[Prefix] = "msg"
DRAFT: Final[Prefix] = "dft"
SCHEDULED_MESSAGE: Final[Prefix] = "sch"
CANNED_REPLY: Final[Prefix] = "crp"
AUDIT_EVENT: Final[Prefix] = "aud"
VIEW: Final[Prefix] = "viw"
CONVERSATION_MOVE: Final[Prefix] = "mov"
REPAIR: Final[Prefix] = "rpr"
CONTACT_MERGE: Final[Prefix] = "mrg"
COMPANY: Final[Prefix] = "cmp"
ATTRIBUTE: Final[Prefix] = "atr"
SEGMENT: Final[Prefix] = "seg"
WEBHOOK: Final[Prefix] = "whk"
WEBHOOK_DELIVERY: Final[Prefix] = "whd"
IMPORT: Final[Prefix] = "imp"
EXPORT: Final[Prefix] = "exp"
ERASURE: Final[Prefix] = "ers"
PARTICIPANT: Final[Prefix] = "ptc"
CSAT_RATING: Final[Prefix] = "csr"
SESSION: Final[Prefix] = "ses"
INVITATION: Final[Prefix] = "inv"
VISITOR: Final[Prefix] = "vis"

NANOSECONDS_A_MILLISECOND = 1_000_000
VERSION = 0x7 << 76
VARIANT = 0b10 << 62
SEED_BITS = 41
"""A millisecond's counter starts at random in the lower half of its 42 bits, so there is always room above it."""
RANDOM_BYTES = 10

BODY = re.compile(r"[0-9a-f]{32}")


class UnknownId(ValueError):
    """The text is not an id of that kind, so nothing can be found by it: the API answers `not_found`."""


def new_id() -> UUID:
    """The next id of this process: later ids are greater."""
    chance = int.from_bytes(urandom(RANDOM_BYTES))
    millisecond, counter = _TICKS.next(time_ns() // NANOSECONDS_A_MILLISECOND, chance >> 32)
    high = millisecond << 80 | VERSION | (counter >> 30) << 64
    return _uuid(high | VARIANT | (counter & 0x3FFF_FFFF) << 32 | chance & 0xFFFF_FFFF)


def show_id(prefix: Prefix, value: UUID) -> str:
    """An id as the API shows it: `cnv_0193a5c1d2e37f4f8a6b9c0d1e2f3a4b`."""
    return f"{prefix}_{value.hex}"


def read_id(prefix: Prefix, text: str) -> UUID:
    """The id in a text made by `show_id` with this prefix; else UnknownId. There is one spelling: lower case."""
    kind, _, body = text.partition("_")
    if kind != prefix or not BODY.fullmatch(body):
        raise UnknownId(f"expected {prefix}_ and 32 digits in 0-9a-f")
    return _uuid(int(body, 16))


class _Ticks:
    """A time in milliseconds and a 42 bit counter below it, which together never go back (RFC 9562 6.2, method 1).

    While the clock stands still or lags behind, the counter goes on from the latest time seen.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._millisecond = 0
        self._counter = 0

    def next(self, now: int, chance: int) -> tuple[int, int]:
        with self._lock:
            if now > self._millisecond:
                self._millisecond, self._counter = now, chance & (1 << SEED_BITS) - 1
            else:
                self._counter += 1
            return self._millisecond, self._counter


def _uuid(value: int) -> UUID:
    """A UUID of a number known to be in range, without the constructor's checks: half the cost of making an id."""
    made = UUID.__new__(UUID)
    object.__setattr__(made, "int", value)
    object.__setattr__(made, "is_safe", _IS_SAFE)
    return made


_TICKS = _Ticks()
_IS_SAFE = UUID(int=0).is_safe
