"""Webhooks over HTTP: endpoints, their secrets, their log, and what there is to hear of."""

from inbox.webhooks.api.deliveries import WebhookDeliveryController
from inbox.webhooks.api.event_types import EventTypeController
from inbox.webhooks.api.webhooks import WebhookController

__all__ = ["EventTypeController", "WebhookController", "WebhookDeliveryController"]
