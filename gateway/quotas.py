"""How much an API key, or an address that guesses, may ask for in a minute or another window (docs/decisions/0014).

Requests are counted in this process and reported to Redis in batches, which answers with what all processes have
counted: most requests wait for nobody. Close to its quota a name is reported before each request. A Redis that is away,
hangs or refuses writes is left alone for a while; until then each process counts by itself, and no name is without a
limit. Times are monotonic seconds here and a time to live there, so a wrong clock does no harm.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from hashlib import blake2s
from math import ceil
from typing import Any

import msgspec
import redis.asyncio as redis
import structlog

from gateway.topics import REDIS_AWAY
from inbox.kit.errors import Problem

log = structlog.get_logger()

WINDOW_SECONDS = 60
REDIS_SECONDS = 0.2
"""The longest a request waits for Redis."""
BREAK_SECONDS = 5.0
"""How long a Redis that failed is not asked again."""
UNREPORTED_SHARE = 20
"""A process keeps at most a twentieth of a quota to itself: by so much each of them may let through too many."""
NEAR_SHARE = 10
"""With a tenth of its quota left, a name is reported before each request."""
MOST_WINDOWS = 50_000
"""Names remembered at a time; the oldest is forgotten first, so that strangers cannot fill the memory."""
REPORT_BATCH = 500

# One round trip for any number of names: adds what is new, begins the window with the first, and tells sum and rest.
REPORT = """
local told = {}
for n, key in ipairs(KEYS) do
    local sum = redis.call('INCRBY', key, ARGV[n + 1])
    local rest = redis.call('PTTL', key)
    if rest < 0 then
        redis.call('PEXPIRE', key, ARGV[1])
        rest = tonumber(ARGV[1])
    end
    told[2 * n - 1], told[2 * n] = sum, rest
end
return told
"""


class Standing(msgspec.Struct, kw_only=True, frozen=True):
    """How a name stands with its quota; `reset` is in whole seconds, `taken` whether this request may pass."""

    policy: str
    quota: int
    remaining: int
    reset: int
    taken: bool
    window: int = WINDOW_SECONDS

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10)."""
        policy = f'"{self.policy}";q={self.quota};w={self.window}'
        limit = f'"{self.policy}";r={self.remaining};t={self.reset}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", limit.encode())]

    def refusal(self) -> Problem:
        """The problem to answer with when the quota is used up."""
        return Problem(
            "quota_exceeded",
            f"more than {self.quota} requests in {self.window} seconds",
            hint="Wait as long as Retry-After says; every answer tells in RateLimit what is left.",
            retry_after=self.reset,
        )


class Window(msgspec.Struct):
    """One name's time: `used` is all that is known of, `unreported` what Redis has not been told of it yet."""

    ends_at: float
    used: int = 0
    unreported: int = 0
    shared: bool = False


class Quotas:
    """The windows of one process, shared with the others through Redis; all of them `window` seconds long."""

    def __init__(
        self, client: redis.Redis, *, window: int = WINDOW_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._seconds = window
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._unreported: set[str] = set()
        self._reporting: asyncio.Task[None] | None = None
        self._left_alone_until = float("-inf")

    async def take(self, name: str, *, policy: str, quota: int) -> Standing:
        """Count one request of a name, unless its quota is used up."""
        window = self._window(f"{policy}:{name}")
        if _is_due(window, quota):
            await self.report()
            window = self._window(f"{policy}:{name}")
        taken = window.used < quota
        if taken:
            window.used += 1
            window.unreported += 1
            self._unreported.add(f"{policy}:{name}")
        return self._standing(window, policy=policy, quota=quota, taken=taken)

    def give_back(self, name: str, *, policy: str) -> None:
        """What was taken last does not count: of what is limited are the failures, and this was none."""
        window = self._windows.get(f"{policy}:{name}")
        if window is not None and window.used:
            window.used -= 1
            window.unreported -= 1
            self._unreported.add(f"{policy}:{name}")

    def look(self, name: str, *, policy: str, quota: int) -> Standing:
        """How a name stands as far as this process knows; nothing is counted."""
        window = self._windows.get(f"{policy}:{name}")
        if window is None or window.ends_at <= self._clock():
            window = Window(self._clock() + self._seconds)
        return self._standing(window, policy=policy, quota=quota, taken=window.used < quota)

    async def report(self) -> None:
        """Tell Redis what is new and learn what others counted, within `REDIS_SECONDS`; without Redis, do nothing."""
        if not self._unreported or self._clock() < self._left_alone_until:
            return
        if self._reporting is None:
            self._reporting = asyncio.create_task(self._report(), context=Context())
        await asyncio.wait([self._reporting])

    async def _report(self) -> None:
        names = list(self._unreported)[:REPORT_BATCH]
        known = [(name, self._windows[name]) for name in names if name in self._windows]
        self._unreported.difference_update(names)
        told = [(name, window, window.unreported) for name, window in known]
        for _, window, amount in told:
            window.unreported -= amount
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                answer = await self._ask(told)
        except REDIS_AWAY as error:
            self._leave_alone(told, error)
        else:
            self._learn(told, answer)
        finally:
            self._reporting = None

    async def _ask(self, told: list[tuple[str, Window, int]]) -> list[int]:
        keys = [f"switchboard:quota:{blake2s(name.encode(), digest_size=16).hexdigest()}" for name, _, _ in told]
        amounts = [str(amount) for _, _, amount in told]
        asked: Any = self._client.eval(REPORT, len(keys), *keys, str(self._seconds * 1000), *amounts)
        answer: list[int] = await asked
        return answer

    def _learn(self, told: list[tuple[str, Window, int]], answer: list[int]) -> None:
        """A sum smaller than our own is of a Redis that has lost its memory: then ours stands."""
        now = self._clock()
        for (_, window, _), total, rest in zip(told, answer[::2], answer[1::2], strict=True):
            window.used = max(window.used, total + window.unreported)
            if not window.shared:
                window.shared, window.ends_at = True, min(now + rest / 1000, now + self._seconds)

    def _leave_alone(self, told: list[tuple[str, Window, int]], error: Exception) -> None:
        log.warning("quotas_counted_here", error=type(error).__name__, wait_seconds=BREAK_SECONDS)
        self._left_alone_until = self._clock() + BREAK_SECONDS
        for name, window, amount in told:
            window.unreported += amount
            self._unreported.add(name)

    def _window(self, name: str) -> Window:
        window = self._windows.get(name)
        if window is None or window.ends_at <= self._clock():
            self._windows.pop(name, None)
            self._unreported.discard(name)
            self._forget()
            window = self._windows[name] = Window(self._clock() + self._seconds)
        return window

    def _forget(self) -> None:
        """Windows are made in the order of their ends, or nearly: whatever is over stands at the front."""
        now = self._clock()
        while self._windows:
            name, window = next(iter(self._windows.items()))
            if window.ends_at > now and len(self._windows) < MOST_WINDOWS:
                return
            del self._windows[name]
            self._unreported.discard(name)

    def _standing(self, window: Window, *, policy: str, quota: int, taken: bool) -> Standing:
        reset = max(1, ceil(window.ends_at - self._clock()))
        return Standing(
            policy=policy,
            quota=quota,
            remaining=max(0, quota - window.used),
            reset=reset,
            taken=taken,
            window=self._seconds,
        )


def _is_due(window: Window, quota: int) -> bool:
    """Whether Redis is to be asked first: much is unreported, or little is left."""
    if not window.unreported:
        return False
    near = window.used * NEAR_SHARE >= quota * (NEAR_SHARE - 1)
    return near or window.unreported * UNREPORTED_SHARE >= quota
