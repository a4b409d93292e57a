"""What keeps other sites' pages from acting in a session's name: Origin and a token of the page's own.

The cookie goes along with whatever a browser sends us, so it proves who sits there, and not who asks. OWASP's
Cross-Site Request Forgery Prevention: a token that only our own pages can read, and the Origin checked beside it.
"""

from __future__ import annotations

from litestar.enums import ScopeType
from litestar.types import Scope

from gateway.origins import OriginSettings, allowed_origin, comes_from_ourselves
from inbox.kit.errors import Problem
from inbox.staff.sessions.tokens import is_csrf_token

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
TOKEN_HEADER = b"x-csrf-token"
NOT_A_PAGE = frozenset({None, "same-origin", "none"})
"""What `Sec-Fetch-Site` says, or does not, where no other site's page is behind a request."""


def check_page(scope: Scope, token: str, settings: OriginSettings) -> None:
    """Refuse a request by a session's cookie that our own or an allowed page did not make.

    What only reads is not refused: its answer no other page can read. A WebSocket is: browsers let any page open one.
    """
    origin, fetch_site = read_header(scope, b"origin"), read_header(scope, b"sec-fetch-site")
    if scope["type"] == ScopeType.WEBSOCKET:
        if not allowed_origin(origin, settings):
            raise refused_origin()
        return
    if scope["method"] in SAFE_METHODS:
        return
    if not comes_from_ourselves(origin, fetch_site, settings):
        raise refused_origin()
    if not is_csrf_token(read_header(scope, TOKEN_HEADER) or "", token):
        hint = "Send the csrf_token of GET /v1/session in X-CSRF-Token."
        raise Problem("csrf_failed", "the X-CSRF-Token is missing or belongs to another session", hint=hint)


def check_signin_page(scope: Scope, settings: OriginSettings) -> None:
    """Refuse to sign somebody in, perhaps as somebody else, for another site's page. What is no browser may."""
    origin, fetch_site = read_header(scope, b"origin"), read_header(scope, b"sec-fetch-site")
    if fetch_site not in NOT_A_PAGE if origin is None else not allowed_origin(origin, settings):
        raise refused_origin()


def refused_origin() -> Problem:
    """What a page of another origin hears."""
    return Problem("origin_not_allowed", "pages of this origin may not use a session here")


def read_header(scope: Scope, name: bytes) -> str | None:
    """One header of a request, its name in lower case."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
