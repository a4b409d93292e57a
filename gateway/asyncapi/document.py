"""The AsyncAPI 3.0 document, put together from messages, schemas and examples. Pure.

It speaks as the gateway does: what it `send`s a client hears, what it `receive`s a client says.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gateway.asyncapi.messages import Channel, Message, list_messages
from gateway.live.frames import CLOSE_CODES
from gateway.openapi.document import API_KEY, SECURITY, SESSION, SESSION_COOKIE
from gateway.openapi.events import SIGNATURES
from gateway.openapi.schemas import Schema, make_schemas, names_used, require_told

JSON = "application/json"
DESCRIPTION = (
    "What Switchboard tells as it happens: over the live socket, as server-sent events, and by webhooks; and what a "
    "client says on the socket. What is asked and answered by requests is described by `/openapi.json`."
)
CHANNELS: dict[Channel, Schema] = {
    "realtime": {
        "address": "/v1/realtime",
        "title": "The live socket",
        "description": "JSON text frames, told apart by `type`. A client is let in by its key, by a session's cookie "
        "with an allowed Origin, or by a ticket in its first frame. It is closed with: "
        + " ".join(f"{code}: {text}" for code, text in sorted(CLOSE_CODES.items())),
        "servers": [{"$ref": "#/servers/socket"}],
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
    },
    "stream": {
        "address": "/v1/events/stream",
        "title": "The event stream",
        "description": "Server-sent events (WHATWG HTML 9.2): `event` is the message's name or, of what happened, its "
        "type, `id` the cursor, `data` the payload. `Last-Event-ID` resumes. An `id` alone moves the cursor on.",
        "servers": [{"$ref": "#/servers/api"}],
    },
    "webhook": {
        "address": None,
        "title": "Webhooks",
        "description": "Deliveries to an endpoint of yours (Standard Webhooks), at least once; its `payload` says "
        "which of the two messages it takes.",
        "servers": [{"$ref": "#/servers/endpoint"}],
    },
}
OPERATIONS: dict[str, tuple[Channel, bool, str, Schema]] = {
    "hearClient": ("realtime", True, "What a client says on the live socket.", {}),
    "tellClient": ("realtime", False, "What a client hears on the live socket.", {}),
    "streamEvents": ("stream", False, "What a client of the event stream hears.", {"method": "GET"}),
    "deliverWebhook": ("webhook", False, "What is delivered to an endpoint.", {"method": "POST"}),
}
"""By name: on which channel, whether the client speaks, in words, and how it is done over HTTP."""


def describe_events(*, version: str, public_url: str) -> Schema:
    """The document of all that is told live by the gateway at this address."""
    messages = list_messages()
    schemas, components = make_schemas([message.kind for message in messages])
    taken = names_used([shape for shape, one in zip(schemas, messages, strict=True) if one.taken], components)
    require_told(components, [message.kind for message in messages], but=taken)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:switchboard:events",
        "info": _info(version),
        "defaultContentType": JSON,
        "servers": _servers(public_url),
        "channels": {name: channel | {"messages": _refs(messages, name)} for name, channel in CHANNELS.items()},
        "operations": {name: _operation(messages, *told) for name, told in OPERATIONS.items()},
        "components": {
            "messages": {one.key: _message(one, shape) for one, shape in zip(messages, schemas, strict=True)},
            "schemas": {name: _plain_unions(schema) for name, schema in components.items()},
            "securitySchemes": {SECURITY: API_KEY, SESSION: SESSION_COOKIE | {"type": "httpApiKey"}},
        },
    }


def _info(version: str) -> Schema:
    return {
        "title": "Switchboard, live",
        "version": version,
        "description": DESCRIPTION,
        "contact": {
            "name": "Switchboard",
            "url": "https://switchboard.example",
            "email": "hello@switchboard.example",
        },
        "license": {"name": "GPL-3.0-or-later", "url": "https://www.gnu.org/licenses/gpl-3.0.html"},
        "tags": [{"name": "Live", "description": "What is told as it happens."}],
        "externalDocs": {"url": "https://switchboard.example/docs", "description": "The reference of the API"},
    }


def _servers(public_url: str) -> Schema:
    url = urlsplit(public_url)
    tls = "s" if url.scheme == "https" else ""
    let_in = [{"$ref": f"#/components/securitySchemes/{name}"} for name in (SECURITY, SESSION)]
    endpoint = {"default": "crm.example", "description": "Where you take deliveries."}
    return {
        "socket": {"host": url.netloc, "protocol": f"ws{tls}", "description": "This gateway", "security": let_in},
        "api": {"host": url.netloc, "protocol": f"http{tls}", "description": "This gateway", "security": let_in},
        "endpoint": {
            "host": "{endpoint}",
            "protocol": "https",
            "description": "An endpoint of yours",
            "variables": {"endpoint": endpoint},
        },
    }


def _refs(messages: list[Message], channel: Channel) -> Schema:
    return {one.name: {"$ref": f"#/components/messages/{one.key}"} for one in messages if one.channel == channel}


def _operation(messages: list[Message], channel: Channel, taken: bool, text: str, http: Schema) -> Schema:  # noqa: FBT001 (a row of the table above)
    mine = [one.name for one in messages if one.channel == channel and one.taken is taken]
    described = {
        "action": "receive" if taken else "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": text,
        "description": text,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in mine],
    }
    return described | ({"bindings": {"http": {**http, "bindingVersion": "0.3.0"}}} if http else {})


def _message(message: Message, shape: Schema) -> Schema:
    text = " ".join((message.kind.__doc__ or "").split())
    described = {
        "name": message.name,
        "title": message.key,
        "summary": text.partition(". ")[0].rstrip(".") + ".",
        "description": text,
        "contentType": JSON,
        "payload": shape,
        "examples": [{"name": one.name, "payload": one.payload} for one in message.examples],
    }
    return described | ({"headers": _signatures()} if message.channel == "webhook" else {})


def _signatures() -> Schema:
    """The headers of a delivery, as the OpenAPI document has them."""
    properties = {
        one["name"]: {**one["schema"], "description": one["description"], "examples": [one["example"]]}
        for one in SIGNATURES
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _plain_unions(node: Any) -> Any:
    """Here a discriminator is the name of its field, and no more."""
    if isinstance(node, list):
        return [_plain_unions(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: _plain_unions(value) for name, value in node.items()}
    if isinstance(found.get("discriminator"), dict):
        found["discriminator"] = found["discriminator"]["propertyName"]
    return found
