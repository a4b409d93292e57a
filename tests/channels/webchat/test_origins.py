"""Which sites may speak to a web chat: exactly those that are named (security.md T52)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.webchat.origins import check_origin, origin_fits, same_origin

SITES = ["https://shop.example", "https://*.branch.example", "http://localhost:3000"]


@pytest.mark.parametrize(
    "origin",
    ["https://shop.example", "https://shop.example:443", "https://a.branch.example", "https://b.a.branch.example",
     "http://localhost:3000"],
)  # fmt: skip
def test_named_sites_fit(origin: str) -> None:
    """An origin is exactly one of those named, its usual port said or not, or stands below one with `*.`."""
    assert origin_fits(origin, SITES)


@pytest.mark.parametrize(
    "origin",
    ["null", "", "https://shop.example.evil.example", "https://evilshop.example", "http://shop.example",
     "https://shop.example:8443", "https://branch.example", "https://evilbranch.example", "http://localhost",
     "https://shop.example/", "https://shop.example@evil.example", "https://evil.example#.branch.example",
     "https://evil.example?.branch.example", "https://*.branch.example", "https://shop.example:*", "shop.example",
     "https://shop.example, https://evil.example", "https://.branch.example", "file://shop.example",
     "https://shop\u3002example"],
)  # fmt: skip
def test_nothing_else_fits(origin: str) -> None:
    """No look-alike, no other scheme or port, no null, and nothing that is no origin."""
    assert not origin_fits(origin, SITES)


def test_any_site_has_to_be_spelled() -> None:
    """`*` alone lets in every origin; no name lets in none, and even `*` lets in no null."""
    assert origin_fits("https://anything.example", ["*"])
    assert not origin_fits("https://anything.example", [])
    assert not origin_fits("null", ["*"])


@pytest.mark.parametrize("pattern", ["*", "https://shop.example", "https://*.shop.example", "http://127.0.0.1:*",
                                     "http://[::1]:3000", "https://shop.example:8443"])  # fmt: skip
def test_what_can_be_set(pattern: str) -> None:
    """Exact origins, hosts below one, any port of this machine, and any site."""
    check_origin(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["", "null", "shop.example", "https://shop.example/path", "https://*", "https://*.example", "https://a.*.example",
     "https://shop.example:*", "javascript:alert(1)", "https://shop.example; script-src *", "https://shop example",
     "https://*.*", "ftp://shop.example", "https://user@shop.example", "https://SHOP.example"],
)  # fmt: skip
def test_what_cannot_be_set(pattern: str) -> None:
    """What no browser would send, what would let in a whole top-level domain, and what would break a header."""
    with pytest.raises(ValueError, match=r"origin|host|domain|port"):
        check_origin(pattern)


def test_our_own_pages_are_of_our_own_origin() -> None:
    """The frame is served by us: its origin is that of the public URL, wherever below it that lies."""
    assert same_origin("https://inbox.example", "https://inbox.example/gateway")
    assert not same_origin("https://inbox.example:8443", "https://inbox.example")


@given(st.text(max_size=40))
def test_no_text_is_taken_for_a_site(text: str) -> None:
    """Whatever a stranger sends as an Origin, it fits only where it is one of the named."""
    assert origin_fits(text, SITES) is (text in {"https://shop.example", "http://localhost:3000"})
