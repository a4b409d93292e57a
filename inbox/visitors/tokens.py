"""What the token of a visitor's session looks like. Pure but for the randomness it is handed."""

from __future__ import annotations

import re
from hashlib import sha256

TOKEN_BYTES = 32
TOKEN = re.compile(r"vst_[A-Za-z0-9_-]{43}")


def form_token(randomness: str) -> str:
    """A token of 43 random characters of base64url, behind a prefix that lets scanners of leaked secrets find it."""
    return f"vst_{randomness}"


def looks_like_token(text: str) -> bool:
    """Whether this can be one of our tokens at all."""
    return TOKEN.fullmatch(text) is not None


def hash_token(token: str) -> bytes:
    """What is stored of a token. It holds 256 random bits, so a plain hash cannot be guessed backwards."""
    return sha256(token.encode()).digest()
