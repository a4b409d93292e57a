"""What a path can do, asked by OPTIONS (RFC 9110 9.3.7).

Litestar answers with the methods of one handler; a path of ours has several.
"""

from __future__ import annotations

from litestar import Litestar, Response
from litestar.enums import MediaType, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send


class AllowedMethods(ASGIMiddleware):
    """Answers OPTIONS, and passes everything else on."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """One request; nobody has to prove themselves to ask what a path can do."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "OPTIONS":
            await next_app(scope, receive, send)
            return
        app: Litestar = scope["litestar_app"]
        methods = allowed_methods(app, scope["path_template"])
        answer = Response(b"", status_code=204, media_type=MediaType.TEXT, headers={"Allow": ", ".join(methods)})
        request = app.request_class(scope, receive, send)
        await answer.to_asgi_response(app=None, request=request)(scope, receive, send)


def allowed_methods(app: Litestar, path: str) -> list[str]:
    """Every method of a path as it is written in the routes."""
    routes = [route for route in app.routes if isinstance(route, HTTPRoute) and route.path_format == path]
    return sorted({method for route in routes for method in route.methods})
