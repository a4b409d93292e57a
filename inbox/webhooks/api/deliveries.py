"""Single deliveries over HTTP: looked at, and sent again."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from inbox.kit.callers import Caller
from inbox.kit.ids import WEBHOOK_DELIVERY, read_id
from inbox.webhooks.actions.repair import replay_delivery
from inbox.webhooks.api.shapes import WebhookDeliveryObject, show_delivery
from inbox.webhooks.queries import find_delivery


class WebhookDeliveryController(Controller):
    """Events on their way to endpoints, with every try."""

    path = "/webhook-deliveries"
    tags = ("Webhooks",)

    @get("/{delivery_id:str}", opt={"scope": "webhooks:read"}, operation_id="getWebhookDelivery",
         summary="Get a webhook delivery")  # fmt: skip
    async def get_webhook_delivery(self, delivery_id: FromPath[str]) -> WebhookDeliveryObject:
        """One delivery, with every try there was."""
        return show_delivery(await find_delivery(read_id(WEBHOOK_DELIVERY, delivery_id)))

    @post("/{delivery_id:str}/replay", opt={"scope": "webhooks:write", "problems": ["state_conflict"]},
          operation_id="replayWebhookDelivery", summary="Send a webhook delivery again", status_code=202)  # fmt: skip
    async def replay_webhook_delivery(
        self, caller: NamedDependency[Caller], delivery_id: FromPath[str]
    ) -> WebhookDeliveryObject:
        """At once, under the same `webhook-id`, and with the whole schedule before it."""
        return show_delivery(await replay_delivery(read_id(WEBHOOK_DELIVERY, delivery_id), actor=caller.actor))
