"""What this gateway is: version, features, limits."""

from __future__ import annotations

from importlib import metadata
from typing import Literal

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency

from gateway.settings import Settings
from inbox.kit.pages import DEFAULT_LIMIT, MAX_LIMIT

DISTRIBUTION = "switchboard"
FEATURES = [
    "conversations", "contacts", "channels", "attachments", "events", "events.stream", "agents", "api_keys", "sessions",
]  # fmt: skip


class LimitsObject(msgspec.Struct, kw_only=True, frozen=True):
    """How much is taken and kept; the end of a name tells its unit."""

    page_items_default: int
    page_items_max: int
    body_bytes: int
    attachment_bytes: int
    requests_per_minute: int
    idempotency_hours: int
    feed_retention_days: int


class MetaObject(msgspec.Struct, kw_only=True, frozen=True):
    """What this gateway is and can do."""

    object: Literal["meta"] = "meta"
    id: Literal["meta"] = "meta"
    version: str
    api_versions: list[str]
    features: list[str]
    limits: LimitsObject


class MetaController(Controller):
    """About this gateway."""

    path = "/meta"
    tags = ("Meta",)

    @get("/", opt={"public": True}, operation_id="getMeta", summary="Get version, features and limits")
    async def show_meta(self, settings: NamedDependency[Settings]) -> MetaObject:
        """What clients may rely on; no API key needed."""
        return describe_gateway(settings)


def describe_gateway(settings: Settings) -> MetaObject:
    """The gateway as these settings make it."""
    return MetaObject(
        version=gateway_version(),
        api_versions=["v1"],
        features=[*FEATURES, "simulator"] if settings.demo else FEATURES,
        limits=LimitsObject(
            page_items_default=DEFAULT_LIMIT,
            page_items_max=MAX_LIMIT,
            body_bytes=settings.api_body_limit_bytes,
            attachment_bytes=settings.attachment_limit_bytes,
            requests_per_minute=settings.key_requests_per_minute,
            idempotency_hours=settings.idempotency_hours,
            feed_retention_days=settings.feed_retention_days,
        ),
    )


def gateway_version() -> str:
    """The installed version; "0" for a source tree that is not installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "0"
