"""What a session's token looks like, what is kept of it, and what proves that a page may use it. Pure."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256

TOKEN_BYTES = 32
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
CSRF_PURPOSE = b"switchboard/csrf/1"


def looks_like_token(text: str) -> bool:
    """Whether this can be a token of ours at all: 256 bits in base64url."""
    return TOKEN.fullmatch(text) is not None


def hash_token(token: str) -> bytes:
    """What is stored of a token. It holds 256 random bits, so a plain hash cannot be guessed backwards."""
    return sha256(token.encode()).digest()


def form_csrf_token(token: str) -> str:
    """What a page of ours sends beside the cookie (OWASP, HMAC-based token): no other page can read or make it."""
    return urlsafe_b64encode(hmac.digest(token.encode(), CSRF_PURPOSE, sha256)).rstrip(b"=").decode()


def is_csrf_token(given: str, token: str) -> bool:
    """Whether this belongs to the session; takes the same time however wrong it is."""
    return hmac.compare_digest(given.encode(errors="replace"), form_csrf_token(token).encode())
