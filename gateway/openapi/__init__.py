"""The published description of the API (OpenAPI 3.1), made from the very routes that are served.

`describe_api` is the door. Litestar's own generator gives no discriminators, loses the limits of optional fields and
answers every operation with an error that is not ours, so the schemas are msgspec's and the rest is put together here
(docs/decisions/0008).
"""

from __future__ import annotations

from gateway.openapi.document import describe_api
from gateway.openapi.events import event_sample
from gateway.openapi.operations import Operation, list_operations

__all__ = ["Operation", "describe_api", "event_sample", "list_operations"]
