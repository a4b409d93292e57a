"""Notices to browsers: encrypted for each of them (RFC 8291), signed with our key (RFC 8292), posted by our client.

Whoever carries them reads nothing but how long they are.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import http_ece
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from inbox.visitors.push.subscription import Notice, Subscription, read_encoded

TTL_SECONDS = 86_400
"""How long a push service keeps a notice for a browser that is away."""
TOKEN_HOURS = 12
"""How long a signature holds; the standard allows a day (RFC 8292 section 2)."""
KEY_BYTES = 32
SALT_BYTES = 16


class UnusableKey(ValueError):
    """A key that is none."""


class PushRequest(msgspec.Struct, kw_only=True, frozen=True):
    """What is posted to a push service."""

    url: str
    headers: dict[str, str]
    body: bytes


class PushKey:
    """Our own key, by which push services know us again: a private number of P-256, 32 bytes."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise UnusableKey("a web push key has 32 bytes")
        try:
            self._key = ec.derive_private_key(int.from_bytes(raw), ec.SECP256R1())
        except ValueError:
            raise UnusableKey("that is no private key of P-256") from None
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = show_encoded(point)
        numbers = {"x": show_encoded(point[1:33]), "y": show_encoded(point[33:]), "d": show_encoded(raw)}
        self._signing = ECKey.import_key({"kty": "EC", "crv": "P-256", **numbers})

    def sign(self, endpoint: str, *, contact: str, now: datetime) -> str:
        """The Authorization of a request to that push service."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + timedelta(hours=TOKEN_HOURS)).timestamp()),
            "sub": contact,
        }
        token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._signing)
        return f"vapid t={token}, k={self.public}"


def make_push_key() -> bytes:
    """A new private key."""
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_numbers().private_value.to_bytes(KEY_BYTES)


def write_push(subscription: Subscription, notice: Notice, *, key: PushKey, contact: str, now: datetime) -> PushRequest:
    """The request that tells one browser; UnusableKey where what it gave us is none."""
    point, secret = read_encoded(subscription.p256dh), read_encoded(subscription.auth)
    try:
        body: bytes = http_ece.encrypt(
            msgspec.json.encode(notice),
            salt=os.urandom(SALT_BYTES),
            private_key=ec.generate_private_key(ec.SECP256R1()),  # one for each notice (RFC 8291 section 2)
            dh=point,
            auth_secret=secret,
            version="aes128gcm",
        )
    except (ValueError, http_ece.ECEException) as error:
        raise UnusableKey("the browser's key is none") from error
    headers = {
        "Authorization": key.sign(subscription.endpoint, contact=contact, now=now),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(TTL_SECONDS),
        "Urgency": "high",
        "Topic": notice.tag[:32],
    }
    return PushRequest(url=subscription.endpoint, headers=headers, body=body)


def show_encoded(raw: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
