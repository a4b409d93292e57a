"""Channels as the API speaks of them: what is asked, and what is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from channels.contract import Adapter, Hooked, Medium, Polled, VisitorTaking
from inbox.accounts.catalogue import Catalogue, UnreadableChannel
from inbox.accounts.queries import ChannelRow, ChannelStatus
from inbox.accounts.settings import settings_schema, show_settings
from inbox.kit.clock import show_time
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

ChannelName: TypeAlias = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+(?![\s\S])", examples=["Support line"]),
]
AdapterName: TypeAlias = Annotated[str, msgspec.Meta(max_length=100, examples=["sms-twilio"])]
Settings: TypeAlias = Annotated[
    dict[str, Any],
    msgspec.Meta(
        description="As `settings_schema` of the channel type says.",
        examples=[{"account_sid": "AC0123456789abcdef0123456789abcdef", "numbers": ["+14155550100"]}],
    ),
]
NewSettings: TypeAlias = Annotated[
    dict[str, Any],
    msgspec.Meta(
        description="As `settings_schema` of the channel type says.",
        examples=[
            {
                "account_sid": "AC0123456789abcdef0123456789abcdef",
                "auth_token": "the account's auth token",
                "numbers": ["+14155550100"],
            }
        ],
    ),
]


class NewChannel(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A number, mailbox or widget to connect."""

    adapter: AdapterName
    name: ChannelName
    settings: NewSettings


class ChannelPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change of a channel. Members of `settings` that are left out stay, secrets too; null is the default."""

    name: ChannelName | msgspec.UnsetType = msgspec.UNSET
    status: ChannelStatus | msgspec.UnsetType = msgspec.UNSET
    settings: Settings | msgspec.UnsetType = msgspec.UNSET


class ChannelObject(msgspec.Struct, kw_only=True, frozen=True):
    """A number, mailbox or widget we hold. A paused one still takes messages, and sends none.

    `settings` are without the secrets, `secrets` says which of those are set; both are null where `problem` says
    why they cannot be read.
    """

    object: Literal["channel"] = "channel"
    id: str
    version: int
    name: str
    adapter: AdapterName
    medium: Medium
    provider: Annotated[str, msgspec.Meta(examples=["twilio"])]
    status: ChannelStatus
    addresses: list[str]
    settings: Settings | None
    secrets: Annotated[dict[str, bool], msgspec.Meta(examples=[{"auth_token": True}])] | None
    problem: str | None
    created_at: str
    updated_at: str


class SetupStepObject(msgspec.Struct, kw_only=True, frozen=True):
    """One thing to do at the provider, and the value to copy there."""

    title: str
    detail: str
    value: str | None


class ChannelSetupObject(msgspec.Struct, kw_only=True, frozen=True):
    """How to let a provider reach this channel."""

    object: Literal["channel_setup"] = "channel_setup"
    id: str
    channel_id: str
    steps: list[SetupStepObject]


class CapabilitiesObject(msgspec.Struct, kw_only=True, frozen=True):
    """What messages of a channel type may be like; a composer is drawn from it.

    `parts` are carried as they are, `text_chars` is the longest text of one message, `media_bytes` the most of all its
    files together, `reply_window_hours` how long after the contact's last message one may write freely (null: ever).
    """

    parts: list[str]
    text_chars: int
    media_types: list[str]
    media_count: int
    media_bytes: int
    delivery_reports: bool
    read_reports: bool
    typing: bool
    templates: bool
    counts_segments: bool
    reply_window_hours: int | None


class ChannelTypeObject(msgspec.Struct, kw_only=True, frozen=True):
    """What can be connected. `id` is the adapter's name, `settings_schema` a JSON Schema with secrets `writeOnly`."""

    object: Literal["channel_type"] = "channel_type"
    id: AdapterName
    medium: Medium
    provider: Annotated[str, msgspec.Meta(examples=["twilio"])]
    receives_by: Literal["webhook", "polling", "smtp", "session"]
    limits: CapabilitiesObject
    settings_schema: dict[str, Any]


class ChannelTypeList(msgspec.Struct, kw_only=True, frozen=True):
    """All channel types."""

    data: list[ChannelTypeObject]


def show_channel(row: ChannelRow, catalogue: Catalogue) -> ChannelObject:
    """A channel as the API shows it; one that cannot be opened says so, and can still be changed or removed."""
    settings: dict[str, Any] | None = None
    secrets: dict[str, bool] | None = None
    problem = None
    try:
        settings, secrets = show_settings(catalogue.open_account(row.id, row.adapter, sealed=row.settings).settings)
    except UnreadableChannel as error:
        problem = str(error)
    return ChannelObject(
        id=show_id("cha", row.id),
        version=row.version,
        name=row.name,
        adapter=row.adapter,
        medium=row.medium,
        provider=row.provider,
        status=row.status,
        addresses=row.addresses,
        settings=settings,
        secrets=secrets,
        problem=problem,
        created_at=show_time(row.created_at),
        updated_at=show_time(row.updated_at),
    )


def show_setup(row: ChannelRow, catalogue: Catalogue) -> ChannelSetupObject:
    """The adapter's own steps for this channel."""
    try:
        account = catalogue.open_account(row.id, row.adapter, sealed=row.settings)
    except UnreadableChannel as error:
        raise Problem("state_conflict", str(error), hint="Give the channel its settings anew") from error
    steps = catalogue.adapters[row.adapter].setup_steps(account)
    shown = [SetupStepObject(title=step.title, detail=step.detail, value=step.value) for step in steps]
    return ChannelSetupObject(id=account.channel_id, channel_id=account.channel_id, steps=shown)


def show_channel_type(adapter: Adapter) -> ChannelTypeObject:
    """An adapter's capability sheet."""
    limits = {name: getattr(adapter.limits, name) for name in CapabilitiesObject.__struct_fields__}
    limits |= {"parts": sorted(adapter.limits.parts), "media_types": list(adapter.limits.media_types)}
    return ChannelTypeObject(
        id=adapter.name,
        medium=adapter.medium,
        provider=adapter.provider,
        receives_by=_way_in(adapter),
        limits=CapabilitiesObject(**limits),
        settings_schema=settings_schema(adapter.settings),
    )


def _way_in(adapter: Adapter) -> Literal["webhook", "polling", "smtp", "session"]:
    if isinstance(adapter, Hooked):
        return "webhook"
    if isinstance(adapter, VisitorTaking):
        return "session"
    return "polling" if isinstance(adapter, Polled) else "smtp"
