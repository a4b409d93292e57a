"""Mails written down byte by byte, as stdlib's composer would refuse to."""

from __future__ import annotations


def mail(*header: str, body: str | bytes = "") -> bytes:
    """A mail of these header lines (surrogates are bytes) and body, in line feeds."""
    head = "".join(f"{line}\n" for line in header).encode("utf-8", "surrogateescape")
    return head + b"\n" + (body.encode() if isinstance(body, str) else body)


def parts(kind: str, *each: bytes, boundary: str = "b", end: bool = True) -> bytes:
    """A multipart body with its Content-Type line before it: to stand at the end of a header."""
    mark = f"--{boundary}\n".encode()
    close = f"--{boundary}--\n".encode() if end else b""
    head = f"Content-Type: multipart/{kind}; boundary={boundary}\n\n".encode()
    return head + b"".join(mark + part + b"\n" for part in each) + close


def part(media_type: str, content: str | bytes, *header: str) -> bytes:
    """One part with its type and other header lines."""
    return mail(f"Content-Type: {media_type}", *header, body=content)
