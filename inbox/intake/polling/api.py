"""How a channel's receiving is, over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Controller, get
from litestar.params import FromPath

from inbox.accounts.queries import find_channel
from inbox.intake.polling.queries import ChannelHealth, HealthState, find_channel_health
from inbox.kit.clock import show_time
from inbox.kit.ids import CHANNEL, read_id, show_id

READ = {"scope": "conversations:read"}


class ReceivingProblem(msgspec.Struct, kw_only=True, frozen=True):
    """Why a mailbox cannot be read at the moment, what helps, and when it is tried again."""

    code: Annotated[str, msgspec.Meta(examples=["provider_auth"])]
    reason: Annotated[str, msgspec.Meta(examples=["the mail server refuses the login: Authentication failed."])]
    fix: Annotated[str, msgspec.Meta(examples=["check imap_user and imap_password"])] | None
    failures: Annotated[int, msgspec.Meta(description="How often in a row.", examples=[3])]
    since: str
    retry_at: str | None


class ChannelHealthObject(msgspec.Struct, kw_only=True, frozen=True):
    """How a channel's receiving is; its id is the channel's.

    `failing` is a mailbox that cannot be read, for the reason in `problem`; `unattended` one that no worker reads now,
    `waiting` a channel of which nothing has been heard yet. `last_read_at` is when a mailbox was last read to its end,
    or on the way there; `lag_seconds` how long the mail that was stored last had lain in it. Both are null where the
    provider calls us. `quarantined` counts what came in and could not be understood: see the intake.
    """

    object: Literal["channel_health"] = "channel_health"
    id: Annotated[str, msgspec.Meta(examples=["cha_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    state: HealthState
    problem: ReceivingProblem | None
    last_received_at: str | None
    last_read_at: str | None
    lag_seconds: float | None
    quarantined: int


class ChannelHealthController(Controller):
    """Whether what people write reaches us."""

    path = "/channels"
    tags = ("Channels",)

    @get("/{channel_id:str}/health", opt=READ, operation_id="getChannelHealth", summary="See how a channel receives")
    async def get_channel_health(self, channel_id: FromPath[str]) -> ChannelHealthObject:
        """Whether it works, and if not, why, since when, and what helps."""
        channel = await find_channel(read_id(CHANNEL, channel_id))
        return show_health(show_id(CHANNEL, channel.id), await find_channel_health(channel.id))


def show_health(shown_id: str, health: ChannelHealth) -> ChannelHealthObject:
    """A channel's health as the API shows it."""
    return ChannelHealthObject(
        id=shown_id,
        state=health.state,
        problem=_show_problem(health),
        last_received_at=_time(health.received_at),
        last_read_at=_time(health.succeeded_at),
        lag_seconds=health.lag_seconds,
        quarantined=health.quarantined,
    )


def _show_problem(health: ChannelHealth) -> ReceivingProblem | None:
    if not health.failures or health.failing_since is None:
        return None
    return ReceivingProblem(
        code=health.code or "unknown",
        reason=health.reason or "",
        fix=health.fix,
        failures=health.failures,
        since=show_time(health.failing_since),
        retry_at=_time(health.retry_at),
    )


def _time(moment: datetime | None) -> str | None:
    return show_time(moment) if moment else None
