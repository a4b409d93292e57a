"""Who a visitor is, by proof: tokens and hashes that hold, and every way in which they do not (security.md T53)."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from channels.contract import VisitorClaim
from channels.errors import Forged
from channels.webchat.identity import hash_user_id, prove_visitor
from channels.webchat.keys import quietly
from channels.webchat.settings import WebchatSettings

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
AUDIENCE = "cha_1"
SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
KINDS: dict[str, Any] = {"RS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}
PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65_537, 2_048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def public_pem(algorithm: str) -> str:
    """The public half, as an operator pastes it."""
    key = PRIVATE[algorithm].public_key()
    return str(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def sign(algorithm: str = "HS256", *, secret: str = SECRET, header: dict[str, Any] | None = None, **more: Any) -> str:
    """A token as the site's server makes it, which may know algorithms by their old names."""
    claims = {"sub": "42", "aud": AUDIENCE, "exp": int((NOW + timedelta(hours=1)).timestamp()), **more}
    claims = {name: value for name, value in claims.items() if value is not None}
    if algorithm == "HS256":
        key: Any = OctKey.import_key(secret)
    else:
        pem = PRIVATE[algorithm].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key = KINDS[algorithm].import_key(pem)
    with quietly():
        return jwt.encode({"alg": algorithm, **(header or {})}, claims, key, algorithms=[algorithm])


def settings(**given: Any) -> WebchatSettings:
    """A chat that believes these keys."""
    return WebchatSettings(verification="required", **(given or {"jwt_secret": SECRET}))


def prove(chat: WebchatSettings, **claim: Any) -> str:
    """The user that the claim proves."""
    return prove_visitor(chat, VisitorClaim(**claim), audience=AUDIENCE, now=NOW).user_id


def unsigned(header: dict[str, Any]) -> str:
    """A token whose signature is empty."""
    body = {"sub": "42", "aud": AUDIENCE, "exp": int(NOW.timestamp()) + 60}
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, body)) + "."


def encoded(raw: bytes) -> str:
    """Base64url as tokens have it (RFC 7515 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_shared_key_proves_a_user() -> None:
    """A token signed with the channel's secret says who it is, with the name and address it signed."""
    token = sign(name="Ana Ruiz", email="ana@example.org", aud=["others", AUDIENCE])
    proven = prove_visitor(settings(), VisitorClaim(jwt=token), audience=AUDIENCE, now=NOW)
    assert (proven.user_id, proven.name, proven.email) == ("42", "Ana Ruiz", "ana@example.org")


@pytest.mark.parametrize("algorithm", list(KINDS))
def test_a_public_key_proves_a_user(algorithm: str) -> None:
    """In PEM and in a JWKS, where the token names the key or does not."""
    assert prove(settings(jwt_public_keys=public_pem(algorithm)), jwt=sign(algorithm)) == "42"
    key = KINDS[algorithm].import_key(public_pem(algorithm)).as_dict(private=False)
    both = json.dumps({"keys": [{**key, "kid": "old"}, {**key, "kid": "new"}]})
    for header in ({}, {"kid": "new"}):
        assert prove(settings(jwt_public_keys=both), jwt=sign(algorithm, header=header)) == "42"
    with pytest.raises(Forged):
        prove(settings(jwt_public_keys=both), jwt=sign(algorithm, header={"kid": "stranger"}))


@pytest.mark.parametrize("algorithm", list(KINDS))
def test_a_public_key_is_no_shared_secret(algorithm: str) -> None:
    """A token that is HMACed with the public key, which everybody knows, is forged (RFC 8725 2.1)."""
    pem = public_pem(algorithm)
    signed = unsigned({"alg": "HS256"}).removesuffix(".")
    for secret in (pem, pem.strip()):
        mac = hmac.digest(secret.encode(), signed.encode(), "sha256")
        with pytest.raises(Forged):
            prove(settings(jwt_public_keys=pem), jwt=f"{signed}.{encoded(mac)}")


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": ""}, {}, {"alg": 3}])
def test_an_unsigned_token_proves_nothing(header: dict[str, Any]) -> None:
    """Whatever algorithm it names."""
    for chat in (settings(), settings(jwt_public_keys=public_pem("RS256"))):
        with pytest.raises(Forged):
            prove(chat, jwt=unsigned(header))


REFUSED = {
    "another secret": sign(secret=OTHER),
    "ended": sign(exp=int((NOW - timedelta(minutes=5)).timestamp())),
    "never ends": sign(exp=None),
    "ends too far ahead": sign(exp=int((NOW + timedelta(days=2)).timestamp())),
    "not a time": sign(exp="soon"),
    "of another audience": sign(aud="cha_2"),
    "of no audience": sign(aud=None),
    "of nobody": sign(sub=None),
    "an empty user": sign(sub=""),
    "a number": sign(sub=42),
    "a user that cannot be read": sign(sub="4\u0000 2"),
    "not valid yet": sign(nbf=int((NOW + timedelta(hours=1)).timestamp())),
    "critical extensions": sign(header={"crit": ["b64"], "b64": True}),
    "another algorithm": sign("RS256"),
    "cut": sign()[:-4],
    "longer": sign() + "." + sign(),
    "empty": "",
    "words": "a.b.c",
    "huge": "a" * 10_000 + ".b.c",
}  # fmt: skip


@pytest.mark.parametrize("what", list(REFUSED))
def test_a_token_that_does_not_hold_proves_nothing(what: str) -> None:
    """Signed, in time, for us, of somebody: each is needed."""
    with pytest.raises(Forged):
        prove(settings(), jwt=REFUSED[what])


def test_an_audience_can_be_named() -> None:
    """A site that signs for others as well says what it calls us."""
    chat = settings(jwt_secret=SECRET, jwt_audience="our-chat")
    assert prove(chat, jwt=sign(aud="our-chat")) == "42"
    with pytest.raises(Forged):
        prove(chat, jwt=sign())


def test_a_hash_proves_a_user() -> None:
    """The HMAC of the user's id with the identity secret, in hex of either case."""
    chat = settings(identity_secret=SECRET)
    assert prove(chat, user_id="42", hash=hash_user_id(SECRET, "42")) == "42"
    assert prove(chat, user_id="42", hash=hash_user_id(SECRET, "42").upper()) == "42"


@pytest.mark.parametrize(
    ("user_id", "given"),
    [("42", None), ("42", ""), (None, hash_user_id(SECRET, "42")), ("", hash_user_id(SECRET, "")), ("42", "0" * 64),
     ("42", hash_user_id(OTHER, "42")), ("43", hash_user_id(SECRET, "42")), (" 42", hash_user_id(SECRET, " 42")),
     ("42", hash_user_id(SECRET, "42")[:32]), ("42", "é" * 64), (None, None)],
)  # fmt: skip
def test_a_hash_that_is_not_the_users_proves_nothing(user_id: str | None, given: str | None) -> None:
    """Empty, missing, of another secret or user, cut: none is taken."""
    with pytest.raises(Forged):
        prove(settings(identity_secret=SECRET), user_id=user_id, hash=given)


def test_a_chat_without_keys_believes_nobody() -> None:
    """Where there is nothing to check with, every proof fails: an empty secret is no secret."""
    for claim in ({"user_id": "42", "hash": hash_user_id("", "42")}, {"jwt": sign()}):
        with pytest.raises(Forged):
            prove_visitor(WebchatSettings(verification="optional"), VisitorClaim(**claim), audience=AUDIENCE, now=NOW)
