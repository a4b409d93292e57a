"""How long a channel's things are kept, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.accounts.queries import find_channel
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.ids import CHANNEL, read_id, show_id
from inbox.privacy.retention.actions import set_keeping
from inbox.privacy.retention.queries import Keeping, OldThings, count_old, find_keeping

READ = {"scope": "channels:admin"}
ADMIN = {"scope": "admin"}
Days: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=36_500, examples=[365])]


class RetentionRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """In days: null is as the deployment's settings say, 0 is for ever."""

    message_days: Days | None = None
    attachment_days: Days | None = None
    raw_event_days: Annotated[int, msgspec.Meta(ge=1, le=3_650, examples=[30])] | None = None


class RetentionObject(msgspec.Struct, kw_only=True, frozen=True):
    """What a channel has of its own, and what is in force; its id is the channel's."""

    object: Literal["retention"] = "retention"
    id: Annotated[str, msgspec.Meta(examples=["cha_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    message_days: Days | None
    attachment_days: Days | None
    raw_event_days: Days | None
    effective: Keeping


class RetentionPreview(msgspec.Struct, kw_only=True, frozen=True):
    """How much would go, and how many messages a legal hold would keep."""

    object: Literal["retention_preview"] = "retention_preview"
    id: Annotated[str, msgspec.Meta(examples=["cha_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    effective: Keeping
    would_remove: OldThings


class RetentionController(Controller):
    """How long is kept what came and went by a channel."""

    path = "/channels"
    tags = ("Privacy",)

    @get("/{channel_id:str}/retention", opt=READ, operation_id="getChannelRetention",
         summary="See how long a channel's messages are kept")  # fmt: skip
    async def get_channel_retention(
        self, channel_id: FromPath[str], keeping: NamedDependency[Keeping]
    ) -> RetentionObject:
        """Its own days, and those in force."""
        return await _shown((await find_channel(read_id(CHANNEL, channel_id))).id, keeping)

    @put("/{channel_id:str}/retention", opt=ADMIN, operation_id="setChannelRetention",
         summary="Set how long a channel's messages are kept", status_code=200)  # fmt: skip
    async def set_channel_retention(
        self,
        *,
        caller: NamedDependency[Caller],
        channel_id: FromPath[str],
        data: JSONBody[RetentionRequest],
        keeping: NamedDependency[Keeping],
    ) -> RetentionObject:
        """What is older goes within minutes, and for good: look at the preview first. Legal holds keep theirs."""
        channel = (await find_channel(read_id(CHANNEL, channel_id))).id
        await set_keeping(channel, _read(data), actor=caller.actor)
        return await _shown(channel, keeping)

    @post("/{channel_id:str}/retention/preview", opt=ADMIN, operation_id="previewChannelRetention",
          summary="Count what a retention would remove", status_code=200)  # fmt: skip
    async def preview_channel_retention(
        self, channel_id: FromPath[str], data: JSONBody[RetentionRequest], keeping: NamedDependency[Keeping]
    ) -> RetentionPreview:
        """Nothing is set, and nothing goes."""
        channel = (await find_channel(read_id(CHANNEL, channel_id))).id
        effective = _read(data).settled(keeping)
        counted = await count_old(channel, effective, now=utc_now())
        return RetentionPreview(id=show_id(CHANNEL, channel), effective=effective, would_remove=counted)


async def _shown(channel_id: UUID, defaults: Keeping) -> RetentionObject:
    own = await find_keeping(channel_id)
    return RetentionObject(
        id=show_id(CHANNEL, channel_id),
        message_days=own.message_days,
        attachment_days=own.attachment_days,
        raw_event_days=own.raw_event_days,
        effective=own.settled(defaults),
    )


def _read(data: RetentionRequest) -> Keeping:
    return Keeping(
        message_days=data.message_days, attachment_days=data.attachment_days, raw_event_days=data.raw_event_days
    )
