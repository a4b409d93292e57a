"""Secrets at rest, keyed hashes and signed links, all derived from the one secret key of the settings.

Sealed bytes are: 1 byte version, 4 bytes key id, 12 bytes nonce, then the AES-256-GCM ciphertext with its 16 byte tag
(NIST SP 800-38D). The key id tells which key opens them, so keys can be rotated; the associated data binds them to
their place, so that a secret copied from one channel's row to another does not open there. Nonces are random: one key
is good for 2^32 seals, far beyond what channel settings need.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEAL_VERSION = b"\x01"
KEY_ID_BYTES = 4
NONCE_BYTES = 12
KEY_BYTES = 32
HASH_HEX_DIGITS = 24
SIGNATURE_BYTES = 16
"""Half of SHA-256, the least that RFC 2104 section 5 allows."""

SEAL_PURPOSE = b"switchboard/seal/1"
KEY_ID_PURPOSE = b"switchboard/key-id/1"
HASH_PURPOSE = b"switchboard/hash/1"
SIGN_PURPOSE = b"switchboard/sign/1"


class WrongKey(Exception):
    """No key at hand opens the sealed bytes: `SWITCHBOARD_SECRET_KEY` is not the one they were made with."""


class BrokenSeal(WrongKey):
    """The key is at hand, but the bytes were changed, or belong to another place."""


class KeyMissing(WrongKey):
    """Stored secrets were sealed with a key that is not at hand: nothing starts without it."""


class SecretBox:
    """Seals with the first of its keys, opens with any: put the new key first and keep the old ones while rotating."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or not all(keys):
            raise ValueError("a secret box needs at least one key, and none may be empty")
        self._keys = [_Key(key) for key in keys]

    def seal(self, plain: bytes, *, bound_to: str) -> bytes:
        """Encrypt for one place, such as a channel id; the same `bound_to` must be named to open it."""
        key = self._keys[0]
        head = SEAL_VERSION + key.id
        nonce = os.urandom(NONCE_BYTES)
        return head + nonce + key.cipher.encrypt(nonce, plain, head + bound_to.encode())

    def open_sealed(self, sealed: bytes, *, bound_to: str) -> bytes:
        """What was sealed; WrongKey if it was made with a key we do not hold, BrokenSeal if it is not as we left it."""
        head, nonce, body = _split_sealed(sealed)
        key = self._key_of(head)
        try:
            return key.cipher.decrypt(nonce, body, head + bound_to.encode())
        except InvalidTag:
            raise BrokenSeal(f"the secret kept for {bound_to} was changed, or was sealed for another place") from None

    @property
    def key_ids(self) -> list[str]:
        """The names of the keys at hand, the newest first: they tell nothing of the keys."""
        return [key.id.hex() for key in self._keys]

    def needs_reseal(self, sealed: bytes) -> bool:
        """Whether an older key than the first sealed it, so that a rotation is not over."""
        return not sealed.startswith(SEAL_VERSION + self._keys[0].id)

    def keyed_hash(self, value: str, purpose: str) -> str:
        """What stands for a value in logs: 24 hex digits, the same for the same value, useless without the key.

        HMAC-SHA256 cut to 96 bits. Hashes of different purposes cannot be compared.
        """
        return _mac(self._keys[0].hash_key, value, purpose).hex()[:HASH_HEX_DIGITS]

    def sign(self, text: str, *, purpose: str) -> str:
        """A short signature for a URL: 22 characters of base64url. The moment it ends must be part of the text."""
        return _signature(self._keys[0], text, purpose)

    def check_signature(self, text: str, signature: str, *, purpose: str) -> bool:
        """Whether one of our keys signed this text for this purpose; takes the same time however wrong it is."""
        given = signature.encode(errors="replace")
        matches = [hmac.compare_digest(_signature(key, text, purpose).encode(), given) for key in self._keys]
        return any(matches)

    def _key_of(self, head: bytes) -> _Key:
        for key in self._keys:
            if head == SEAL_VERSION + key.id:
                return key
        raise WrongKey(
            f"a secret was sealed with the key {head[1:].hex()}, and none of the keys at hand is that one "
            f"({', '.join(self.key_ids)}): set SWITCHBOARD_SECRET_KEY to the key it was made with, "
            "or name that key in SWITCHBOARD_OLD_SECRET_KEYS"
        )


def sealing_key(sealed: bytes) -> str:
    """The name of the key that sealed these bytes; BrokenSeal if none of ours did."""
    head, _, _ = _split_sealed(sealed)
    return head[len(SEAL_VERSION) :].hex()


class _Key:
    """One secret key, and what is derived from it: each use has its own key (RFC 5869)."""

    def __init__(self, secret: str) -> None:
        self.id = _derive_key(secret, KEY_ID_PURPOSE)[:KEY_ID_BYTES]
        self.cipher = AESGCM(_derive_key(secret, SEAL_PURPOSE))
        self.hash_key = _derive_key(secret, HASH_PURPOSE)
        self.sign_key = _derive_key(secret, SIGN_PURPOSE)


def _derive_key(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret.encode())


def _split_sealed(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    head_end = len(SEAL_VERSION) + KEY_ID_BYTES
    nonce_end = head_end + NONCE_BYTES
    if not sealed.startswith(SEAL_VERSION) or len(sealed) <= nonce_end:
        raise BrokenSeal("these bytes were not sealed by Switchboard, or are cut short")
    return sealed[:head_end], sealed[head_end:nonce_end], sealed[nonce_end:]


def _signature(key: _Key, text: str, purpose: str) -> str:
    return urlsafe_b64encode(_mac(key.sign_key, text, purpose)[:SIGNATURE_BYTES]).rstrip(b"=").decode()


def _mac(key: bytes, text: str, purpose: str) -> bytes:
    """HMAC-SHA256 of a text for one purpose; the NUL between them keeps "a" + "bc" apart from "ab" + "c"."""
    return hmac.digest(key, purpose.encode() + b"\0" + text.encode(errors="surrogatepass"), hashlib.sha256)
