"""Webhooks as the API speaks of them: what is asked, and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import CONVERSATION, EVENT, WEBHOOK, WEBHOOK_DELIVERY, show_id
from inbox.webhooks.endpoint import MAX_HEADERS, DisabledReason, Ordering, Payload
from inbox.webhooks.queries import STATE_NAMES, DeliveryState, decode_attempts
from inbox.webhooks.schedule import Attempt, ErrorKind

MAX_URL_CHARS = 2000
MAX_OVERLAP_SECONDS = 2_592_000
SECRET_EXAMPLE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 (the example of Standard Webhooks)

Url: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_URL_CHARS,
        description="Where to POST to: http or https, on a public address, with neither user nor password.",
        examples=["https://crm.example.org/switchboard"],
    ),
]
Description: TypeAlias = Annotated[
    str, msgspec.Meta(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*(?![\s\S])", examples=["The CRM's timeline"])
]
EventPattern: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Types: TypeAlias = Annotated[
    list[EventPattern],
    msgspec.Meta(
        min_length=1,
        max_length=100,
        description="Which events: types as they are, those of a group (`message.*`), or all (`*`).",
        examples=[["message.*", "conversation.status_changed"]],
    ),
]
Filter: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=1000,
        description="Only events of conversations that match this query, in the language of `q=`.",
        examples=["tag:vip"],
    ),
]
Headers: TypeAlias = Annotated[
    dict[str, str],
    msgspec.Meta(
        max_length=MAX_HEADERS,
        description="Headers to send along. They may be secrets, so they are not shown again.",
        examples=[{"X-Environment": "production"}],
    ),
]
HeaderNames: TypeAlias = Annotated[list[str], msgspec.Meta(examples=[["X-Environment"]])]
Secret: TypeAlias = Annotated[str, msgspec.Meta(examples=[SECRET_EXAMPLE])]


class NewWebhook(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An endpoint to send events to. `thin` leaves the objects out of them, so that no customer's words travel.

    Ordered by conversation, an event waits until the one before it in its conversation was taken, or has failed for
    good.
    """

    url: Url
    description: Description | None = None
    types: Types = msgspec.field(default_factory=lambda: ["*"])
    q: Filter | None = None
    payload: Payload = "full"
    ordering: Ordering = "none"
    headers: Headers = msgspec.field(default_factory=dict)
    enabled: bool = True


class WebhookPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change of an endpoint; what is absent stays. `headers` are replaced as a whole."""

    url: Url | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    types: Types | UnsetType = UNSET
    q: Filter | UnsetType | None = UNSET
    payload: Payload | UnsetType = UNSET
    ordering: Ordering | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class WebhookObject(msgspec.Struct, kw_only=True, frozen=True):
    """An endpoint that gets events. While `failing_since` is set, nothing it was sent has been taken.

    `disabled_reason` is `by_request`, `gone` (it answered 410) or `failing`; what was queued for it waits.
    """

    object: Literal["webhook"] = "webhook"
    id: str
    version: int
    url: Url
    description: Description | None
    types: Types
    q: Filter | None
    payload: Payload
    ordering: Ordering
    header_names: HeaderNames
    enabled: bool
    disabled_reason: DisabledReason | None
    disabled_at: str | None
    failing_since: str | None
    throttled_until: str | None
    last_success_at: str | None
    last_failure_at: str | None
    created_at: str
    updated_at: str


class WebhookWithSecret(WebhookObject, kw_only=True, frozen=True):
    """An endpoint with its new signing secret, which is shown this once."""

    secret: Secret


class SecretRotation(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How long the old secret goes on signing beside the new one; 0 ends it at once, null is the default."""

    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=MAX_OVERLAP_SECONDS, examples=[86_400])] | None = None


