"""What the gateway tells of itself while the demo runs: its feed, followed over HTTP like any frontend does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from gateway.commands.client import GatewayClient
from gateway.commands.spoken import SpokenEntry, SpokenEnvelope

ENDS = frozenset({"delivered", "read", "failed", "undelivered", "expired", "canceled", "unknown"})
"""States that a message does not leave by itself: `unknown` waits for a report, or for a person."""
DELIVERED = frozenset({"delivered", "read"})


def state_of(entry: SpokenEntry) -> str:
    """How far a message got. Of a mail nobody tells more than that its server took it: there it has arrived."""
    state = entry.delivery.state if entry.delivery else ""
    return "delivered" if state == "sent" and entry.channel and entry.channel.type == "email" else state


_envelope = msgspec.json.Decoder(SpokenEnvelope).decode


class Watch:
    """Follows the feed. `seen` has the entry of each inbound message by the provider's id, `replies` how far ours got;
    those are of this run alone, which began at `since`, as the API shows moments.

    `is_ours` says of our messages whether it is seen here how they arrive. `on_event` is told of every event,
    `on_unknown` of messages of which nobody knows whether they were sent.
    """

    def __init__(
        self,
        client: GatewayClient,
        *,
        since: str,
        is_ours: Callable[[SpokenEntry], bool],
        on_event: Callable[[SpokenEnvelope], None],
        on_unknown: Callable[[SpokenEntry], None],
    ) -> None:
        self.ready = asyncio.Event()
        self.seen: dict[str, SpokenEntry] = {}
        self.replies: dict[str, str] = {}
        self._client = client
        self._since = since
        self._is_ours = is_ours
        self._on_event = on_event
        self._on_unknown = on_unknown
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        async for frame in self._client.follow():
            if frame.event == "ready":
                self.ready.set()
            elif frame.event != "reset":
                self._take(_envelope(frame.data))

    async def find_entry(self, sid: str, *, seconds: float) -> SpokenEntry | None:
        """The timeline's entry of a message the provider told of, as soon as it is seen; None if it is not in time."""
        try:
            async with asyncio.timeout(seconds):
                while sid not in self.seen:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return None
        return self.seen[sid]

    @property
    def delivered(self) -> int:
        """How many of our messages are known to have arrived."""
        return sum(state in DELIVERED for state in self.replies.values())

    @property
    def under_way(self) -> int:
        """How many of our messages have not come to their end."""
        return sum(state not in ENDS for state in self.replies.values())

    def _take(self, envelope: SpokenEnvelope) -> None:
        entry = envelope.data.entry
        if entry is not None and entry.type == "message" and entry.created_at >= self._since:
            self._note(envelope, entry)
        self._on_event(envelope)
        self._moved.set()

    def _note(self, envelope: SpokenEnvelope, entry: SpokenEntry) -> None:
        if entry.direction == "inbound" and entry.provider and entry.provider.message_id:
            self.seen.setdefault(entry.provider.message_id, entry)
        elif entry.direction == "outbound" and entry.delivery and self._is_ours(entry):
            self.replies[entry.id] = state_of(entry)
            if envelope.type == "message.delivery_updated" and entry.delivery.state == "unknown":
                self._on_unknown(entry)
