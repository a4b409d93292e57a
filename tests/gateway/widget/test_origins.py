"""Whose pages may speak to a chat, by what their browser says (security.md T52)."""

from __future__ import annotations

import pytest

from channels.webchat.settings import WebchatSettings
from gateway.widget.origins import is_readable, refuse_origin
from inbox.kit.errors import Problem

PUBLIC = "https://inbox.example"
CHAT = WebchatSettings(origins=["https://shop.example"])
APP = WebchatSettings(native_apps=True)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://shop.example"}, {"origin": PUBLIC}, {}, {"sec-fetch-site": "same-origin"},
     {"sec-fetch-site": "none"}, {"origin": "https://shop.example", "sec-fetch-site": "cross-site"}],
)  # fmt: skip
def test_named_pages_and_ours_may_speak(headers: dict[str, str]) -> None:
    """A site that is named, our own frame, and, with a token, what is no browser."""
    refuse_origin(headers, CHAT, public_url=PUBLIC)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "null"}, {"origin": ""}, {"origin": "https://evil.example"}, {"origin": "http://inbox.example"},
     {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
     {"origin": "https://evil.example", "sec-fetch-site": "same-origin"}],
)  # fmt: skip
def test_other_pages_may_not(headers: dict[str, str]) -> None:
    """No other site, also where its browser leaves the Origin out and says only that it is another."""
    with pytest.raises(Problem) as refused:
        refuse_origin(headers, CHAT, public_url=PUBLIC)
    assert refused.value.code == "origin_not_allowed"


def test_a_session_needs_an_origin_unless_apps_are_let_in() -> None:
    """Whoever names none is no browser: only a chat that takes apps gives it a session."""
    refuse_origin({}, APP, public_url=PUBLIC, needed=True)
    with pytest.raises(Problem):
        refuse_origin({}, CHAT, public_url=PUBLIC, needed=True)


def test_answers_are_readable_where_some_chat_may_be_spoken_to() -> None:
    """A preflight does not say which chat it is about: it is answered for the sites of any, and for no others."""
    assert is_readable("https://shop.example", [APP, CHAT], public_url=PUBLIC)
    assert is_readable(PUBLIC, [], public_url=PUBLIC)
    for origin in ("https://evil.example", "null", None):
        assert not is_readable(origin, [APP, CHAT], public_url=PUBLIC)
