"""Who is let in to the API, how often, and how many at a time: the order of the checks at the door, on one page.

A place first, so that too much at once is refused before anything is looked up; then the key; then its quota. Whoever
shows no good key is counted by address, and once that has guessed too often, only keys that were good lately are looked
up for it: an office behind one address is not locked out by one of its programs (docs/decisions/0014).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, Protocol, cast
from uuid import UUID

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.addresses import Proxies
from gateway.problems import send_plainly
from gateway.quotas import Quotas, Standing
from gateway.settings import Settings
from gateway.signin.cookies import is_secure, read_session
from gateway.signin.forgery import check_page
from gateway.tasks import running
from inbox.kit.callers import Caller
from inbox.kit.errors import Code, Problem
from inbox.staff.queries import KnownKey

log = structlog.get_logger()

BUSY_SECONDS = 1.0
"""When to come again where all places are taken."""
REPORT_SECONDS = 1.0
"""How often what was counted here is told to the other processes."""
LIVE_PATH = "/stream"
STANDING = "switchboard.standing"
POLICIES = {"api_key": "key", "session": "session"}
"""What a caller's quota is called in the answer."""
REFUSED: frozenset[Code] = frozenset({"unauthenticated", "token_expired"})


class Keys(Protocol):
    """The keys as a process knows them."""

    async def identify(self, authorization: str | None, session: str | None = None) -> KnownKey:
        """The key of an Authorization header, or without one the session of a cookie, or the problem with it."""
        ...

    def recalls(self, authorization: str | None, session: str | None = None) -> bool:
        """Whether this key or session was good lately."""
        ...

    def note_use(self, caller: Caller) -> None:
        """It was used again."""
        ...


class Admission:
    """The door of one process's API."""

    def __init__(self, keys: Keys, quotas: Quotas, *, settings: Settings) -> None:
        self.quotas = quotas
        self._keys = keys
        self._settings = settings
        self._by_tls = is_secure(settings.public_url)
        self._proxies = Proxies(settings.trusted_proxies)
        self._of_key = settings.key_requests_per_minute
        self._of_address = settings.failed_keys_per_minute
        self._requests = Places(settings.api_concurrency, share=settings.api_key_share)
        self._streams = Places(settings.stream_limit, share=settings.api_key_share)

    def is_full(self, scope: Scope) -> bool:
        """Whether a request would find no place, as far as its path tells: it can be refused without more ado."""
        return self._requests.is_full and not scope["path"].endswith(LIVE_PATH)

    def place(self, *, live: bool) -> AbstractContextManager[Place]:
        """A place for one request, or for one stream; `overloaded` where none is free."""
        return (self._streams if live else self._requests).take()

    def place_refusal(self) -> Problem:
        """What is said where there is no place."""
        return self._requests.refusal()

    async def admit(self, scope: Scope, authorization: str | None) -> Caller:
        """The holder of the key or session, if it is good and not used up; what it has left goes with the answer.

        By a session's cookie only our own pages may act. An Authorization header goes before the cookie.
        """
        session = read_session(scope["headers"], secure=self._by_tls) if authorization is None else None
        try:
            known = await self._identify(scope, authorization, session=session)
        except Problem as problem:
            # Without any proof nothing is guessed; and any page can have its reader's browser ask like that.
            if problem.code in REFUSED and (authorization or session):
                await self._count_failure(scope)
            raise
        if session is not None:
            check_page(scope, session, self._settings)
        quota = known.requests_per_minute or self._of_key
        policy = POLICIES[known.caller.kind]
        standing = await self.quotas.take(str(known.caller.key_id), policy=policy, quota=quota)
        _remember(scope, standing)
        if not standing.taken:
            log.warning("quota_exceeded", api_key=known.caller.key_id, limit=quota)
            raise standing.refusal()
        return known.caller

    def note_use(self, caller: Caller) -> None:
        """Somebody does something by what let them in before, as on a socket: their session is not idle."""
        self._keys.note_use(caller)

    def standing(self, scope: Scope) -> Standing:
        """What this request was counted under: its key, else its address."""
        found: Standing | None = _state(scope).get(STANDING)
        return found or self.quotas.look(self.address_of(scope), policy="address", quota=self._of_address)

    async def _identify(self, scope: Scope, authorization: str | None, *, session: str | None) -> KnownKey:
        if not self._keys.recalls(authorization, session):
            standing = self.quotas.look(self.address_of(scope), policy="address", quota=self._of_address)
            if not standing.taken:
                _remember(scope, standing)
                raise standing.refusal()
        return await self._keys.identify(authorization, session)

    async def _count_failure(self, scope: Scope) -> None:
        address = self.address_of(scope)
        standing = await self.quotas.take(address, policy="address", quota=self._of_address)
        _remember(scope, standing)
        if standing.remaining == 0:
            log.warning("keys_guessed", address=address, limit=self._of_address)

    def address_of(self, scope: Scope) -> str:
        """Where a request comes from, as limits and the audit log have it."""
        peer = scope.get("client")
        return self._proxies.client_of(peer[0] if peer else None, scope["headers"])


