"""Whether a page may speak to us in its reader's name: the Origin a browser sends (RFC 6454, Fetch). Pure.

A browser adds the cookie of a session to requests of any page, and asks nobody before it opens a WebSocket; which page
it was, it says truly. What is no browser sends no Origin, or what it likes, and has no cookie of somebody else.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
OURSELVES = "same-origin"
"""What `Sec-Fetch-Site` says of a request that our own page makes (W3C Fetch Metadata)."""


class OriginSettings(Protocol):
    """What settings say of origins."""

    @property
    def public_url(self) -> str:
        """Where browsers reach us."""
        ...

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Other origins whose pages may use a session."""
        ...


def allowed_origin(origin: str | None, settings: OriginSettings) -> bool:
    """Whether this Origin header names our own public origin or an allowed one; `null`, and none at all, never do."""
    named = read_origin(origin or "")
    return named is not None and named in map(read_origin, (settings.public_url, *settings.allowed_origins))


def comes_from_ourselves(origin: str | None, fetch_site: str | None, settings: OriginSettings) -> bool:
    """Whether a request comes from a page that may act by a session's cookie.

    Where a browser sends no Origin, it says by `Sec-Fetch-Site` whether the page was ours.
    """
    if origin is None:
        return fetch_site == OURSELVES
    return allowed_origin(origin, settings)


def is_bare_origin(text: str) -> bool:
    """Whether this is an origin and nothing more: scheme, host, perhaps a port."""
    parts = urlsplit(text)
    return read_origin(text) is not None and parts.path in ("", "/") and not (parts.query or parts.fragment)


def read_origin(text: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an origin or URL; None for what is no http or https origin, `null` among it."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        return None
    return parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme]
