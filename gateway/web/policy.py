"""The Content-Security-Policy of our pages: only our own files, no inline code, no other origin. Pure.

Text becomes markup nowhere: Trusted Types (W3C) are required. Two policies may be made: by the page that shows one
mail, which has an origin of its own and no rights, and by the window that registers the worker of notices.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

BASE = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob:",
    "font-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "require-trusted-types-for": "'script'",
}
MAIL_FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data: https: http:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'; "
    "trusted-types mail; sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
)
"""Of an HTML file opened as it is, which are the pages that show mails (console/timeline/mail*.html): they have an
origin of their own, run our script alone, and may show pictures and styles, for mails bring their looks with them."""
SECURE = {"http": "ws", "https": "wss"}


def page_policy(
    public_url: str, *, frames: str = "'none'", ancestors: Sequence[str] = (), trusted: str = "'none'"
) -> str:
    """The policy of one page: what it may frame, who may frame it, and which Trusted Types policy it may make.

    WebSockets are named beside 'self', which some browsers take for HTTP alone.
    """
    directives = {
        **BASE,
        "connect-src": f"'self' {socket_origin(public_url)}",
        "frame-src": frames,
        "frame-ancestors": " ".join(ancestors) or "'none'",
        "trusted-types": trusted,
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def socket_origin(public_url: str) -> str:
    """Where our WebSockets are."""
    parts = urlsplit(public_url)
    return f"{SECURE.get(parts.scheme, 'wss')}://{parts.netloc}"