class NewRecovery(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """From when on to send again: what failed or was never queued, or `all` of it, what was taken included."""

    since: Annotated[datetime, msgspec.Meta(tz=True, examples=["2026-11-21T06:00:00Z"])]
    include: Literal["undelivered", "all"] = "undelivered"


class RecoveryObject(msgspec.Struct, kw_only=True, frozen=True):
    """A recovery that has begun. Events before `oldest_at` are no longer kept, so only its log can be sent again."""

    object: Literal["webhook_recovery"] = "webhook_recovery"
    webhook_id: str
    since: Annotated[str, msgspec.Meta(examples=["2026-11-21T06:00:00.000Z"])]
    include: Literal["undelivered", "all"]
    oldest_at: str | None


class WebhookAttemptObject(msgspec.Struct, kw_only=True, frozen=True):
    """One try. `error` is null where it was taken; `response` is the beginning of what was answered."""

    number: int
    at: Annotated[str, msgspec.Meta(examples=["2026-11-21T09:14:03.120Z"])]
    duration_ms: int
    status: Annotated[int | None, msgspec.Meta(examples=[503])]
    error: Annotated[ErrorKind | None, msgspec.Meta(examples=["http_status"])]
    response: Annotated[str | None, msgspec.Meta(examples=["Service Unavailable"])]


class WebhookDeliveryObject(msgspec.Struct, kw_only=True, frozen=True):
    """One event on its way to one endpoint. `event_id` is the `webhook-id` of every try.

    `waiting` is for an earlier event of its conversation; `next_attempt_at` is null once it is delivered or failed.
    """

    object: Literal["webhook_delivery"] = "webhook_delivery"
    id: str
    webhook_id: str
    event_id: str
    type: Annotated[str, msgspec.Meta(examples=["message.created"])]
    conversation_id: str | None
    state: DeliveryState
    attempts: list[WebhookAttemptObject]
    next_attempt_at: str | None
    finished_at: str | None
    created_at: str


def show_webhook(row: Row) -> WebhookObject:
    """An endpoint's row."""
    return WebhookObject(
        id=show_id(WEBHOOK, row["id"]),
        version=row["version"],
        url=row["url"],
        description=row["description"],
        types=row["types"],
        q=row["query"],
        payload=row["payload"],
        ordering=row["ordering"],
        header_names=row["header_names"],
        enabled=row["enabled"],
        disabled_reason=row["disabled_reason"],
        disabled_at=_show_moment(row["disabled_at"]),
        failing_since=_show_moment(row["failing_since"]),
        throttled_until=_show_moment(row["throttled_until"]),
        last_success_at=_show_moment(row["succeeded_at"]),
        last_failure_at=_show_moment(row["failed_at"]),
        created_at=show_time(row["created_at"]),
        updated_at=show_time(row["updated_at"]),
    )


def show_webhook_secret(row: Row, secret: str) -> WebhookWithSecret:
    """An endpoint's row with the secret it was just given."""
    return WebhookWithSecret(**msgspec.structs.asdict(show_webhook(row)), secret=secret)


def show_delivery(row: Row) -> WebhookDeliveryObject:
    """A delivery's row."""
    state = STATE_NAMES[row["state"]]
    return WebhookDeliveryObject(
        id=show_id(WEBHOOK_DELIVERY, row["id"]),
        webhook_id=show_id(WEBHOOK, row["webhook_id"]),
        event_id=show_id(EVENT, row["event_id"]),
        type=row["type"],
        conversation_id=show_id(CONVERSATION, row["conversation_id"]) if row["conversation_id"] else None,
        state=state,
        attempts=[_show_attempt(one) for one in decode_attempts(row["attempts"])],
        next_attempt_at=show_time(row["available_at"]) if state == "pending" else None,
        finished_at=_show_moment(row["finished_at"]),
        created_at=show_time(row["created_at"]),
    )


def _show_attempt(one: Attempt) -> WebhookAttemptObject:
    return WebhookAttemptObject(
        number=one.number,
        at=show_time(one.at),
        duration_ms=one.duration_ms,
        status=one.status,
        error=one.error,
        response=one.response,
    )


def _show_moment(moment: datetime | None) -> str | None:
    return show_time(moment) if moment else None
