"""A mail built again from the fields a provider made of it, so that one reader serves raw and parsed forms. Pure.

Bytes are kept as they came, with the charset the provider names; only what framed the parts is made anew. The same
fields always give the same bytes: a provider's repeat must be recognised.
"""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Iterable, Sequence
from email.header import Header
from email.utils import formataddr
from hashlib import sha256

import msgspec

CRLF = b"\r\n"
FRAMING = frozenset({"content-type", "content-transfer-encoding", "mime-version", "content-disposition", "content-id"})
"""Headers that speak of the parts, which are made anew."""
MAX_TYPE_CHARS = 1_000

_NAME = re.compile(r"[!-9;-~]{1,100}")
_BREAKS = re.compile(r"[\r\n\0]+[ \t]*")
_REPORT = re.compile(r'report-type="?([A-Za-z-]{1,40})', re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}")
_QUOTED = re.compile(r'[\x00-\x1f\x7f"\\]')

Headers = Sequence[tuple[str, str]]


class RebuiltBody(msgspec.Struct, kw_only=True, frozen=True):
    """A body of text in the bytes of its charset."""

    content: bytes
    charset: str = "utf-8"


class RebuiltFile(msgspec.Struct, kw_only=True, frozen=True):
    """A file; one with a `content_id` (without angle brackets) is inline."""

    content: bytes
    name: str | None = None
    media_type: str | None = None
    content_id: str | None = None


def rebuild_mail(
    headers: Headers, *, text: RebuiltBody | None, html: RebuiltBody | None, files: Sequence[RebuiltFile]
) -> bytes:
    """The mail (RFC 5322, RFC 2045 to 2047): bodies as alternatives, inline files with the HTML, the others beside."""
    kinds = (("text/plain", text), ("text/html", html))
    bodies = [_text_part(kind, body) for kind, body in kinds if body is not None] or [
        _text_part("text/plain", RebuiltBody(content=b""))
    ]
    inline = [_file_part(file) for file in files if file.content_id]
    beside = [_file_part(file) for file in files if not file.content_id]
    whole = _join("alternative", bodies)
    whole = _join("related", [whole, *inline])
    whole = _join(_root_kind(headers), [whole, *beside])
    return b"".join([header_lines(headers), b"MIME-Version: 1.0", CRLF, whole])


def prepend_trace(mime: bytes, *, recipients: Iterable[str], sender: str | None) -> bytes:
    """The mail as the last server hands it over: who it was for, and where bounces go ("" for a bounce itself).

    Both stand in the envelope alone (RFC 5321 4.4): a reply tag in Bcc, the empty return path of a bounce. Our own
    Delivered-To stands above whatever the mail brought.
    """
    trace = [("Delivered-To", recipient) for recipient in dict.fromkeys(recipients) if recipient]
    if sender is not None:
        trace.insert(0, ("Return-Path", f"<{sender}>"))
    return header_lines(trace) + mime


def header_lines(headers: Headers) -> bytes:
    """Header fields without those that frame parts; what is no name is dropped, line breaks in values are spaces."""
    kept = [(name, value) for name, value in headers if _NAME.fullmatch(name) and name.lower() not in FRAMING]
    return b"".join(_to_bytes(f"{name}: {_BREAKS.sub(' ', value).strip()}") + CRLF for name, value in kept)


def split_headers(block: bytes) -> list[tuple[str, str]]:
    """The fields of a header block as it stood in the mail, unfolded; lines that are none are dropped."""
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", block.strip())
    pairs = (line.decode("utf-8", "surrogateescape").partition(":") for line in unfolded.splitlines())
    return [(name.strip(), value.strip()) for name, colon, value in pairs if colon]


def mailbox_header(address: str, name: str | None) -> str:
    """A mailbox as a header has it, the name encoded where it is not plain (RFC 2047)."""
    return formataddr((name or "", address), charset="utf-8") if address.isascii() else f"<{address}>"


def text_header(text: str) -> str:
    """Words as a header has them (RFC 2047)."""
    plain = _BREAKS.sub(" ", text)
    return plain if plain.isascii() else Header(plain, "utf-8", maxlinelen=10_000).encode()


def _to_bytes(text: str) -> bytes:
    """UTF-8, or the very bytes a header block had."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _root_kind(headers: Headers) -> str:
    """What the whole is called: a report stays one (RFC 6522), since that tells a bounce from a letter."""
    given = next((value for name, value in headers if name.lower() == "content-type"), "")
    found = _REPORT.search(given[:MAX_TYPE_CHARS]) if given.lower().startswith("multipart/report") else None
    return f'report; report-type="{found[1].lower()}"' if found else "mixed"


def _text_part(kind: str, body: RebuiltBody) -> bytes:
    charset = body.charset if _TOKEN.fullmatch(body.charset) else "utf-8"
    return _part([("Content-Type", f'{kind}; charset="{charset}"')], body.content)


def _file_part(file: RebuiltFile) -> bytes:
    name = _parameter("filename", file.name) if file.name else ""
    headers = [
        ("Content-Type", _media_type(file.media_type)),
        ("Content-Disposition", ("inline" if file.content_id else "attachment") + name),
    ]
    content_id = re.sub(r"[\x00-\x20<>\x7f]", "", file.content_id or "")
    return _part([*headers, *([("Content-ID", f"<{content_id}>")] if content_id else [])], file.content)


def _media_type(given: str | None) -> str:
    family, _, kind = (given or "").partition(";")[0].strip().lower().partition("/")
    fits = _TOKEN.fullmatch(family) and _TOKEN.fullmatch(kind) and family != "multipart"
    return f"{family}/{kind}" if fits else "application/octet-stream"


def _parameter(name: str, value: str) -> str:
    """A parameter of a header, in the extended form where it is not plain (RFC 2231)."""
    if value.isascii() and not _QUOTED.search(value):
        return f'; {name}="{value}"'
    escaped = "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in value.encode())
    return f"; {name}*=utf-8''{escaped}"


def _part(headers: Headers, content: bytes) -> bytes:
    """One leaf; a message within the mail must not be in base64 (RFC 2046 5.2.1)."""
    plain = headers[0][1].startswith("message/")
    lines = [f"{name}: {value}".encode("utf-8", "replace") for name, value in headers]
    lines += [b"Content-Transfer-Encoding: " + (b"binary" if plain else b"base64"), b""]
    return CRLF.join([*lines, content if plain else encodebytes(content)])


def _join(kind: str, parts: Sequence[bytes]) -> bytes:
    """Parts as one multipart entity; a single one stays as it is."""
    if len(parts) == 1:
        return parts[0]
    digest = sha256()
    for part in parts:
        digest.update(part)  # of all the bytes: nobody can write a part that holds its own digest
    boundary = f"=_{digest.hexdigest()[:40]}".encode()
    head = b"Content-Type: multipart/" + kind.encode() + b'; boundary="' + boundary + b'"' + CRLF + CRLF
    return head + b"".join(b"--" + boundary + CRLF + part + CRLF for part in parts) + b"--" + boundary + b"--" + CRLF
