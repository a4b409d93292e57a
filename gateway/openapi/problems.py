"""What an operation may be refused with: problem responses, each code with its example."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from gateway.openapi.conditions import changes_conversation, takes_if_match
from gateway.openapi.operations import Operation
from gateway.problems import MEDIA_TYPE, RETRY_AFTER, ProblemDocument, problem_url
from inbox.kit.errors import KINDS, Code, FieldError

Answers: TypeAlias = dict[str, dict[str, Any]]

EXAMPLE_DOCS = "https://switchboard.example/docs"
EVERYWHERE: list[Code] = ["internal"]
WITH_KEY: list[Code] = [
    "unauthenticated", "token_expired", "scope_missing", "quota_exceeded", "dependency_down", "overloaded",
]  # fmt: skip
BY_SESSION: list[Code] = ["csrf_failed", "origin_not_allowed"]
BY_VISITOR: list[Code] = ["unauthenticated", "identity_required", "origin_not_allowed", "quota_exceeded"]
FOR_VISITORS: list[Code] = ["dependency_down", "overloaded"]
WITH_SENDING: list[Code] = ["channel_throttled"]
WITH_BODY: list[Code] = ["malformed_json", "body_too_large", "unsupported_media", "validation_failed"]
WITH_QUERY: list[Code] = ["invalid_query"]
WITH_CURSOR: list[Code] = ["invalid_cursor", "cursor_mismatch"]
WITH_IDEMPOTENCY: list[Code] = ["request_in_progress", "idempotency_key_reused"]

# What the example of a code points at, for codes that point at something.
EXAMPLE_ERRORS: dict[Code, FieldError] = {
    "validation_failed": FieldError(
        pointer="/name", code="too_long", detail="Expected `str` of length <= 200", limit=200
    ),
    "invalid_query": FieldError(pointer="?limit", code="invalid", detail="Expected `int` <= 200"),
    "invalid_cursor": FieldError(pointer="?cursor", code="invalid_cursor", detail="take it from `page.next_cursor`"),
}


def operation_codes(operation: Operation) -> list[Code]:
    """Every code an operation may answer with, whoever refuses: the frame, or the operation itself."""
    places = {parameter.place for parameter in operation.parameters}
    names = {parameter.name for parameter in operation.parameters}
    groups: list[tuple[bool, list[Code]]] = [
        (True, EVERYWHERE),
        (operation.scope is not None, WITH_KEY),
        (operation.scope is not None and operation.method != "get", BY_SESSION),
        (operation.by_visitor, BY_VISITOR),
        (operation.for_visitors, FOR_VISITORS),
        (operation.scope == "messages:send", WITH_SENDING),
        ("path" in places, ["not_found"]),
        (takes_if_match(operation), ["version_mismatch"]),
        (changes_conversation(operation), ["conversation_merged"]),
        ("query" in places, WITH_QUERY),
        ("cursor" in names, WITH_CURSOR),
        (operation.body is not None, WITH_BODY),
        (operation.method == "post" and operation.scope is not None, WITH_IDEMPOTENCY),
        (True, operation.problems),
    ]
    return sorted({code for applies, codes in groups if applies for code in codes})


def problem_answers(operation: Operation, headers: dict[str, Any]) -> Answers:
    """The problem responses of an operation, one a status, in the order of the statuses."""
    by_status: dict[int, list[Code]] = {}
    for code in operation_codes(operation):
        by_status.setdefault(KINDS[code].status, []).append(code)
    return {str(status): _answer(codes, headers) for status, codes in sorted(by_status.items())}


def _answer(codes: list[Code], headers: dict[str, Any]) -> dict[str, Any]:
    waits = any(code in RETRY_AFTER for code in codes)
    retry = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}} if waits else {}
    return {
        "description": "; ".join(f"`{code}`: {KINDS[code].title}" for code in codes),
        "headers": headers | retry,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }


def problem_examples(operations: Iterable[Operation]) -> dict[str, Any]:
    """One example for each code that any of the operations answers with."""
    codes = sorted({code for operation in operations for code in operation_codes(operation)})
    return {code: {"summary": KINDS[code].title, "value": _example(code)} for code in codes}


def _example(code: Code) -> Any:
    kind = KINDS[code]
    error = EXAMPLE_ERRORS.get(code)
    return msgspec.to_builtins(
        ProblemDocument(
            type=problem_url(code, docs_url=EXAMPLE_DOCS),
            title=kind.title,
            status=kind.status,
            detail=f"{error.pointer}: {error.detail}" if error else kind.title,
            code=code,
            retryable=kind.retryable,
            request_id="3f1c0b9e7d5a4c2b8e6f",
            instance="/v1/agents",
            errors=[error] if error else [],
            hint=None,
        )
    )
