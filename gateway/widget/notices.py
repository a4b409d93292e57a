"""Telling the browsers of a visitor who is not there that somebody has written: a job of the outbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import structlog

from channels.errors import Misconfigured, SendFailed
from channels.http import Response, retry_after_seconds
from channels.webchat.origins import origin_fits
from channels.webchat.settings import WebchatSettings
from gateway.directory import ChannelAway
from gateway.outcomes import Done, NotNow, Outcome, TryAgain
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.widget.webpush import PushKey, UnusableKey, make_push_key, write_push
from inbox.kit.clock import utc_now
from inbox.kit.db import Row, tx
from inbox.kit.secrets import SecretBox
from inbox.outbox.jobs import ClaimedJob, PushMessage
from inbox.visitors.push.actions import (
    KEY_PLACE,
    add_sealed_key,
    forget_subscription,
    note_told,
    rest_subscription,
)
from inbox.visitors.push.queries import find_readers, find_sealed_key, find_unseen, list_subscriptions
from inbox.visitors.push.subscription import Notice, Subscription, read_encoded, write_notice
from inbox.visitors.visitor import VisitorPage

log = structlog.get_logger()

AWAY = timedelta(seconds=45)
"""After how long without a sign somebody has the chat open no more: streams give one every 30 s."""
LATE = timedelta(hours=24)
"""What could not be told for so long is old news."""
GONE = frozenset({404, 410})
"""The push service knows the browser no longer (RFC 8030 section 7.3)."""
REST_SECONDS = 60.0
"""How long a push service rests that is overloaded and does not say how long."""
TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 100_000

_page = msgspec.json.Decoder(VisitorPage).decode


async def push_message(runtime: Runtime, _: ClaimedJob, job: PushMessage) -> Outcome:
    """Tell each browser once, unless the visitor has the message, or has the chat open, by now.

    Whoever is seen after a message was written has it on their screen.
    """
    row, now = await find_unseen(job.entry_id), utc_now()
    if row is None or row["author_type"] == "system" or now - row["created_at"] > LATE:
        return Done()
    readers = {one["id"]: one for one in await find_readers(row["address"], row["channel_id"])}
    seen = max((one["last_seen_at"] for one in readers.values()), default=now)
    if seen > row["created_at"]:
        return Done()
    if now - seen < AWAY:
        return NotNow(seen + AWAY, "its visitor was there a moment ago")
    try:
        live = await runtime.directory.look_up(row["channel_id"])
    except ChannelAway as away:
        return TryAgain(str(away))
    settings = live.account.settings if live else None
    if not isinstance(settings, WebchatSettings) or not settings.push:
        return Done()
    for subscription in await list_subscriptions(readers.keys(), untold=job.entry_id):
        if subscription.rests_until is None:
            notice = _notice(row, readers[subscription.visitor_id], settings)
            await _tell(runtime, subscription, notice, entry_id=job.entry_id, now=now)
    resting = [one.rests_until for one in await list_subscriptions(readers.keys(), untold=job.entry_id)]
    later = min((moment for moment in resting if moment), default=None)
    return NotNow(later, "a push service asked us to wait") if later else Done()


async def open_push_key(settings: Settings, box: SecretBox) -> PushKey:
    """Our key: that of the settings, else one that is made when it is first needed, and kept sealed."""
    if settings.web_push_key:
        raw = read_encoded(settings.web_push_key)
        return PushKey(raw or b"")
    sealed = await find_sealed_key()
    if sealed is None:
        async with tx():
            await add_sealed_key(box.seal(make_push_key(), bound_to=KEY_PLACE))
        sealed = await find_sealed_key()
    if sealed is None:
        raise RuntimeError("the key was stored a moment ago")
    return PushKey(box.open_sealed(sealed, bound_to=KEY_PLACE))


async def _tell(runtime: Runtime, subscription: Subscription, notice: Notice, *, entry_id: UUID, now: datetime) -> None:
    """One browser; what its push service says decides whether it is told again."""
    settings = runtime.settings
    key = await open_push_key(settings, runtime.box)
    try:
        push = write_push(
            subscription, notice, key=key, contact=settings.web_push_contact or settings.public_url, now=now
        )
        answer = await runtime.http.request(
            "POST", push.url, headers=push.headers, content=push.body, timeout=TIMEOUT_SECONDS,
            max_bytes=MAX_ANSWER_BYTES,
        )  # fmt: skip
    except (UnusableKey, Misconfigured):  # EgressRefused is one: it leads to a private network
        await _forget(subscription)
    except SendFailed as failed:
        log.warning("push_failed", code=failed.code)
        await _rest(subscription, None)
    else:
        await _settle(subscription, answer, entry_id=entry_id, now=now)


async def _settle(subscription: Subscription, answer: Response, *, entry_id: UUID, now: datetime) -> None:
    if answer.status in GONE:
        await _forget(subscription)
    elif answer.status == 429 or answer.status >= 500:
        await _rest(subscription, retry_after_seconds(answer.headers.get("retry-after"), now=now))
    else:
        if answer.status >= 300:
            log.warning("push_refused", status=answer.status)
        async with tx():
            await note_told(subscription.id, entry_id)


async def _forget(subscription: Subscription) -> None:
    async with tx():
        await forget_subscription(subscription.id)


async def _rest(subscription: Subscription, seconds: float | None) -> None:
    async with tx():
        await rest_subscription(subscription.id, seconds=REST_SECONDS if seconds is None else seconds)


def _notice(row: Row, reader: Row, settings: WebchatSettings) -> Notice:
    """What is shown; it opens the page the visitor was on, if that is a page of the chat's sites."""
    page = _page(reader["page"]) if reader["page"] else None
    url = page.url if page and origin_fits(_origin(page.url), settings.origins) else None
    return write_notice(row, chat=settings.name, url=url, lang=reader["locale"])


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
