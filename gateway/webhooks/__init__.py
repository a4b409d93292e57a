"""Sending webhooks to integrators: fan the feed out, claim what is due, try it, write down what came of it.

`run_webhooks` is the door. Any number of processes may run it: the cursor of the feed moves in the transaction that
writes the deliveries, and deliveries are claimed under a lease (docs/decisions/0013).
"""

from gateway.webhooks.running import run_webhooks, webhook_workshop

__all__ = ["run_webhooks", "webhook_workshop"]
