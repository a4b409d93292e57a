"""Checks of shared secrets and keyed digests: in constant time, on bytes, and without raising for any input.

Whatever a stranger puts into a header (nothing, other alphabets, broken base64) is simply not the secret; and where
we hold no secret nothing is valid, so a channel without one is never open. Two secrets during a rotation are two
calls: `any(valid_hmac(given, body, key=key) for key in keys)`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Literal, TypeAlias

Digest: TypeAlias = Literal["sha1", "sha256"]
Encoding: TypeAlias = Literal["hex", "base64"]


def same_secret(given: str | None, expected: str) -> bool:
    """Whether a stranger's text is our secret; never if either is missing or empty."""
    if not given or not expected:
        return False
    return hmac.compare_digest(_to_bytes(given), _to_bytes(expected))


def valid_hmac(
    given: str | None,
    content: bytes,
    *,
    key: str | bytes,
    digest: Digest = "sha256",
    encoding: Encoding = "hex",
    prefix: str = "",
) -> bool:
    """Whether a signature is that of the content under the key; never if either the signature or the key is empty.

    Twilio: sha1, base64. Meta: sha256, hex, prefix "sha256=". Mailgun: sha256, hex. The hex digits are lower case.
    """
    signature = sign_content(content, key=key, digest=digest, encoding=encoding, prefix=prefix)
    return bool(key) and same_secret(given, signature)


def valid_sha256(given: str | None, content: bytes) -> bool:
    """Whether a lower-case hex digest, itself covered by a signature (Twilio's `bodySHA256`), is the content's."""
    return same_secret(given, hashlib.sha256(content).hexdigest())


def valid_basic_auth(header: str | None, *, user: str, password: str) -> bool:
    """Whether an Authorization header holds this user and password (RFC 7617); never if our password is empty."""
    scheme, _, credentials = (header or "").partition(" ")
    given = _from_base64(credentials.strip()) if scheme.lower() == "basic" else b""
    return bool(password) and hmac.compare_digest(given, _to_bytes(f"{user}:{password}"))


def sign_content(
    content: bytes, *, key: str | bytes, digest: Digest = "sha256", encoding: Encoding = "hex", prefix: str = ""
) -> str:
    """The signature `valid_hmac` expects, for those who have to sign."""
    code = hmac.digest(key if isinstance(key, bytes) else _to_bytes(key), content, digest)
    return prefix + (code.hex() if encoding == "hex" else base64.b64encode(code).decode("ascii"))


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # broken base64 (binascii.Error) or characters beyond ASCII
        return b""
