"""Posting webhooks as a provider does: bounded, patient for so long and no longer, and faulty where asked to be."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from yarl import URL

from channels.simulators.faults import Faults, WebhookFault, choose_pause
from channels.simulators.ledger import Attempt, Post

WEBHOOK_CONNECTIONS = 64  # webhooks under way at once, all receivers together
PATIENCE_SECONDS = 15.0  # for one webhook with its retries, as Twilio has it
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 2.0  # a kept connection is dropped before the usual server (5 s) drops it under our request

PostFailure: TypeAlias = Literal["unreachable", "timeout", "broken_off"]
FAILURES: tuple[tuple[type[Exception], PostFailure], ...] = (  # the first that fits
    (aiohttp.ClientConnectorError, "unreachable"),
    (aiohttp.ConnectionTimeoutError, "unreachable"),
    (TimeoutError, "timeout"),
    (Exception, "broken_off"),
)


class WebhookPoster:
    """Sends webhooks to whoever listens, over one HTTP client.

    It plays the provider, outside of us: so it does not go through our guarded client, and uses the one that costs
    the least processor time, since demonstration, load generator and gateway share a machine. `routes` play DNS and
    balancer: requests for a public origin go to its real ones in turn.
    """

    def __init__(self, dice: Random, *, routes: Mapping[str, Sequence[str]] | None = None) -> None:
        self._dice = dice
        self._routes = {origin: itertools.cycle(targets) for origin, targets in (routes or {}).items()}
        self._slots = asyncio.Semaphore(WEBHOOK_CONNECTIONS)
        self._session: aiohttp.ClientSession | None = None

    async def post_webhook(
        self, post: Post, body: bytes, *, headers: dict[str, str], faults: Faults, fault: WebhookFault
    ) -> None:
        """Send it, each try noted in `post`; returns when all is over and raises nothing."""
        copies = faults.copies if fault == "duplicate" else 1
        held = faults.held_back if fault != "none" else 0.0
        pauses = [choose_pause(self._dice, faults.webhook_delay) + choose_pause(self._dice, held)]
        pauses += [pauses[0] + choose_pause(self._dice, held) for _ in range(copies - 1)]
        if copies == 1:
            await self._post_once(post, body, headers=headers, pause=pauses[0])
        else:
            await asyncio.gather(*(self._post_once(post, body, headers=headers, pause=pause) for pause in pauses))

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post_once(self, post: Post, body: bytes, *, headers: dict[str, str], pause: float) -> None:
        if pause:
            await asyncio.sleep(pause)
        async with self._slots:
            attempt = await self._try_post(post, body, headers=headers, left=PATIENCE_SECONDS)
            if attempt.error == "unreachable":  # once more, as Twilio does; what was answered is never tried again
                left = PATIENCE_SECONDS - attempt.seconds
                attempt = await self._try_post(post, body, headers=headers, left=left)
        post.acknowledged = post.acknowledged or (attempt.status or 0) // 100 == 2

    async def _try_post(self, post: Post, body: bytes, *, headers: dict[str, str], left: float) -> Attempt:
        at, begun = time.time(), time.monotonic()
        status, error = await self._request(post.url, body, headers=headers, left=left)
        attempt = Attempt(at=at, seconds=time.monotonic() - begun, status=status, error=error)
        post.attempts.append(attempt)
        return attempt

    async def _request(
        self, url: str, body: bytes, *, headers: dict[str, str], left: float
    ) -> tuple[int | None, PostFailure | None]:
        patience = aiohttp.ClientTimeout(total=left, sock_connect=CONNECT_SECONDS)
        try:
            target, host = self._route_url(url)
            headers = {**headers, "Host": host}
            async with self._client().post(
                target, data=body, headers=headers, timeout=patience, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status, None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:  # ValueError: not a URL at all
            return None, next(name for kind, name in FAILURES if isinstance(error, kind))

    def _route_url(self, url: str) -> tuple[URL, str]:
        parts = urlsplit(url)
        if targets := self._routes.get(f"{parts.scheme}://{parts.netloc}"):
            real = urlsplit(next(targets))
            url = urlunsplit(parts._replace(scheme=real.scheme, netloc=real.netloc))
        return URL(url, encoded=True), parts.netloc  # encoded: exactly what was signed

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session
