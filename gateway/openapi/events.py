"""The `webhooks` section of the description: what we send to integrators, each type with a sample. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.openapi.examples import ID_BODY, PREFIXES, make_example
from gateway.openapi.operations import Operation
from gateway.openapi.schemas import REF, Schema
from inbox.conversations.api.entries import EntryObject
from inbox.conversations.api.envelopes import Envelope, SmallConversation
from inbox.webhooks.catalogue import EVENT_KINDS, EVENT_TYPES, About
from inbox.webhooks.payload import ThinEnvelope

TAG = "Webhooks"
BODIES = (Envelope, ThinEnvelope)
"""What a delivery may carry, by the `payload` of its endpoint."""
SIGNATURES: list[Schema] = [
    {
        "name": "webhook-id",
        "in": "header",
        "description": "The event's id, the same at every try: what you have seen before, answer with 2xx and forget.",
        "required": True,
        "schema": {"type": "string"},
        "example": "evt_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b",
    },
    {
        "name": "webhook-timestamp",
        "in": "header",
        "description": "When this try was made, in seconds since 1970; refuse what is more than five minutes off.",
        "required": True,
        "schema": {"type": "string"},
        "example": "1763716443",
    },
    {
        "name": "webhook-signature",
        "in": "header",
        "description": "`v1,` and base64 of HMAC-SHA256 over id, time and body, joined by dots (Standard Webhooks). "
        "While secrets are rotated there are several, separated by spaces.",
        "required": True,
        "schema": {"type": "string"},
        "example": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
]
OBJECTS: dict[str, tuple[About, Any]] = {
    "entry": ("entry", EntryObject),
    "conversation": ("conversation", SmallConversation),
}
BY_ID: tuple[About, ...] = ("contact", "channel")
RESPONSES: Schema = {
    "204": {"description": "Taken. Any 2xx will do."},
    "410": {"description": "Not wanted any more: the webhook is disabled."},
    "429": {"description": "Too fast: the webhook rests for as long as Retry-After says. So with 502 and 504."},
    "default": {"description": "Anything else, a redirect too, is tried again for about three days."},
}


def describe_webhooks(operations: Iterable[Operation]) -> Schema:
    """What is sent, by type of event; nothing where webhooks are no part of the application."""
    if not any(operation.tag == TAG for operation in operations):
        return {}
    return {name: {"post": _describe_event(name)} for name in EVENT_TYPES}


def event_sample(name: str) -> dict[str, Any]:
    """A believable envelope of a type, with the objects that come with it and nulls for the others."""
    kind = EVENT_KINDS.get(name)
    about: tuple[About, ...] = kind.about if kind else ()
    objects = {field: make_example(shape) if thing in about else None for field, (thing, shape) in OBJECTS.items()}
    ids = {f"{thing}_id": f"{PREFIXES[thing]}_{ID_BODY}" if thing in about else None for thing in BY_ID}
    sample: dict[str, Any] = make_example(Envelope)
    sample |= {"type": name, "data": {**objects, **ids, "facts": None}, "changed": []}
    sample["seq"] = 12 if "entry" in about else None
    return sample | ({} if "conversation" in about else {"conversation_id": None})


def _describe_event(name: str) -> Schema:
    kind = EVENT_KINDS.get(name)
    title = "".join(word.capitalize() for word in name.replace("_", ".").split("."))
    return {
        "operationId": f"receive{title}",
        "summary": name,
        "description": kind.description if kind else "",
        "tags": [TAG],
        "security": [],
        "parameters": SIGNATURES,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [{"$ref": f"{REF}{body.__name__}"} for body in BODIES]},
                    "example": event_sample(name),
                }
            },
        },
        "responses": RESPONSES,
    }
