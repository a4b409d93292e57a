"""How often somebody may try to sign in: by address and by mail address, and how often ask for links (T55, T56).

What fails is counted, so that an office behind one address signs in every morning; a try counts until it has
succeeded, so that many at once gain nothing. Where somebody has used up the tries of a mail address, the agent still
signs in from where they did before: that address has tries of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import structlog

from gateway.admission import Places
from gateway.quotas import Quotas, Standing
from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.errors import Code, Problem
from inbox.staff.sessions.queries import has_signed_in_from

if TYPE_CHECKING:
    import redis.asyncio as redis

    from gateway.settings import Settings

log = structlog.get_logger()

ADDRESS_SECONDS = 300
EMAIL_SECONDS = 900
LINK_SECONDS = 1800
BY_ADDRESS = "signin"
BY_EMAIL = "signin-email"
BY_EMAIL_THERE = "signin-email-there"
"""By mail address and network address together, where the agent has signed in from there before."""
BY_LINK = "password-links"
BY_MAIL = "password-mails"
MAILS_EACH = 5
"""How many links to set a password may be asked for in half an hour for one mail address: more would be a nuisance."""
FAILURES: frozenset[Code] = frozenset({"credentials_wrong", "signin_refused", "validation_failed"})
"""What counts: a wrong proof, and not that a database or an identity provider is away."""
AT_A_TIME = 32
"""The most tries that wait for their hash at a time, in one process: each takes a tenth of a second of one thread."""


class Count(msgspec.Struct, frozen=True):
    """One thing a try counts against."""

    quotas: Quotas
    name: str
    policy: str
    quota: int

    async def take(self) -> Standing:
        """Count it, unless there are too many already."""
        return await self.quotas.take(self.name, policy=self.policy, quota=self.quota)

    def give_back(self) -> None:
        """It was no failure."""
        self.quotas.give_back(self.name, policy=self.policy)


class SigninLimits:
    """The counts of one process, shared with the others as those of API keys are."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._settings = settings
        self._addresses = Quotas(client, window=ADDRESS_SECONDS)
        self._emails = Quotas(client, window=EMAIL_SECONDS)
        self._links = Quotas(client, window=LINK_SECONDS)
        self._places = Places(AT_A_TIME, share=1)

    @property
    def quotas(self) -> list[Quotas]:
        """What is reported to the other processes."""
        return [self._addresses, self._emails, self._links]

    @asynccontextmanager
    async def trying(self, address: str, email: str | None = None) -> AsyncIterator[None]:
        """One try from a network address, of a mail address's password; a wrong proof inside counts as a failure."""
        with self._places.take():
            taken = await self._take(address, email.lower() if email is not None else None)
            failed = False
            try:
                yield
            except Problem as problem:
                failed = problem.code in FAILURES
                raise
            finally:
                if failed:
                    await _tell_burst([standing for _, standing in taken], address)
                else:
                    for count, _ in taken:
                        count.give_back()

    async def _take(self, address: str, email: str | None) -> list[tuple[Count, Standing]]:
        """What the try counts against, and how each stands now; `quota_exceeded` where there were too many."""
        by_address = Count(self._addresses, address, BY_ADDRESS, self._settings.signin_failures_per_address)
        taken = [(by_address, await by_address.take())]
        _check(taken[0][1])
        if email is not None:
            try:
                taken.append(await self._take_email(address, email))
            except Exception:  # refused, or the database is away: neither is a failure of whoever sits there
                by_address.give_back()
                raise
        return taken

    async def _take_email(self, address: str, email: str) -> tuple[Count, Standing]:
        quota = self._settings.signin_failures_per_email
        count = Count(self._emails, email, BY_EMAIL, quota)
        standing = await count.take()
        if not standing.taken and await has_signed_in_from(email, address):
            count = Count(self._emails, f"{email} {address}", BY_EMAIL_THERE, quota)
            standing = await count.take()
        _check(standing)
        return count, standing

    async def take_link(self, address: str) -> None:
        """Count that somebody asked for a link, or tried one; `quota_exceeded` after so many."""
        quota = self._settings.password_resets_per_address
        _check(await self._links.take(address, policy=BY_LINK, quota=quota))

    def use_link(self, address: str) -> None:
        """The link was good: it does not count."""
        self._links.give_back(address, policy=BY_LINK)

    async def takes_mail(self, email: str) -> bool:
        """Whether one more link may be mailed to this address, which counts it."""
        return (await self._links.take(email.lower(), policy=BY_MAIL, quota=MAILS_EACH)).taken


def _check(standing: Standing) -> None:
    if not standing.taken:
        raise Problem(
            "quota_exceeded",
            f"more than {standing.quota} tries in {standing.window // 60} minutes",
            hint="Wait as long as Retry-After says.",
            retry_after=standing.reset,
        )


async def _tell_burst(standings: list[Standing], address: str) -> None:
    """Write down, once a window, that somebody has used up the tries there are."""
    for standing in standings:
        if standing.remaining == 0:
            log.warning("signin_failures", limit=standing.quota, source=standing.policy)
            window = int(utc_now().timestamp()) // standing.window
            await record_audit(
                SYSTEM,
                "session.refused_often",
                facts={"address": address, "policy": standing.policy, "failures": standing.quota},
                once=f"{standing.policy} {address} {window}",
            )