class Places:
    """So many at a time, and of one holder no more than its share of them."""

    def __init__(self, total: int, *, share: float) -> None:
        self.total = total
        self.each = max(1, int(total * share))
        self.taken = 0
        self.of: Counter[UUID] = Counter()

    @property
    def is_full(self) -> bool:
        """Whether no place is free."""
        return self.taken >= self.total

    def refusal(self) -> Problem:
        """What is said then."""
        return Problem("overloaded", f"{self.total} requests are being served already", retry_after=BUSY_SECONDS)

    @contextmanager
    def take(self) -> Iterator[Place]:
        """A place until the end of the `with`."""
        if self.is_full:
            raise self.refusal()
        self.taken += 1
        place = Place(self)
        try:
            yield place
        finally:
            self.taken -= 1
            place.leave()


class Place:
    """One place, and who holds it once that is known."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._holder: UUID | None = None

    def hold(self, holder: UUID) -> None:
        """Name the holder; refused where it holds its share already."""
        if self._places.of[holder] >= self._places.each:
            detail = f"{self._places.each} requests of this key are being served already"
            raise Problem("quota_exceeded", detail, hint="Wait for answers first.", retry_after=BUSY_SECONDS)
        self._places.of[holder] += 1
        self._holder = holder

    def leave(self) -> None:
        """Give it back."""
        if self._holder is not None:
            self._places.of[self._holder] -= 1
            if not self._places.of[self._holder]:
                del self._places.of[self._holder]


@asynccontextmanager
async def reporting_quotas(counted: Sequence[Quotas]) -> AsyncIterator[None]:
    """Tell the other processes what was counted here, every second."""

    async def report_forever() -> None:
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            for quotas in counted:
                await quotas.report()

    async with running(report_forever()):
        yield


def guard_requests(app: ASGIApp, admission: Admission, *, prefix: str, docs_url: str) -> ASGIApp:
    """The application, every answer below the prefix saying in RateLimit what is left.

    Where all places are taken the answer is given here, at a tenth of what the framework takes to refuse: whoever is
    flooded must not be busy refusing.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not scope["path"].startswith(prefix):
            await app(scope, receive, send)
            return

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *admission.standing(scope).headers()]
                message = cast("Message", {**message, "headers": headers})
            await send(message)

        if admission.is_full(scope):
            problem = admission.place_refusal()
            await send_plainly(problem, send_with_limits, docs_url=docs_url, instance=scope["path"])
        else:
            await app(scope, receive, send_with_limits)

    return guarded


def _remember(scope: Scope, standing: Standing) -> None:
    _state(scope)[STANDING] = standing


def _state(scope: Scope) -> dict[str, Any]:
    return scope.setdefault("state", {})
