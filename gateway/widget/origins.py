"""Which pages may speak to a web chat: ours, and those of the sites its channel names (security.md T52). Pure.

A browser says truly whose page asks: by `Origin`, and where it sends none, by `Sec-Fetch-Site`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from channels.webchat.origins import origin_fits, same_origin
from channels.webchat.settings import WebchatSettings
from inbox.kit.errors import Problem

OURSELVES = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of our own pages, and of what no page asks for (W3C Fetch Metadata)."""
ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
ALLOWED_METHODS = "GET, POST, DELETE"
SHOWN_HEADERS = "Retry-After, X-Request-Id"
PREFLIGHT_SECONDS = 600
HINT = "Add the site's origin to `origins` of the channel."


def refuse_origin(
    headers: Mapping[str, str], settings: WebchatSettings, *, public_url: str, needed: bool = False
) -> None:
    """The `origin_not_allowed` problem for a page that may not speak to this chat.

    Where an origin is `needed`, whoever names none is let in only if the chat takes apps that are no browser.
    """
    origin = headers.get("origin")
    if origin is not None:
        if not (same_origin(origin, public_url) or origin_fits(origin, settings.origins)):
            raise Problem("origin_not_allowed", "pages of this origin may not speak to this chat", hint=HINT)
        return
    if headers.get("sec-fetch-site", "none") not in OURSELVES:
        raise Problem("origin_not_allowed", "the page that asks does not say where it is from", hint=HINT)
    if needed and not settings.native_apps:
        hint = "Set `native_apps` of the channel where apps that are no browser are to chat."
        raise Problem("origin_not_allowed", "a session is for a page of an allowed origin", hint=hint)


def is_readable(origin: str | None, chats: Iterable[WebchatSettings], *, public_url: str) -> bool:
    """Whether pages of this origin may read our answers: of any chat, since a preflight does not say of which."""
    if origin is None:
        return False
    return same_origin(origin, public_url) or any(origin_fits(origin, chat.origins) for chat in chats)


def cors_headers(origin: str) -> list[tuple[bytes, bytes]]:
    """What lets a page read an answer. Tokens come in a header, never as a cookie, so there are no credentials."""
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", SHOWN_HEADERS.encode()),
    ]


def preflight_headers(origin: str) -> list[tuple[bytes, bytes]]:
    """What lets a page ask (W3C Fetch 3.2)."""
    return [
        *cors_headers(origin),
        (b"access-control-allow-methods", ALLOWED_METHODS.encode()),
        (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
        (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
    ]
