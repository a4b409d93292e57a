"""What the widget's door has at hand in one process: sessions, limits, places, and who follows what is said."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from channels.webchat.settings import WebchatSettings
from gateway.addresses import Proxies, counted_as, is_loopback
from gateway.admission import Places, reporting_quotas
from gateway.quotas import Quotas
from gateway.runtime import Runtime
from gateway.tasks import running
from gateway.widget.following import VisitorHub
from gateway.widget.notices import open_push_key
from gateway.widget.proof import may_stay
from gateway.widget.reading import read_conversation
from gateway.widget.visitor_auth import SessionRing, VisitorCaller
from inbox.kit.db import TRANSIENT
from inbox.kit.errors import Problem
from inbox.visitors.queries import find_standing
from inbox.visitors.visitor import Visitor

HOUR_SECONDS = 3_600
HALF_DAY_SECONDS = 12 * HOUR_SECONDS
OPENING_SECONDS = 60.0
"""Within this, messages of a visitor who has no conversation yet count as beginning one."""
UPLOADERS = 5
"""So many visitors of one address may each send all their files: an office is one address."""
OWN_MAILS_PER_HOUR = 3
"""How many of those one visitor may ask for, from wherever."""
THIS_MACHINE_V6 = counted_as("::1")
SHARE = 0.5
"""How much of the places of requests one visitor may take."""


class WidgetDesk:
    """The widget's side of one process."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self.runtime = runtime
        self.sessions = SessionRing()
        self.requests = Places(settings.visitor_concurrency, share=SHARE)
        self.streams = Places(settings.visitor_stream_limit, share=1)
        self.followers = VisitorHub(
            runtime.hub,
            runtime.live,
            buffer=settings.stream_buffer_events,
            each=settings.visitor_streams,
            may_follow=self._may_follow,
        )
        self.proxies = Proxies(settings.trusted_proxies)
        self._opening: dict[UUID, float] = {}
        self._push_key: str | None = None
        self._minute = Quotas(runtime.redis)
        self._hour = Quotas(runtime.redis, window=HOUR_SECONDS)
        self._half_day = Quotas(runtime.redis, window=HALF_DAY_SECONDS)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Tell the other processes what is counted here, as long as the application runs."""
        async with reporting_quotas([self._minute, self._hour, self._half_day]), running(self.followers.run()):
            yield

    def _may_follow(self, visitor: Visitor) -> bool:
        """Whether the chat is still there, and still for visitors who have proven no more."""
        live = self.runtime.directory.find(visitor.channel_id)
        settings = live.account.settings if live else None
        return isinstance(settings, WebchatSettings) and may_stay(settings.verification, verified=visitor.verified)

    async def push_key(self) -> str:
        """The key by which browsers subscribe to our notices: the same for as long as it is set up."""
        if self._push_key is None:
            self._push_key = (await open_push_key(self.runtime.settings, self.runtime.box)).public
        return self._push_key

    async def spend_session(self, address: str) -> None:
        """Count a session against the address it is asked for from."""
        quota = self.runtime.settings.visitor_sessions_per_minute
        if not is_this_machine(address):
            await _spend(self._minute, address, policy="visitor_sessions", quota=quota)

    async def spend_request(self, caller: VisitorCaller) -> None:
        """Count a request of a visitor, whatever it is."""
        quota = self.runtime.settings.visitor_requests_per_minute
        await _spend(self._minute, caller.visitor.id.hex, policy="visitor", quota=quota)

    async def spend_message(self, caller: VisitorCaller) -> None:
        """Count a message of a visitor."""
        quota = self.runtime.settings.visitor_messages_per_minute
        await _spend(self._minute, caller.visitor.id.hex, policy="visitor_messages", quota=quota)

    async def spend_conversation(self, caller: VisitorCaller) -> None:
        """Count a conversation that is about to begin, against the address it comes from."""
        quota = self.runtime.settings.visitor_conversations_per_half_day
        if not is_this_machine(caller.address):
            await _spend(self._half_day, caller.address, policy="visitor_conversations", quota=quota)

    async def spend_opening(self, caller: VisitorCaller, *, anew: bool) -> None:
        """Count the conversation a message begins, once for all messages of its first minute; each asked `anew`."""
        visitor_id, now = caller.visitor.id, time.monotonic()
        if self._opening.get(visitor_id, float("-inf")) > now - OPENING_SECONDS and not anew:
            return
        try:
            standing = await find_standing(caller.visitor)
            conversation = await read_conversation(standing.conversation_id)
        except TRANSIENT:  # then it is kept in the spool, and counted by its messages alone
            return
        if conversation is None or conversation.status == "closed":
            await self.spend_conversation(caller)
            self._opening = {one: at for one, at in self._opening.items() if at > now - OPENING_SECONDS}
            self._opening[visitor_id] = now

    async def spend_upload(self, caller: VisitorCaller) -> None:
        """Count a file of a visitor; by address as well, so that new sessions give no new quota."""
        quota = self.runtime.settings.visitor_uploads_per_hour
        await _spend(self._hour, caller.visitor.id.hex, policy="visitor_uploads", quota=quota)
        if not is_this_machine(caller.address):
            await _spend(self._hour, caller.address, policy="uploads", quota=quota * UPLOADERS)

    async def spend_mail(self, caller: VisitorCaller) -> None:
        """Count a mail that is sent because a visitor asks for it: a transcript, a link."""
        quota = self.runtime.settings.visitor_mails_per_hour
        await _spend(self._hour, caller.visitor.id.hex, policy="own_mails", quota=min(quota, OWN_MAILS_PER_HOUR))
        await _spend(self._hour, caller.address, policy="visitor_mails", quota=quota)


def is_this_machine(address: str) -> bool:
    """Whether an address is our own: a proxy that is not named as trusted must not count as one visitor for all."""
    return is_loopback(address) or address == THIS_MACHINE_V6


async def _spend(quotas: Quotas, name: str, *, policy: str, quota: int) -> None:
    standing = await quotas.take(name, policy=policy, quota=quota)
    if not standing.taken:
        raise Problem(
            "quota_exceeded",
            f"more than {quota} in {standing.window} seconds",
            hint="Wait as long as Retry-After says.",
            retry_after=standing.reset,
        )
