"""Whether a visitor is the user they are said to be: by a signed token, or by a keyed hash of the user's id. Pure.

The site's own server signs, for the user who is logged in there; whoever holds such a proof is that user.
"""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from channels.contract import ProvenVisitor, VisitorClaim
from channels.errors import Forged
from channels.webchat.keys import quietly, read_public_keys, read_shared_key
from channels.webchat.settings import WebchatSettings

LONGEST_LIFE = timedelta(hours=24)
"""How far ahead a token may end: one that leaks must not open for ever."""
LEEWAY = timedelta(seconds=60)
"""How far the clocks of two servers may differ."""
TOKEN_CHARS = 8_192
HEX_DIGITS = 64
SHARED = "HS256"


class Claims(msgspec.Struct, frozen=True):
    """What a token says (RFC 7519 4.1); `aud` is one name or several."""

    sub: str
    exp: float
    aud: str | list[str]
    nbf: float | None = None
    name: str | None = None
    email: str | None = None


class Header(msgspec.Struct, frozen=True):
    """What a token says of its signature (RFC 7515 4.1); extensions it calls critical are none of ours."""

    alg: str
    kid: str | None = None
    crit: list[str] | None = None


def prove_visitor(settings: WebchatSettings, claim: VisitorClaim, *, audience: str, now: datetime) -> ProvenVisitor:
    """Who the claim proves somebody to be; Forged for anything that proves nothing."""
    if claim.jwt is not None:
        claims = _checked_claims(settings, claim.jwt, audience=settings.jwt_audience or audience, now=now)
        return ProvenVisitor(user_id=_user_id(claims.sub), name=claims.name, email=claims.email)
    user_id = _user_id(claim.user_id)
    _check_hash(settings.identity_secret, user_id, claim.hash)
    return ProvenVisitor(user_id=user_id, name=None, email=None)


def hash_user_id(secret: str, user_id: str) -> str:
    """What the site's server hands its page: HMAC-SHA256 of the user's id, in hex (RFC 2104)."""
    return hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def _user_id(text: str | None) -> str:
    if not text or text != text.strip() or not text.isprintable() or len(text) > USER_ID_CHARS:
        raise Forged("a user's id has 1 to 200 characters that can be printed")
    return text


USER_ID_CHARS = 200


def _check_hash(secret: str | None, user_id: str, given: str | None) -> None:
    if not secret or not given or len(given) != HEX_DIGITS or not given.isascii():
        raise Forged("there is no hash, or nothing to check it with")
    if not hmac.compare_digest(hash_user_id(secret, user_id), given.lower()):
        raise Forged("the hash is not that of this user's id")


def _checked_claims(settings: WebchatSettings, token: str, *, audience: str, now: datetime) -> Claims:
    if len(token) > TOKEN_CHARS or token.count(".") != 2:
        raise Forged("this is no token")
    payload = _verified_payload(settings, token)
    try:
        claims = msgspec.json.decode(payload, type=Claims)
    except msgspec.DecodeError:
        raise Forged("the token lacks sub, exp or aud") from None
    named = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if audience not in named:
        raise Forged("the token is for somebody else")
    seconds, leeway = now.timestamp(), LEEWAY.total_seconds()
    if not seconds - leeway < claims.exp <= seconds + LONGEST_LIFE.total_seconds() + leeway:
        raise Forged("the token has ended, or ends too far ahead")
    if claims.nbf is not None and claims.nbf > seconds + leeway:
        raise Forged("the token does not hold yet")
    return claims


def _verified_payload(settings: WebchatSettings, token: str) -> bytes:
    """The payload, signed by a key of ours with the algorithm which that key is for, whatever the token asks for."""
    try:
        header = msgspec.convert(jws.extract_compact(token.encode()).headers(), Header)
    except (JoseError, msgspec.ValidationError, ValueError):
        raise Forged("this is no token") from None
    if header.crit:
        raise Forged("the token has critical extensions")
    for key in _keys_for(settings, header):
        with suppress(JoseError, ValueError, TypeError), quietly():
            return bytes(jws.deserialize_compact(token, key, algorithms=[header.alg]).payload)
    raise Forged("no key of this channel has signed the token")


def _keys_for(settings: WebchatSettings, header: Header) -> list[Any]:
    if header.alg == SHARED:
        return [read_shared_key(settings.jwt_secret)] if settings.jwt_secret else []
    known = read_public_keys(settings.jwt_public_keys) if settings.jwt_public_keys else ()
    fitting = [one for one in known if header.alg in one.algorithms]
    named = [one for one in fitting if one.kid is None or header.kid in (None, one.kid)]
    return [one.key for one in named]
