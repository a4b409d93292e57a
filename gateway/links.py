"""The `Link` header that leads from a page to the next (RFC 8288), so that handlers just return their page."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from litestar import Request, Response
from litestar.response.base import ASGIResponse

from inbox.kit.pages import Page


class LinkedResponse(Response[Any]):
    """Any answer; a page gets its link."""

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:
        """As the server wants it."""
        if isinstance(self.content, Page) and self.content.page.next_cursor:
            self.headers["Link"] = f'<{next_url(request, self.content.page.next_cursor)}>; rel="next"'
        return super().to_asgi_response(app, request, **options)


def next_url(request: Request[Any, Any, Any], cursor: str) -> str:
    """The same list from this cursor on, relative to the host that was asked."""
    asked = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in asked if name != "cursor"]
    return f"{request.scope['path']}?{urlencode([*kept, ('cursor', cursor)])}"
