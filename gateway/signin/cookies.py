"""The cookies of signing in: how they are named, set and read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from litestar.datastructures import Cookie

SESSION_COOKIE = "switchboard_session"
HOST_PREFIX = "__Host-"
"""Browsers take a cookie of such a name from us alone, over TLS: no neighbouring host can plant one (RFC 6265bis)."""


def session_cookie(token: str, *, lasts: timedelta, secure: bool) -> Cookie:
    """The cookie that holds a session's token: no script reads it, and no other site's form sends it."""
    return make_cookie(SESSION_COOKIE, token, lasts=lasts, secure=secure)


def ended_cookie(*, secure: bool) -> Cookie:
    """What takes the session's cookie away again."""
    return make_cookie(SESSION_COOKIE, "", lasts=timedelta(0), secure=secure)


def make_cookie(name: str, value: str, *, lasts: timedelta, secure: bool) -> Cookie:
    """A cookie for the server alone (RFC 6265bis): not for scripts, nor for requests that other sites' pages make."""
    key, seconds = cookie_name(name, secure=secure), int(lasts.total_seconds())
    return Cookie(key=key, value=value, path="/", max_age=seconds, httponly=True, samesite="lax", secure=secure)


def cookie_name(name: str, *, secure: bool) -> str:
    """What a cookie of ours is called: with TLS by a name that only we can set."""
    return f"{HOST_PREFIX}{name}" if secure else name


def is_secure(public_url: str) -> bool:
    """Whether browsers reach us by TLS, so that a cookie may ask for it."""
    return public_url.startswith("https://")


def read_session(headers: Iterable[tuple[bytes, bytes]], *, secure: bool) -> str | None:
    """The session's token that a browser shows, if it shows one."""
    return read_cookie(headers, cookie_name(SESSION_COOKIE, secure=secure))


def read_cookie(headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
    """A cookie's value; None where there is none, or where there are two.

    Without TLS a page of a neighbouring host can set one beside ours: then nobody knows whose session is meant.
    """
    sent = [value.decode("latin-1") for key, value in headers if key == b"cookie"]
    pairs = [pair.strip().partition("=") for line in sent for pair in line.split(";")]
    values = {value.strip('"') for key, _, value in pairs if key == name and value}
    return values.pop() if len(values) == 1 else None
