"""Making, changing and removing endpoints, and their secrets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from secrets import token_bytes
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import SendFailed, Unreachable
from inbox.audit.actions import record_audit
from inbox.kit.callers import Actor
from inbox.kit.clock import utc_now
from inbox.kit.db import Row, execute, fetch_value, wake_after_commit
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import WEBHOOK, new_id, show_id
from inbox.kit.secrets import SecretBox
from inbox.webhooks.catalogue import EVENT_TYPES
from inbox.webhooks.endpoint import (
    Ordering,
    Payload,
    Sealed,
    SigningSecret,
    refuse_headers,
    refuse_types,
    rotate_secrets,
)
from inbox.webhooks.filters import check_filter
from inbox.webhooks.queries import find_webhook, lock_webhook
from inbox.webhooks.signing import SECRET_BYTES, show_secret

MAX_WEBHOOKS = 100
"""Endpoints of one deployment: each event is matched against all of them."""
TOPIC = "webhooks"
"""What is woken in this process when there may be something to send."""

INSERT = """
INSERT INTO webhook (id, url, description, types, query, payload, ordering, header_names, sealed, enabled,
                     disabled_reason, disabled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $10 THEN NULL ELSE 'by_request' END,
        CASE WHEN $10 THEN NULL ELSE now() END)
"""
UPDATE = """
UPDATE webhook SET url = $2, description = $3, types = $4, query = $5, payload = $6, ordering = $7, header_names = $8,
                   sealed = $9, version = version + 1, updated_at = now()
WHERE id = $1
"""
# What failed before counts no more: whoever enables it says that it is mended.
ENABLE = """
UPDATE webhook SET enabled = true, enabled_at = now(), disabled_reason = NULL, disabled_at = NULL,
                   failing_since = NULL, warned_at = NULL, throttled_until = NULL, version = version + 1,
                   updated_at = now()
WHERE id = $1
"""
DISABLE = """
UPDATE webhook SET enabled = false, disabled_reason = $2, disabled_at = now(), version = version + 1, updated_at = now()
WHERE id = $1
"""
RESEAL = "UPDATE webhook SET sealed = $2, version = version + 1, updated_at = now() WHERE id = $1"
REMOVE = """
UPDATE webhook SET deleted_at = now(), enabled = false, sealed = '', header_names = '{}', version = version + 1,
                   updated_at = now()
WHERE id = $1
"""


class Workshop(msgspec.Struct, kw_only=True, frozen=True):
    """What endpoints are made with: the box their secrets go into, and the check of where they lead.

    `check_url` raises a SendFailed for a URL we would not call; `overlap` is how long a replaced secret still signs.
    """

    box: SecretBox
    check_url: Callable[[str], Awaitable[None]]
    overlap: timedelta


class Endpoint(msgspec.Struct, kw_only=True, frozen=True):
    """What can be said about an endpoint, all of it."""

    url: str
    description: str | None = None
    types: list[str]
    q: str | None = None
    payload: Payload = "full"
    ordering: Ordering = "none"
    headers: dict[str, str] = {}
    enabled: bool = True


class EndpointChange(msgspec.Struct, kw_only=True, frozen=True):
    """What an endpoint is to become; UNSET stays as it is."""

    url: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    types: list[str] | UnsetType = UNSET
    q: str | UnsetType | None = UNSET
    payload: Payload | UnsetType = UNSET
    ordering: Ordering | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


async def create_webhook(wanted: Endpoint, *, workshop: Workshop, actor: Actor) -> tuple[Row, str]:
    """A new endpoint, and its secret, which is not to be had again. It gets what happens from now on."""
    await _check_endpoint(wanted, workshop)
    if await fetch_value("SELECT count(*) FROM webhook WHERE deleted_at IS NULL") >= MAX_WEBHOOKS:
        raise Problem("state_conflict", f"There are {MAX_WEBHOOKS} webhooks already", hint="Remove one first")
    webhook_id, secret = new_id(), show_secret(token_bytes(SECRET_BYTES))
    sealed = Sealed(secrets=(SigningSecret(secret),), headers=wanted.headers)
    await execute(INSERT, webhook_id, *_columns(wanted, webhook_id, sealed, workshop), wanted.enabled)
    await _audit(actor, "webhook.created", webhook_id)
    wake_after_commit(TOPIC)
    return await find_webhook(webhook_id), secret


async def change_webhook(webhook_id: UUID, change: EndpointChange, *, workshop: Workshop, actor: Actor) -> Row:
    """Change what is named; enabling one makes what was queued for it go on."""
    row = await lock_webhook(webhook_id)
    sealed = open_webhook(row, workshop.box)
    before = _endpoint_of(row, sealed)
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    after = msgspec.structs.replace(before, **given)
    if after == before:
        return row
    await _check_endpoint(after, workshop, only=frozenset(given))
    kept = msgspec.structs.replace(sealed, headers=after.headers)
    if msgspec.structs.replace(after, enabled=before.enabled) != before:
        await execute(UPDATE, webhook_id, *_columns(after, webhook_id, kept, workshop))
        changed = sorted(name for name in given if given[name] != getattr(before, name))
        await _audit(actor, "webhook.updated", webhook_id, facts={"changed": changed})
    if after.enabled != before.enabled:
        await _set_enabled(webhook_id, after.enabled, actor=actor)
    wake_after_commit(TOPIC)
    return await find_webhook(webhook_id)


async def remove_webhook(webhook_id: UUID, *, actor: Actor) -> None:
    """Nothing more is sent to it; its secrets are forgotten now, and its log by and by."""
    await lock_webhook(webhook_id)
    await execute(REMOVE, webhook_id)
    await _audit(actor, "webhook.deleted", webhook_id)


async def rotate_webhook_secret(
    webhook_id: UUID, *, overlap: timedelta | None, workshop: Workshop, actor: Actor
) -> tuple[Row, str]:
    """A new secret, which is not to be had again; the old ones go on signing beside it until the overlap ends."""
    row = await lock_webhook(webhook_id)
    secret = show_secret(token_bytes(SECRET_BYTES))
    sealed = open_webhook(row, workshop.box)
    lasting = workshop.overlap if overlap is None else overlap
    kept = msgspec.structs.replace(
        sealed, secrets=rotate_secrets(sealed.secrets, secret, now=utc_now(), overlap=lasting)
    )
    await execute(RESEAL, webhook_id, seal_webhook(webhook_id, kept, workshop.box))
    await _audit(actor, "webhook.secret_rotated", webhook_id, facts={"overlap_seconds": int(lasting.total_seconds())})
    return await find_webhook(webhook_id), secret


async def disable_webhook(webhook_id: UUID, reason: str) -> None:
    """Stop sending to an endpoint; what is queued for it waits until it is enabled."""
    await execute(DISABLE, webhook_id, reason)


def open_webhook(row: Row, box: SecretBox) -> Sealed:
    """The secrets and headers of an endpoint's row; WrongKey where our key is not the one that sealed them."""
    return msgspec.json.decode(box.open_sealed(row["sealed"], bound_to=show_id(WEBHOOK, row["id"])), type=Sealed)


