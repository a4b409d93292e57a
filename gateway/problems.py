"""Every failure as `application/problem+json` (RFC 9457, thread-and-api.md 2.7): no answer is ever a bare 500."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.enums import ParamType
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import Send

from inbox.kit.db import TRANSIENT
from inbox.kit.errors import Code, FieldError, Problem
from inbox.kit.ids import UnknownId
from inbox.kit.tracing import request_id

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"

READING = frozenset({"GET", "HEAD"})
OUT_OF_RANGE = "a value is out of the range that can be stored"

# Seconds to wait where the refusal itself does not know better.
RETRY_AFTER: dict[Code, float] = {"request_in_progress": 1, "dependency_down": 2, "overloaded": 1, "quota_exceeded": 1,
                                 "channel_throttled": 5}  # fmt: skip
# RFC 6750 section 3: how to prove oneself, said with every refusal to let somebody in.
CHALLENGES: dict[Code, str] = {
    "unauthenticated": 'Bearer realm="switchboard"',
    "credentials_wrong": 'Bearer realm="switchboard"',
    "token_expired": 'Bearer realm="switchboard", error="invalid_token"',
    "scope_missing": 'Bearer realm="switchboard", error="insufficient_scope"',
}
# What the framework itself refuses, by status; anything else it refuses is `validation_failed`, or ours if above 499.
FRAMEWORK_CODES: dict[int, Code] = {
    401: "unauthenticated",
    404: "not_found",
    413: "body_too_large",
    415: "unsupported_media",
}


class ProblemDocument(msgspec.Struct, kw_only=True, frozen=True):
    """What went wrong, for programs (`code`, `retryable`) and for people (`title`, `detail`, `hint`)."""

    type: str
    title: str
    status: int
    detail: str
    code: Code
    retryable: bool
    request_id: str | None
    instance: str
    errors: list[FieldError]
    hint: str | None


class ProblemAnswers:
    """The application's one exception handler. `docs_url` is where the pages about the codes are."""

    def __init__(self, docs_url: str) -> None:
        self._docs_url = docs_url.rstrip("/")

    def __call__(self, request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        """The answer to a request that failed in this way."""
        problem = explain_error(error, reading=request.scope["method"] in READING)
        if problem.code in CHALLENGES:
            log.warning("access_refused", code=problem.code, method=request.scope["method"], route=_route(request))
        if problem.kind.status >= 500 and not isinstance(error, Problem):
            # Types and places, never the text: it quotes values.
            log.error("request_failed", code=problem.code, exc_info=error)
        document = document_problem(problem, docs_url=self._docs_url, instance=request.scope["path"])
        return Response(
            msgspec.json.encode(document),
            status_code=problem.kind.status,
            media_type=MEDIA_TYPE,
            headers=problem_headers(problem) | _allowed_methods(error),
        )


def _route(request: Request[Any, Any, Any]) -> str | None:
    """The route as written: the path carries values."""
    return request.scope.get("path_template")


async def send_problem(request: Request[Any, Any, Any], error: Exception) -> None:
    """Answer with the problem where the framework would not: it takes a buffered answer for one that has been sent."""
    handler = request.app.exception_handlers[Exception]
    response = handler(request, error).to_asgi_response(app=None, request=request)
    await response(request.scope, request.receive, request.send)


async def send_plainly(problem: Problem, send: Send, *, docs_url: str, instance: str) -> None:
    """Answer with a problem before there is a request, as the framework would see one."""
    body = msgspec.json.encode(document_problem(problem, docs_url=docs_url, instance=instance))
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **problem_headers(problem)}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def document_problem(problem: Problem, *, docs_url: str, instance: str) -> ProblemDocument:
    """A refusal as its document, in the name of the request being served."""
    return ProblemDocument(
        type=problem_url(problem.code, docs_url=docs_url),
        title=problem.kind.title,
        status=problem.kind.status,
        detail=problem.detail,
        code=problem.code,
        retryable=problem.kind.retryable,
        request_id=request_id(),
        instance=instance,
        errors=problem.errors,
        hint=problem.hint,
    )


