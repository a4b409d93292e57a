"""One attempt to sign in by a provider: what is remembered in the browser until it comes back. Pure.

State, nonce and the code verifier are kept in a sealed cookie for ten minutes, so that who comes back is who left:
a state of another browser is refused (RFC 6749 10.12), an ID token of another attempt as well (OpenID Connect Core
15.5.2), and a code is worth nothing without its verifier (RFC 7636).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from inbox.kit.secrets import SecretBox, WrongKey

ATTEMPT_COOKIE = "switchboard_signin"
LASTS = timedelta(minutes=10)
PLACE = "sign-in attempt"
HOME = "/console"
PATH_CHARS = 1000


class Attempt(msgspec.Struct, kw_only=True, frozen=True):
    """What left with a browser, and has to come back with it."""

    provider: str
    state: str
    nonce: str
    verifier: str
    return_to: str
    expires_at: datetime

    @property
    def state_hash(self) -> bytes:
        """What is stored of an attempt that has come back, so that it does not again."""
        return sha256(self.state.encode()).digest()


class BrokenAttempt(Exception):
    """What came back does not belong to what left; says why."""


def begin_attempt(provider: str, return_to: str | None, *, now: datetime, random: Callable[[], str]) -> Attempt:
    """A new attempt; `random` gives 43 characters of base64url or more at a time, RFC 7636's length of a verifier."""
    return Attempt(
        provider=provider,
        state=random(),
        nonce=random(),
        verifier=random(),
        return_to=local_path(return_to),
        expires_at=now + LASTS,
    )


def local_path(asked: str | None) -> str:
    """A path of ours to go to; whatever could lead elsewhere is the console."""
    path = asked or HOME
    plain = path.isascii() and path.isprintable() and " " not in path and "\\" not in path and len(path) <= PATH_CHARS
    return path if plain and path.startswith("/") and not path.startswith("//") else HOME


def seal_attempt(attempt: Attempt, box: SecretBox) -> str:
    """The cookie's value."""
    return urlsafe_b64encode(box.seal(msgspec.json.encode(attempt), bound_to=PLACE)).decode()


def open_attempt(sealed: str | None, box: SecretBox, *, provider: str, state: str, now: datetime) -> Attempt:
    """The attempt that this browser began with this provider and this state; else BrokenAttempt."""
    if not sealed:
        raise BrokenAttempt("this browser did not begin to sign in, or too long ago")
    try:
        attempt = msgspec.json.decode(box.open_sealed(urlsafe_b64decode(sealed), bound_to=PLACE), type=Attempt)
    except (WrongKey, NotBase64, ValueError) as error:
        raise BrokenAttempt("this browser did not begin to sign in here") from error
    if attempt.expires_at <= now:
        raise BrokenAttempt("signing in took too long")
    if attempt.provider != provider or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        raise BrokenAttempt("this is the answer to another attempt to sign in")
    return attempt
