"""How a job ended, as its function says and the worker carries out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

import msgspec


class Done(msgspec.Struct, frozen=True):
    """The job is done and its row already gone, in the transaction of its effect, or to be removed now."""

    settled: bool = False


class TryAgain(msgspec.Struct, frozen=True):
    """Not now. `after` is what the other side asked for, in seconds, and holds for the job's whole lane.

    `last` runs when no try is left. One that is not `counted` takes none of the tries: nothing was attempted.
    """

    error: str
    after: float | None = None
    last: Callable[[], Awaitable[None]] | None = None
    counted: bool = True


class NotNow(msgspec.Struct, frozen=True):
    """It is not its time: try again at a moment, without counting it as a failure."""

    at: datetime
    reason: str


Outcome: TypeAlias = Done | TryAgain | NotNow
