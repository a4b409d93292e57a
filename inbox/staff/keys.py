"""What an API key looks like. Pure but for the randomness it is handed."""

from __future__ import annotations

import re
from hashlib import sha256

SECRET_BYTES = 32
SECRET = re.compile(r"sk_[A-Za-z0-9_-]{43}")
SHOWN_CHARS = 9


def form_secret(randomness: str) -> str:
    """An API key of 43 random characters of base64url; the prefix lets scanners of leaked secrets find it."""
    return f"sk_{randomness}"


def looks_like_key(text: str) -> bool:
    """Whether this can be one of our keys at all."""
    return SECRET.fullmatch(text) is not None


def hash_secret(secret: str) -> bytes:
    """What is stored of a key. It holds 256 random bits, so a plain hash cannot be guessed backwards."""
    return sha256(secret.encode()).digest()


def secret_prefix(secret: str) -> str:
    """The characters people tell keys apart by."""
    return secret[:SHOWN_CHARS]
