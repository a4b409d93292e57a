"""Signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and the very bytes of the body. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from standardwebhooks import Webhook

SECRET_PREFIX = "whsec_"  # noqa: S105 (the prefix of all secrets)
SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64."""


def show_secret(random_bytes: bytes) -> str:
    """A secret in the form that receivers' libraries take."""
    return SECRET_PREFIX + b64encode(random_bytes).decode()


def sign_body(message_id: str, body: bytes, *, secrets: Iterable[str], now: datetime) -> dict[str, str]:
    """The three headers of one try: a signature by each secret, so that a receiver may know the old or the new one."""
    text = body.decode()
    signatures = [_signer(secret).sign(message_id, now, text) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@lru_cache(maxsize=256)
def _signer(secret: str) -> Webhook:
    return Webhook(secret)
