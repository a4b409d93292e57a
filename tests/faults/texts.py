"""Inbound texts as Twilio delivers them: signed, and tried once more elsewhere when the connection failed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote_plus

import aiohttp

from channels.signatures import sign_content
from tests.bench.load import inbound_fields
from tests.faults.load import Delivery
from tests.faults.site import ACCOUNT, PUBLIC_URL, TOKEN, number_of

PATIENCE_SECONDS = 15.0
"""What Twilio gives a webhook in all."""
TRIES = 2


class Texter:
    """Delivers texts to the gateways at `servers`, first to the one a delivery names; so often, as Twilio twice."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        servers: Sequence[str],
        *,
        channel: str,
        number: int = 0,
        tries: int = TRIES,
    ) -> None:
        self.session = session
        self.servers = servers
        self.path = f"/hooks/sms-twilio/{channel}/message"
        self.to = number_of(number)
        self.tries = tries
        self.retry_afters: list[str | None] = []

    async def deliver(self, delivery: Delivery) -> tuple[int | None, int]:
        """One delivery, tried at the other gateway as well if nobody answered or it was not taken."""
        body, headers = self._request(delivery)
        answer: int | None = None
        for attempt in range(self.tries):
            server = self.servers[(delivery.first + attempt) % len(self.servers)]
            answer = await self._post(server + self.path, body, headers)
            if answer == 200:
                return answer, attempt + 1
        return answer, self.tries

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int | None:
        try:
            async with self.session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                if answer.status == 503:
                    self.retry_afters.append(answer.headers.get("Retry-After"))
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    def _request(self, delivery: Delivery) -> tuple[bytes, dict[str, str]]:
        operation = delivery.operation
        fields = inbound_fields(sid=operation.key, sender=operation.conversation) | {
            "AccountSid": ACCOUNT,
            "To": self.to,
            "Body": f"{operation.sequence}",
        }
        signed = PUBLIC_URL + self.path + "".join(name + fields[name] for name in sorted(fields))
        signature = sign_content(signed.encode(), key=TOKEN.encode(), digest="sha1", encoding="base64")
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items()).encode()
        return body, {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}


@asynccontextmanager
async def open_texter(
    servers: Sequence[str], *, channel: str, number: int = 0, tries: int = TRIES
) -> AsyncIterator[Texter]:
    """A texter with connections of its own."""
    patience = aiohttp.ClientTimeout(total=PATIENCE_SECONDS / TRIES)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=patience) as session:
        yield Texter(session, servers, channel=channel, number=number, tries=tries)
