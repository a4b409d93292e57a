"""Which pages may act by a session (T54, T59): our own origin, allowed ones, and never what cannot be told."""

from __future__ import annotations

import msgspec
import pytest

from gateway.origins import allowed_origin, comes_from_ourselves, is_bare_origin


class Named(msgspec.Struct):
    """What settings say."""

    public_url: str = "https://inbox.example.org"
    allowed_origins: tuple[str, ...] = ("https://desk.example.org", "http://localhost:5173")


OURS = Named()


@pytest.mark.parametrize(
    "origin",
    [
        "https://inbox.example.org",
        "https://INBOX.example.org",
        "https://inbox.example.org:443",
        "https://desk.example.org",
        "http://localhost:5173",
    ],
)
def test_our_own_and_named_origins_may(origin: str) -> None:
    """Host names in any case, and the usual port spelled out, are the same origin (RFC 6454 4)."""
    assert allowed_origin(origin, OURS)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://inbox.example.org",
        "https://inbox.example.org:8443",
        "https://inbox.example.org.evil.example",
        "https://evil-inbox.example.org",
        "https://inbox.example.org@evil.example",
        "https://user@inbox.example.org",
        "//inbox.example.org",
        "file://inbox.example.org",
        "https://[",
        "https://inbox.example.org:port",
        "http://localhost:5174",
    ],
)
def test_any_other_origin_may_not(origin: str | None) -> None:
    """Another scheme, port or host, however alike, `null` and none at all."""
    assert not allowed_origin(origin, OURS)


@pytest.mark.parametrize(
    ("site", "ours"),
    [("same-origin", True), ("same-site", False), ("cross-site", False), ("none", False), (None, False)],
)
def test_without_an_origin_the_browser_has_to_say(site: str | None, ours: bool) -> None:
    """`Sec-Fetch-Site: same-origin` alone stands in for the header."""
    assert comes_from_ourselves(None, site, OURS) is ours


def test_the_origin_goes_before_fetch_metadata() -> None:
    """A named origin is believed whatever else is said."""
    assert comes_from_ourselves("https://desk.example.org", "same-site", OURS)
    assert not comes_from_ourselves("https://evil.example", "same-origin", OURS)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("https://desk.example.org", True),
        ("https://desk.example.org/", True),
        ("https://desk.example.org/inbox", False),
        ("https://desk.example.org?x", False),
        ("*", False),
        ("desk.example.org", False),
    ],
)
def test_settings_name_bare_origins(text: str, bare: bool) -> None:
    """A path or a star in the setting is a slip, and is told at the start."""
    assert is_bare_origin(text) is bare