def problem_url(code: Code, *, docs_url: str) -> str:
    """The page about a code, which is also the problem's type."""
    return f"{docs_url}/problems/{code.replace('_', '-')}"


def problem_headers(problem: Problem) -> dict[str, str]:
    """When to try again, and how to prove oneself, where that is the question."""
    after = problem.retry_after or RETRY_AFTER.get(problem.code)
    headers = {"Retry-After": str(math.ceil(after))} if after else {}
    if problem.code in CHALLENGES:
        headers["WWW-Authenticate"] = CHALLENGES[problem.code]
    return headers


def explain_error(error: Exception, *, reading: bool = False) -> Problem:
    """The refusal that an exception means to the client; what we did not foresee is `internal`.

    A request that is `reading` has its values in its query.
    """
    if isinstance(error, Problem):
        return error
    if reading and isinstance(error, asyncpg.DataError):
        return Problem("invalid_query", OUT_OF_RANGE)
    for kind, explain in EXPLANATIONS:
        if isinstance(error, kind):
            return explain(error)
    return Problem("internal", "an unexpected error; it has been logged under this request's id")


def _explain_parameters(error: Any) -> Problem:
    """Litestar's own check of path, query, headers, and of a body that is missing."""
    told = [told for told in error.extra or [] if isinstance(told, dict)]
    errors = [
        FieldError(pointer=_pointer(one), code="invalid", detail=str(one.get("message", "is not valid")))
        for one in told
    ]
    of_query = bool(told) and all(one.get("source") == ParamType.QUERY for one in told)
    detail = "; ".join(f"{one.pointer}: {one.detail}" for one in errors) or str(error.detail)
    return Problem("invalid_query" if of_query else "validation_failed", detail, errors=errors)


def _pointer(told: dict[str, Any]) -> str:
    key = str(told.get("key", ""))
    if told.get("source") in {ParamType.QUERY, ParamType.PATH, ParamType.HEADER}:
        return f"?{key}"
    return "" if key in {"", "data"} else "/" + key.replace(".", "/")


def _explain_framework(error: Any) -> Problem:
    code: Code = FRAMEWORK_CODES.get(error.status_code, "validation_failed" if error.status_code < 500 else "internal")
    return Problem(code, str(error.detail))


def _explain_too_large(_: Exception) -> Problem:
    return Problem("body_too_large", "the body is larger than this call takes", hint="The limits stand in /v1/meta.")


def _explain_away(_: Exception) -> Problem:
    hint = "Send the same request again, with the same Idempotency-Key if it had one."
    return Problem("dependency_down", "the database did not answer", hint=hint)


def _explain_collision(_: Exception) -> Problem:
    """Of several that changed the same things at once, in a way that cannot be put in a row, this one gave way."""
    hint = "Send the same request again, with the same Idempotency-Key if it had one."
    return Problem("dependency_down", "another request changed the same things; nothing of this one stayed", hint=hint)


EXPLANATIONS: list[tuple[Any, Callable[[Exception], Problem]]] = [
    (UnknownId, lambda _: Problem("not_found", "there is nothing with this id")),
    (NotFoundException, lambda _: Problem("not_found", "there is nothing at this path")),
    (MethodNotAllowedException, lambda _: Problem("method_not_allowed", "this path has other methods; see Allow")),
    (RequestEntityTooLarge, _explain_too_large),
    (ValidationException, _explain_parameters),
    (HTTPException, _explain_framework),
    # Before TRANSIENT, part of which some of these are: the value is at fault, and will be the next time too.
    (asyncpg.DataError, lambda _: Problem("validation_failed", OUT_OF_RANGE)),
    (asyncpg.TransactionRollbackError, _explain_collision),
    (TRANSIENT, _explain_away),
]  # fmt: skip


def _allowed_methods(error: Exception) -> dict[str, str]:
    if not isinstance(error, MethodNotAllowedException):
        return {}
    return {"Allow": (error.headers or {}).get("allow", "")}
