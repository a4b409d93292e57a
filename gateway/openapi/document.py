"""The OpenAPI 3.1 document, put together from operations, schemas and examples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_origin

import msgspec
from litestar import Litestar
from msgspec import UNSET

from gateway.openapi.conditions import ETAG_HEADER, PARAMETERS, condition_parameters, has_tag, takes_if_none_match
from gateway.openapi.events import BODIES, describe_webhooks
from gateway.openapi.examples import ID_BODY, PREFIXES, make_example
from gateway.openapi.links import add_links
from gateway.openapi.operations import Answer, Operation, Parameter, list_operations
from gateway.openapi.problems import Answers, problem_answers, problem_examples
from gateway.openapi.schemas import Schema, make_schemas, names_used, require_all
from gateway.problems import ProblemDocument
from gateway.signin import cookies
from inbox.kit.pages import Page

TITLE = "Switchboard"
DESCRIPTION = (
    "Every channel, one thread: an omnichannel gateway and unified inbox. "
    "Programs authenticate with an API key (`Authorization: Bearer sk_...`), browsers of agents with a session "
    "(`POST /v1/session`); every refusal is an RFC 9457 problem."
)
SECURITY = "apiKey"
SESSION = "session"
VISITOR = "visitor"
API_KEY: Schema = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key. Each operation names the scope it needs; `admin` holds all.",
}
SESSION_COOKIE: Schema = {
    "type": "apiKey",
    "in": "cookie",
    "name": cookies.cookie_name(cookies.SESSION_COOKIE, secure=True),
    "description": "The session of an agent's browser; without TLS, as on a laptop, it is `switchboard_session`. The "
    "agent's role says what it may do. Whatever it changes needs "
    "the header `X-CSRF-Token` with the `csrf_token` of `GET /v1/session`, and an allowed Origin. An Authorization "
    "header goes before it.",
}
VISITOR_TOKEN: Schema = {
    "type": "http",
    "scheme": "bearer",
    "description": "The session of a web chat's visitor (`vst_...`), as `POST /widget/v1/sessions` gives it. It goes "
    "into this header alone, never into a URL; what the visitor may see, and no more, it opens.",
}
IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Your name for this request, up to 255 characters: asked again with it, it acts once.",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "order-8841-reply-1",
}
HEADERS: Schema = {
    "RequestId": {
        "description": "The id of this request: yours if you sent one, else made. Name it to get help.",
        "schema": {"type": "string"},
        "example": "3f1c0b9e7d5a4c2b8e6f",
    },
    "NextPage": {
        "description": 'The next page, as `rel="next"` (RFC 8288); absent on the last one.',
        "schema": {"type": "string"},
        "example": '</v1/agents?cursor=WyJh>; rel="next"',
    },
    "Replayed": {
        "description": "`true` where this is the remembered answer to the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    "RateLimitPolicy": {
        "description": "The quota this request was counted under: `q` requests in `w` seconds.",
        "schema": {"type": "string"},
        "example": '"key";q=600;w=60',
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests for the next `t` seconds.",
        "schema": {"type": "string"},
        "example": '"key";r=571;t=42',
    },
    "ETag": ETAG_HEADER,
    "RetryAfter": {
        "description": "Seconds to wait before trying again.",
        "schema": {"type": "integer"},
        "example": 2,
    },
}
COMMON_HEADERS = {
    "X-Request-Id": {"$ref": "#/components/headers/RequestId"},
    "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"},
    "RateLimit": {"$ref": "#/components/headers/RateLimit"},
}


def describe_api(app: Litestar, *, version: str) -> Schema:
    """The document of everything this application publishes."""
    operations = list_operations(app)
    kinds = [kind for operation in operations for kind in _kinds_of(operation)]
    sent = describe_webhooks(operations)
    schemas, components = make_schemas([*kinds, ProblemDocument, *(BODIES if sent else ())])
    shapes = iter(schemas)
    paths: dict[str, Schema] = {}
    for operation in operations:
        used = {place: next(shapes) for place in _places_of(operation)}
        paths.setdefault(operation.path, {})[operation.method] = _describe_operation(operation, used)
    _require_answers(paths, components)
    links = add_links(paths, components)
    return {
        "openapi": "3.1.0",
        "info": _info(version),
        "servers": [{"url": "/", "description": "This gateway"}],
        "tags": _tags(operations),
        "security": [{SECURITY: []}, {SESSION: []}],
        "paths": paths,
        "webhooks": sent,
        "components": _components(components, operations) | {"links": links},
    }


def _info(version: str) -> Schema:
    return {
        "title": TITLE,
        "version": version,
        "description": DESCRIPTION,
        "contact": {"name": "Switchboard", "url": "https://switchboard.example"},
        "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
    }


def _tags(operations: Iterable[Operation]) -> list[Schema]:
    described = {operation.tag: operation.tag_description for operation in operations}
    return [{"name": name, "description": described[name]} for name in sorted(described)]


def _components(schemas: dict[str, Schema], operations: Iterable[Operation]) -> Schema:
    return {
        "schemas": schemas,
        "examples": problem_examples(operations),
        "headers": HEADERS,
        "parameters": {"IdempotencyKey": IDEMPOTENCY_KEY, **PARAMETERS},
        "securitySchemes": {SECURITY: API_KEY, SESSION: SESSION_COOKIE, **_visitor_scheme(operations)},
    }


def _visitor_scheme(operations: Iterable[Operation]) -> Schema:
    return {VISITOR: VISITOR_TOKEN} if any(operation.by_visitor for operation in operations) else {}


def _kinds_of(operation: Operation) -> list[Any]:
    """The types to make schemas of, in the order of `_places_of`."""
    kinds = [parameter.kind for parameter in operation.parameters]
    return kinds + [kind for _, kind in _bodies(operation)]


def _places_of(operation: Operation) -> list[str]:
    return [f"?{parameter.name}" for parameter in operation.parameters] + [place for place, _ in _bodies(operation)]


def _bodies(operation: Operation) -> list[tuple[str, Any]]:
    bodies = [("body", operation.body), *((str(answer.status), answer.kind) for answer in operation.answers)]
    forms = [form for answer in operation.answers for form in answer.forms.items()]
    return [(place, kind) for place, kind in bodies + forms if kind is not None and kind is not bytes]


def _describe_operation(operation: Operation, shapes: dict[str, Schema]) -> Schema:
    described: Schema = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": _operation_text(operation),
        "tags": [operation.tag],
        "parameters": _parameters(operation, shapes),
        "responses": _responses(operation, shapes),
    }
    if operation.body is not None:
        example = make_example(operation.body) if operation.request_example is UNSET else operation.request_example
        described["requestBody"] = {
            "required": True,
            "content": {operation.body_type: {"schema": shapes["body"], "example": msgspec.to_builtins(example)}},
        }
    if operation.by_visitor:
        described["security"] = [{VISITOR: []}]
    elif operation.scope is None:
        described["security"] = []
    else:
        described["x-scope"] = operation.scope
    return described


def _operation_text(operation: Operation) -> str:
    needs = f"Needs the scope `{operation.scope}`." if operation.scope else "Needs no API key."
    needs = "Needs the session of a visitor." if operation.by_visitor else needs
    return f"{operation.description}\n\n{needs}".strip()


def _parameters(operation: Operation, shapes: dict[str, Schema]) -> list[Schema]:
    found = [_describe_parameter(parameter, shapes[f"?{parameter.name}"]) for parameter in operation.parameters]
    if operation.method == "post" and operation.scope is not None:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return found + condition_parameters(operation)


def _describe_parameter(parameter: Parameter, shape: Schema) -> Schema:
    schema = dict(shape)
    described_by_type = schema.pop("description", "")
    examples = schema.pop("examples", [])
    if parameter.default is not UNSET:
        schema["default"] = msgspec.to_builtins(parameter.default)
    described: Schema = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "schema": schema,
    }
    if parameter.description or described_by_type:
        described["description"] = parameter.description or described_by_type
    example = examples[0] if examples else _id_example(parameter.name)
    return described | ({"example": example} if example is not None else {})


def _id_example(name: str) -> str | None:
    prefix = PREFIXES.get(name.removesuffix("_id"))
    return f"{prefix}_{ID_BODY}" if prefix and name.endswith("_id") else None


def _responses(operation: Operation, shapes: dict[str, Schema]) -> Answers:
    told = {str(answer.status): _answer(operation, answer, shapes) for answer in operation.answers}
    common = _common_headers(operation)
    if takes_if_none_match(operation):
        headers = COMMON_HEADERS | {"ETag": {"$ref": "#/components/headers/ETag"}}
        told["304"] = {"description": "What you have still holds.", "headers": headers}
    return dict(sorted((problem_answers(operation, common) | told).items()))


def _answer(operation: Operation, answer: Answer, shapes: dict[str, Schema]) -> Schema:
    described: Schema = {"description": answer.description, "headers": _answer_headers(operation, answer)}
    given = operation.example if answer is operation.answers[0] else UNSET
    if answer.kind is not None:
        forms = answer.forms or {answer.media_type: answer.kind}
        shape = shapes.get(str(answer.status))
        described["content"] = {
            media_type: _content(media_type, kind, shapes.get(media_type, shape), given)
            for media_type, kind in forms.items()
        }
    return described


def _content(media_type: str, kind: Any, shape: Schema | None, given: Any) -> Schema:
    """One form of an answer. A file has no shape; an example given as a string is of the files alone."""
    if shape is None:
        example = "..." if given is UNSET else given
        return {"schema": {"type": "string"} if media_type.startswith("text/") else {}, "example": example}
    fitting = given is not UNSET and not isinstance(given, str)
    return {"schema": shape, "example": msgspec.to_builtins(given if fitting else make_example(kind))}


def _common_headers(operation: Operation) -> Schema:
    """What every answer carries; quotas of visitors are told only where one is used up."""
    told = {"X-Request-Id"} if operation.for_visitors else COMMON_HEADERS.keys()
    return {name: header for name, header in COMMON_HEADERS.items() if name in told}


def _answer_headers(operation: Operation, answer: Answer) -> Schema:
    headers: Schema = _common_headers(operation)
    if get_origin(answer.kind) is Page:
        headers["Link"] = {"$ref": "#/components/headers/NextPage"}
    if operation.method == "post" and operation.scope is not None:
        headers["Idempotency-Replayed"] = {"$ref": "#/components/headers/Replayed"}
    if answer is operation.answers[0] and has_tag(operation) and operation.scope is not None:
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    return headers


def _require_answers(paths: dict[str, Schema], components: dict[str, Schema]) -> None:
    """What only ever leaves us has all its fields; what comes in too keeps its optional ones."""
    operations = [operation for methods in paths.values() for operation in methods.values()]
    taken = names_used([operation.get("requestBody", {}) for operation in operations], components)
    for name, schema in components.items():
        if name not in taken and name not in SPARSE:
            require_all(schema)


SPARSE = frozenset({"FieldError"})
"""Answers that leave out what is at its default."""