def seal_webhook(webhook_id: UUID, kept: Sealed, box: SecretBox) -> bytes:
    """The sealed form of an endpoint's secrets and headers."""
    return box.seal(msgspec.json.encode(kept), bound_to=show_id(WEBHOOK, webhook_id))


async def _set_enabled(webhook_id: UUID, enabled: bool, *, actor: Actor) -> None:  # noqa: FBT001 (the fact itself)
    if enabled:
        await execute(ENABLE, webhook_id)
    else:
        await disable_webhook(webhook_id, "by_request")
    await _audit(actor, "webhook.enabled" if enabled else "webhook.disabled", webhook_id)


def _endpoint_of(row: Row, sealed: Sealed) -> Endpoint:
    return Endpoint(
        url=row["url"],
        description=row["description"],
        types=row["types"],
        q=row["query"],
        payload=row["payload"],
        ordering=row["ordering"],
        headers=sealed.headers,
        enabled=row["enabled"],
    )


def _columns(wanted: Endpoint, webhook_id: UUID, sealed: Sealed, workshop: Workshop) -> tuple[Any, ...]:
    return (
        wanted.url,
        wanted.description,
        wanted.types,
        wanted.q,
        wanted.payload,
        wanted.ordering,
        sorted(wanted.headers),
        seal_webhook(webhook_id, sealed, workshop.box),
    )


async def _check_endpoint(wanted: Endpoint, workshop: Workshop, *, only: frozenset[str] | None = None) -> None:
    """Refuse what cannot be: of a change only what it names, so that one field can be mended at a time."""
    errors = [*refuse_types(wanted.types, EVENT_TYPES), *refuse_headers(wanted.headers)]
    if errors:
        raise Problem("validation_failed", errors[0].detail, errors=errors)
    if wanted.q is not None and (only is None or "q" in only):
        check_filter(wanted.q)
    if only is None or "url" in only:
        await _check_url(wanted.url, workshop)


async def _check_url(url: str, workshop: Workshop) -> None:
    """Refuse a URL that leads where we do not call (security.md T12-T16).

    A name that does not resolve now is taken: it is checked again at every try, and the network may just be away.
    """
    try:
        await workshop.check_url(url)
    except Unreachable:
        return
    except SendFailed as refused:
        error = FieldError(pointer="/url", code="refused", detail=refused.reason)
        raise Problem("validation_failed", refused.reason, errors=[error], hint=refused.fix) from None


async def _audit(actor: Actor, action: str, webhook_id: UUID, *, facts: Mapping[str, Any] | None = None) -> None:
    await record_audit(actor, action, target=show_id(WEBHOOK, webhook_id), facts=facts)
