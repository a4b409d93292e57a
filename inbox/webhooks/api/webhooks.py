"""Endpoints over HTTP: made, changed, tried out and removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from inbox.kit.callers import Caller
from inbox.kit.clock import show_time
from inbox.kit.errors import Problem
from inbox.kit.ids import CONVERSATION, WEBHOOK, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.webhooks.actions.endpoints import (
    Endpoint,
    EndpointChange,
    Workshop,
    change_webhook,
    create_webhook,
    remove_webhook,
    rotate_webhook_secret,
)
from inbox.webhooks.actions.repair import begin_recovery, queue_test
from inbox.webhooks.api.shapes import (
    NewRecovery,
    NewWebhook,
    RecoveryObject,
    SecretRotation,
    WebhookDeliveryObject,
    WebhookObject,
    WebhookPatch,
    WebhookWithSecret,
    show_delivery,
    show_webhook,
    show_webhook_secret,
)
from inbox.webhooks.queries import DeliveryFilter, DeliveryState, find_webhook, list_deliveries, list_webhooks

READ = {"scope": "webhooks:read"}
WRITE = {"scope": "webhooks:write"}
SAVE = {**WRITE, "problems": ["validation_failed", "invalid_query", "state_conflict"]}
ACT = {**WRITE, "problems": ["state_conflict"]}


class WebhookController(Controller):
    """Endpoints that get events as they happen, signed as Standard Webhooks has it."""

    path = "/webhooks"
    tags = ("Webhooks",)

    @get("/", opt=READ, operation_id="listWebhooks", summary="List webhooks")
    async def list_webhooks(
        self, *, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[WebhookObject]:
        """The endpoints, the oldest first; never their secrets."""
        after = read_cursor(cursor, tuple[datetime, UUID], of="webhooks")
        rows = await list_webhooks(after=after, limit=limit + 1)
        key = lambda row: (row["created_at"], row["id"])  # noqa: E731 (the one line the page needs)
        return cut_page(rows, limit, key=key, of="webhooks", show=show_webhook)

    @post("/", opt=SAVE, operation_id="createWebhook", summary="Add a webhook")
    async def create_webhook(
        self, *, caller: NamedDependency[Caller], workshop: NamedDependency[Workshop], data: JSONBody[NewWebhook]
    ) -> WebhookWithSecret:
        """It gets what happens from now on. The answer holds its signing secret, which is not shown again."""
        _check_reader(caller)
        wanted = Endpoint(**msgspec.structs.asdict(data))
        row, secret = await create_webhook(wanted, workshop=workshop, actor=caller.actor)
        return show_webhook_secret(row, secret)

    @get("/{webhook_id:str}", opt=READ, operation_id="getWebhook", summary="Get a webhook")
    async def get_webhook(self, webhook_id: FromPath[str]) -> WebhookObject:
        """One endpoint, without its secret."""
        return show_webhook(await find_webhook(read_id(WEBHOOK, webhook_id)))

    @patch("/{webhook_id:str}", opt=SAVE, operation_id="updateWebhook", summary="Change, enable or disable a webhook")
    async def update_webhook(
        self,
        *,
        caller: NamedDependency[Caller],
        workshop: NamedDependency[Workshop],
        webhook_id: FromPath[str],
        data: JSONBody[WebhookPatch],
    ) -> WebhookObject:
        """Enabled again, it gets what was queued for it, and what happens from then on; `recover` brings the rest."""
        _check_reader(caller)
        change = EndpointChange(**{name: getattr(data, name) for name in WebhookPatch.__struct_fields__})
        row = await change_webhook(read_id(WEBHOOK, webhook_id), change, workshop=workshop, actor=caller.actor)
        return show_webhook(row)

    @delete("/{webhook_id:str}", opt=WRITE, operation_id="deleteWebhook", summary="Remove a webhook")
    async def delete_webhook(self, caller: NamedDependency[Caller], webhook_id: FromPath[str]) -> None:
        """Nothing more is sent to it, and its secrets and its log are forgotten."""
        await remove_webhook(read_id(WEBHOOK, webhook_id), actor=caller.actor)

    @post("/{webhook_id:str}/rotate-secret", opt=WRITE, operation_id="rotateWebhookSecret",
          summary="Give a webhook a new secret", status_code=200)  # fmt: skip
    async def rotate_webhook_secret(
        self,
        *,
        caller: NamedDependency[Caller],
        workshop: NamedDependency[Workshop],
        webhook_id: FromPath[str],
        data: JSONBody[SecretRotation],
    ) -> WebhookWithSecret:
        """Until the overlap ends every delivery carries two signatures, so the receiver may know either secret."""
        overlap = None if data.overlap_seconds is None else timedelta(seconds=data.overlap_seconds)
        row, secret = await rotate_webhook_secret(
            read_id(WEBHOOK, webhook_id), overlap=overlap, workshop=workshop, actor=caller.actor
        )
        return show_webhook_secret(row, secret)

    @post("/{webhook_id:str}/test", opt=ACT, operation_id="testWebhook", summary="Send a test event", status_code=202)
    async def test_webhook(self, caller: NamedDependency[Caller], webhook_id: FromPath[str]) -> WebhookDeliveryObject:
        """One signed try of an event `webhook.test`, at once; what came of it is in the delivery, read again."""
        return show_delivery(await queue_test(read_id(WEBHOOK, webhook_id), actor=caller.actor))

    @post("/{webhook_id:str}/recover", opt=ACT, operation_id="recoverWebhook", summary="Send again since a time",
          status_code=202)  # fmt: skip
    async def recover_webhook(
        self, *, caller: NamedDependency[Caller], webhook_id: FromPath[str], data: JSONBody[NewRecovery]
    ) -> RecoveryObject:
        """Everything told since then is queued, each event once, under its own `webhook-id`; asking twice is safe."""
        webhook = read_id(WEBHOOK, webhook_id)
        oldest = await begin_recovery(webhook, since=data.since, include=data.include, actor=caller.actor)
        return RecoveryObject(
            webhook_id=show_id(WEBHOOK, webhook),
            since=show_time(data.since),
            include=data.include,
            oldest_at=show_time(oldest) if oldest else None,
        )

    @get("/{webhook_id:str}/deliveries", opt=READ, operation_id="listWebhookDeliveries",
         summary="List what was sent to a webhook")  # fmt: skip
    async def list_webhook_deliveries(
        self,
        *,
        webhook_id: FromPath[str],
        wanted: Annotated[
            DeliveryState | None, QueryParameter(name="state", description="Only those in this state.")
        ] = None,
        kind: Annotated[
            str | None, QueryParameter(name="type", max_length=100, description="Only of this type of event.")
        ] = None,
        conversation: Annotated[str | None, QueryParameter(description="Only what concerns this one.")] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[WebhookDeliveryObject]:
        """The log, the newest event first, with every try."""
        webhook = read_id(WEBHOOK, webhook_id)
        await find_webhook(webhook)
        about = read_id(CONVERSATION, conversation) if conversation else None
        narrowed = DeliveryFilter(state=wanted, type=kind, conversation_id=about)
        of = ["webhook-deliveries", webhook, narrowed]
        rows = await list_deliveries(webhook, narrowed, after=read_cursor(cursor, UUID, of=of), limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: row["event_id"], of=of, show=show_delivery)


def _check_reader(caller: Caller) -> None:
    """Who has events sent somewhere reads them there: a key that may not read them may not send them."""
    if not caller.may("events:read"):
        detail = "an endpoint gets events, so the key needs events:read as well as webhooks:write"
        raise Problem("scope_missing", detail, hint="Use a key with both scopes.")
