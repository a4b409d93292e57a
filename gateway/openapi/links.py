"""Which operations go on from an answer: the id it holds is the path parameter of the next (OpenAPI 3.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.openapi.schemas import Schema

PARAMETERS = {
    "api_key": "key_id",
    "canned_reply": "reply_id",
    "contact_merge": "merge_id",
    "entry": "message_id",
    "saved_view": "view_id",
    "scheduled_message": "scheduled_id",
    "webhook_delivery": "delivery_id",
}
"""The path parameter of an object where it is not its name and `_id`."""
MAKING = "post"
"""Only what was made has an id for sure: a list may be empty."""


def add_links(paths: dict[str, Schema], components: dict[str, Schema]) -> dict[str, Schema]:
    """Put a link to each following operation into the answers that made something; returns the links by name."""
    followers = _list_followers(paths)
    links: dict[str, Schema] = {}
    for methods in paths.values():
        for method, operation in methods.items():
            for answer, kind in _answers_with_ids(method, operation, components):
                for follower, parameter in followers.get(PARAMETERS.get(kind, f"{kind}_id"), ()):
                    links[follower] = _link(follower, parameter)
                    answer.setdefault("links", {})[follower] = {"$ref": f"#/components/links/{follower}"}
    return dict(sorted(links.items()))


def _list_followers(paths: dict[str, Schema]) -> dict[str, list[tuple[str, str]]]:
    """By path parameter, the operations for which nothing else has to be known."""
    found: dict[str, list[tuple[str, str]]] = {}
    for methods in paths.values():
        for operation in methods.values():
            needed = [one["name"] for one in operation["parameters"] if one.get("in") == "path"]
            if len(needed) == 1:
                found.setdefault(needed[0], []).append((operation["operationId"], needed[0]))
    return found


def _answers_with_ids(method: str, operation: Schema, components: dict[str, Schema]) -> Iterator[tuple[Schema, str]]:
    for status, answer in operation["responses"].items():
        for content in answer.get("content", {}).values():
            kind = _object_of(content.get("schema", {}), components)
            if status.startswith("2") and method == MAKING and kind:
                yield answer, kind


def _object_of(schema: Schema, components: dict[str, Schema]) -> str | None:
    """The `object` of what a schema describes."""
    name = schema.get("$ref", "").rpartition("/")[2]
    kind: Schema = (components[name] if name else schema).get("properties", {}).get("object", {})
    return kind.get("const") or next(iter(kind.get("enum", ())), None)


def _link(operation_id: str, parameter: str) -> Schema:
    return {
        "operationId": operation_id,
        "parameters": {parameter: "$response.body#/id"},
        "description": f"The `id` of the answer is `{parameter}` of `{operation_id}`.",
    }
