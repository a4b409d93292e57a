"""How often somebody may try to sign in: by address and by mail address, and how often ask for links (T55, T56).

What fails is counted, so that an office behind one address signs in every morning; a try counts until it has
succeeded, so that many at once gain nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from gateway.admission import Places
from gateway.quotas import Quotas, Standing
from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.errors import Code, Problem

if TYPE_CHECKING:
    import redis.asyncio as redis

    from gateway.settings import Settings

log = structlog.get_logger()

ADDRESS_SECONDS = 300
EMAIL_SECONDS = 900
LINK_SECONDS = 1800
BY_ADDRESS = "signin"
BY_EMAIL = "signin-email"
BY_LINK = "password-links"
FAILURES: frozenset[Code] = frozenset({"credentials_wrong", "signin_refused", "validation_failed"})
"""What counts: a wrong proof, and not that a database or an identity provider is away."""
AT_A_TIME = 32
"""The most tries that wait for their hash at a time, in one process: each takes a tenth of a second of one thread."""


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
            taken = [await self._take_address(address)]
            if email is not None:
                taken.append(await self._take_email(address, email.lower()))
            failed = False
            try:
                yield
            except Problem as problem:
                failed = problem.code in FAILURES
                raise
            finally:
                if failed:
                    await _tell_burst(taken, address)
                else:
                    self._give_back(address, email)

    def _give_back(self, address: str, email: str | None) -> None:
        self._addresses.give_back(address, policy=BY_ADDRESS)
        if email is not None:
            self._emails.give_back(email.lower(), policy=BY_EMAIL)

    async def _take_address(self, address: str) -> Standing:
        quota = self._settings.signin_failures_per_address
        standing = await self._addresses.take(address, policy=BY_ADDRESS, quota=quota)
        _check(standing)
        return standing

    async def _take_email(self, address: str, email: str) -> Standing:
        quota = self._settings.signin_failures_per_email
        standing = await self._emails.take(email, policy=BY_EMAIL, quota=quota)
        if not standing.taken:
            self._addresses.give_back(address, policy=BY_ADDRESS)
        _check(standing)
        return standing

    async def take_link(self, address: str) -> None:
        """Count that somebody asked for a link, or tried one; `quota_exceeded` after so many."""
        quota = self._settings.password_resets_per_address
        _check(await self._links.take(address, policy=BY_LINK, quota=quota))

    def use_link(self, address: str) -> None:
        """The link was good: it does not count."""
        self._links.give_back(address, policy=BY_LINK)


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
