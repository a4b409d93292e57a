"""Which operations take If-Match and If-None-Match (RFC 9110 13), and what the document says of them. Pure."""

from __future__ import annotations

from typing import Any

from gateway.openapi.operations import Operation

VERSIONED = frozenset({
    "agent_id", "attribute_id", "channel_id", "company_id", "contact_id", "conversation_id",
    "draft_id", "reply_id", "scheduled_id", "segment_id", "view_id", "webhook_id",
})  # fmt: skip
"""Path parameters that name something with a `version`."""
HOLDS = frozenset({"identity_id", "move_id"})
"""Path parameters that name something without one, below something that has one."""

IN_CONVERSATION = frozenset({"conversation_id", "draft_id", "scheduled_id"})
"""Path parameters that name a conversation, or something written in one."""

IF_MATCH: dict[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the version this change is meant for; it is refused if that has changed meanwhile. "
    "Without it the last write wins.",
    "required": False,
    "schema": {"type": "string", "maxLength": 1000},
    "example": '"v17"',
}
IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of what you have; the answer is 304 where it still holds.",
    "required": False,
    "schema": {"type": "string", "maxLength": 1000},
    "example": '"v17-8f3a01c2d4e5"',
}
ETAG_HEADER: dict[str, Any] = {
    "description": "Names this very answer: for If-None-Match, and where it begins with a version, for If-Match.",
    "schema": {"type": "string"},
    "example": '"v17-8f3a01c2d4e5"',
}
PARAMETERS = {"IfMatch": IF_MATCH, "IfNoneMatch": IF_NONE_MATCH}


def takes_if_match(operation: Operation) -> bool:
    """Whether it changes something that has a version."""
    paths = {parameter.name for parameter in operation.parameters if parameter.place == "path"}
    return operation.method != "get" and bool(paths & VERSIONED) and not paths & HOLDS


def changes_conversation(operation: Operation) -> bool:
    """Whether it changes something of a conversation, which may be merged into another by then."""
    names = {parameter.name for parameter in operation.parameters if parameter.place == "path"}
    return operation.method != "get" and bool(names & IN_CONVERSATION)


def takes_if_none_match(operation: Operation) -> bool:
    """Whether it is read, and answered in JSON that may not have changed."""
    return operation.method == "get" and operation.scope is not None and has_tag(operation)


def has_tag(operation: Operation) -> bool:
    """Whether its usual answer carries an ETag."""
    usual = operation.answers[0]
    return usual.status in {200, 201} and usual.media_type == "application/json" and usual.kind not in {None, bytes}


def condition_parameters(operation: Operation) -> list[dict[str, Any]]:
    """The headers it takes, as references."""
    asked = {"IfMatch": takes_if_match(operation), "IfNoneMatch": takes_if_none_match(operation)}
    return [{"$ref": f"#/components/parameters/{name}"} for name, taken in asked.items() if taken]
