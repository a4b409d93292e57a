"""Cookies of signing in are read as browsers send them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.signin.cookies import ended_cookie, read_session, session_cookie


def read(*lines: str) -> str | None:
    """The session of a request with these Cookie headers."""
    return read_session(_headers(*lines), secure=False)


def _headers(*lines: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), *((b"cookie", line.encode()) for line in lines)]


@pytest.mark.parametrize(
    "line",
    [
        "switchboard_session=abc",
        "a=1; switchboard_session=abc; b=2",
        'switchboard_session="abc"',
        "switchboard_session=abc;",
    ],
)
def test_our_cookie_is_found_among_others(line: str) -> None:
    """Wherever it stands (RFC 6265 4.2.1)."""
    assert read(line) == "abc"


@pytest.mark.parametrize(
    "line", ["", "other=abc", "switchboard_session=", "switchboard_session", "xswitchboard_session=abc"]
)
def test_no_cookie_is_none(line: str) -> None:
    """An empty one is none either."""
    assert read(line) is None
    assert read() is None


def test_two_of_one_name_are_nobodys() -> None:
    """A neighbouring host can plant one beside ours: which is meant cannot be told, so neither counts."""
    assert read("switchboard_session=abc; switchboard_session=def") is None
    assert read("switchboard_session=abc", "switchboard_session=def") is None
    assert read("switchboard_session=abc", "switchboard_session=abc") == "abc"


def test_how_it_is_set() -> None:
    """For the server alone, not for other sites' requests, over TLS where there is TLS; and taken away again."""
    kept = session_cookie("abc", lasts=timedelta(hours=1), secure=True).to_header(header="")
    assert kept == "__Host-switchboard_session=abc; HttpOnly; Max-Age=3600; Path=/; SameSite=lax; Secure"
    assert "Max-Age=0" in ended_cookie(secure=False).to_header(header="")


def test_a_neighbour_plants_no_session() -> None:
    """With TLS only the name counts that browsers let nobody else set: a cookie of example.org is none of ours."""
    planted, ours = "switchboard_session=planted", "__Host-switchboard_session=abc"
    assert read_session(_headers(f"{planted}; {ours}"), secure=True) == "abc"
    assert read_session(_headers(planted), secure=True) is None
    assert read_session(_headers(ours), secure=False) is None
