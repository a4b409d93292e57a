"""The description of the API: for programs at /openapi.json and /asyncapi.json, for people at /docs."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.params import FromPath

from gateway.asyncapi import describe_events
from gateway.meta import gateway_version
from gateway.openapi import describe_api
from gateway.reference.page import render_reference
from gateway.reference.problem import render_problem
from gateway.reference.style import STYLE
from gateway.settings import Settings
from inbox.kit.errors import KINDS, Problem

# Nothing but our own stylesheet: no script, no frame, no image, no form.
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}
OPEN = {"public": True}


def published_document(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The OpenAPI document of the running application, made once."""
    state = request.app.state
    if "openapi" not in state:
        state.openapi = describe_api(request.app, version=gateway_version())
    document: dict[str, Any] = state.openapi
    return document


@get("/openapi.json", opt=OPEN, include_in_schema=False)
async def serve_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI 3.1 document."""
    return _document(published_document(request))


@get("/asyncapi.json", opt=OPEN, include_in_schema=False)
async def serve_events_document(
    request: Request[Any, Any, Any], settings: NamedDependency[Settings]
) -> Response[bytes]:
    """The AsyncAPI 3.0 document."""
    state = request.app.state
    if "asyncapi" not in state:
        state.asyncapi = describe_events(version=gateway_version(), public_url=settings.public_url)
    return _document(state.asyncapi)


@get("/docs", opt=OPEN, include_in_schema=False)
async def serve_reference(request: Request[Any, Any, Any]) -> Response[str]:
    """The reference of every operation."""
    return _page(render_reference(published_document(request)))


@get("/docs/problems/{slug:str}", opt=OPEN, include_in_schema=False)
async def serve_problem_page(slug: FromPath[str]) -> Response[str]:
    """What one problem code means and what to do: where the `type` of a problem leads."""
    code = next((code for code in KINDS if code.replace("_", "-") == slug), None)
    if code is None:
        raise Problem("not_found", "there is no problem of this name")
    return _page(render_problem(code))


@get("/docs/style.css", opt=OPEN, include_in_schema=False)
async def serve_style() -> Response[str]:
    """How the pages look."""
    return Response(STYLE, media_type=MediaType.CSS, headers={"Cache-Control": "max-age=3600"})


def _document(document: dict[str, Any]) -> Response[bytes]:
    body = msgspec.json.format(msgspec.json.encode(document), indent=2)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-cache"})


def _page(html: str) -> Response[str]:
    return Response(html, media_type=MediaType.HTML, headers=PAGE_HEADERS)


REFERENCE_ROUTES = [serve_document, serve_events_document, serve_reference, serve_problem_page, serve_style]
