"""Keys that prove who a visitor is, and which algorithm each of them is for. Pure.

The algorithm follows from the key, never from the token: a public key verifies no HMAC (RFC 8725 3.1).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import msgspec
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

KEY_BYTES = 32
"""The least of a shared key: as much as the digest of SHA-256 (RFC 7518 3.2)."""
RSA_BITS = 2048
MOST_KEYS = 20
ALGORITHMS = {"RSA": ("RS256",), "EC": ("ES256",), "OKP": ("EdDSA", "Ed25519")}
"""By the type of a key (RFC 7518 3.1, RFC 8037 3.1); RFC 9864 has a newer name for the last."""
CURVES = {"EC": "P-256", "OKP": "Ed25519"}
NOT_PUBLIC = "has a key that is none of RSA, EC and OKP: a shared key goes into jwt_secret"
PRIVATE = "is a private key: give the public one, ours is only to verify"


class UnusableKey(ValueError):
    """This is no key we verify with; the text says why, and never the key."""


class PublicKey(msgspec.Struct, frozen=True):
    """A public key, what the one algorithm it is for is called, and its name in the set, if it has one."""

    key: Any
    algorithms: tuple[str, ...]
    kid: str | None


@lru_cache(maxsize=256)
def read_public_keys(text: str) -> tuple[PublicKey, ...]:
    """The public keys of a PEM text or of a JWKS; UnusableKey says what is wrong."""
    with quietly():
        keys = _read_set(text) if text.lstrip().startswith("{") else [_read_pem(text)]
    if not 1 <= len(keys) <= MOST_KEYS:
        raise UnusableKey(f"has 1 to {MOST_KEYS} keys")
    return tuple(map(_checked, keys))


@contextmanager
def quietly() -> Iterator[None]:
    """What the library warns of, weak keys and old names of algorithms, we refuse or take by rules of our own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        yield


def read_shared_key(secret: str) -> Any:
    """A shared key as tokens are verified with it."""
    return OctKey.import_key(secret)


def _read_set(text: str) -> list[Any]:
    try:
        given = msgspec.json.decode(text)
        kinds = {key["kty"] for key in given["keys"]}
        found = list(KeySet.import_key_set(given).keys) if kinds <= ALGORITHMS.keys() else []
    except (JoseError, msgspec.DecodeError, ValueError, TypeError, KeyError, AttributeError):
        raise UnusableKey("is no JWKS (RFC 7517 5)") from None
    if kinds - ALGORITHMS.keys():
        raise UnusableKey(NOT_PUBLIC)
    return found


def _read_pem(text: str) -> Any:
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            return kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
    raise UnusableKey("is neither a public key in PEM nor a JWKS")


def _checked(key: Any) -> PublicKey:
    if key.is_private:
        raise UnusableKey(PRIVATE)
    if key.key_type in CURVES and key.curve_name != CURVES[key.key_type]:
        raise UnusableKey(f"has a key of another curve than {CURVES[key.key_type]}")
    if key.key_type == "RSA" and key.public_key.key_size < RSA_BITS:
        raise UnusableKey(f"has an RSA key of less than {RSA_BITS} bits")
    return PublicKey(key, ALGORITHMS[key.key_type], key.kid)
