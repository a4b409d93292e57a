"""The published description of what is told live (AsyncAPI 3.0), made from the very structs that are sent and taken.

`describe_events` is the door. What is asked and answered by requests is in the OpenAPI document beside it.
"""

from __future__ import annotations

from gateway.asyncapi.document import describe_events

__all__ = ["describe_events"]
