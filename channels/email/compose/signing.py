"""DKIM signatures under what we send (RFC 6376, 8301, 8463)."""

from __future__ import annotations

from base64 import b64encode

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from channels.email.settings import EmailSettings
from channels.errors import Misconfigured

SIGNED = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"content-transfer-encoding", b"auto-submitted",
)  # fmt: skip
"""What a signature covers (RFC 6376 5.4.1), as far as it is there."""
OVERSIGNED = (b"from", b"to", b"cc", b"subject", b"date", b"reply-to", b"content-type")
"""Named once more than they stand there, so that nobody can add another without breaking the signature (8.15)."""
RELAXED = (b"relaxed", b"relaxed")
LINE_END = b"\r\n"


def sign_composed(settings: EmailSettings, content: bytes) -> bytes:
    """The mail, signed where the channel is set up for it."""
    if not (settings.dkim_domain and settings.dkim_selector and settings.dkim_private_key):
        return content
    return sign_mail(
        content, settings.dkim_domain, selector=settings.dkim_selector, private_key=settings.dkim_private_key
    )


def sign_mail(content: bytes, domain: str, *, selector: str, private_key: str) -> bytes:
    """The mail with a DKIM-Signature on top, by an RSA or Ed25519 key in PEM; Misconfigured where it is no key."""
    try:
        algorithm, key = _read_key(private_key)
        signature: bytes = dkim.sign(
            content,
            selector.encode(),
            domain.encode(),
            key,
            canonicalize=RELAXED,
            signature_algorithm=algorithm,
            include_headers=list(_covered(content)),
        )
    except (ValueError, TypeError, dkim.DKIMException) as error:
        raise Misconfigured("the mail could not be signed", fix="check the DKIM domain, selector and key") from error
    return signature + content


def _covered(content: bytes) -> list[bytes]:
    present = _header_names(content)
    return [*(name for name in SIGNED if name in present), *OVERSIGNED]


def _header_names(content: bytes) -> set[bytes]:
    head, _, _ = content.partition(LINE_END * 2)
    lines = head.split(LINE_END)
    return {line.partition(b":")[0].strip().lower() for line in lines if line[:1] not in {b" ", b"\t"}}


def _read_key(pem: str) -> tuple[bytes, bytes]:
    """The algorithm and the key as the signer wants it: PKCS #1, or the bare 32 bytes in base64."""
    key = load_pem_private_key(pem.encode(), password=None)
    if isinstance(key, RSAPrivateKey):
        return b"rsa-sha256", key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    if isinstance(key, Ed25519PrivateKey):
        return b"ed25519-sha256", b64encode(key.private_bytes_raw())
    raise TypeError("neither RSA nor Ed25519")
