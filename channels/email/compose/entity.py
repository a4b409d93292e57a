"""The parts of a mail and how they are written (RFC 2045, 2046, 2387)."""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Callable, Sequence
from hashlib import sha256
from unicodedata import category

import msgspec

from channels.email.compose.headers import LINE_CHARS, token_header

BASE64_CHARS = 76
MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
FROM_LINE = re.compile(rb"^From ", re.MULTILINE)
MAX_NAME_CHARS = 150

Boundary = Callable[[], str]


class Entity(msgspec.Struct, kw_only=True, frozen=True):
    """A part: its headers, written, and its body, encoded."""

    headers: bytes
    body: bytes


def text_entity(text: str, subtype: str) -> Entity:
    """Words, as UTF-8: short lines of ASCII as they are, else quoted-printable; base64 where most is not Latin."""
    data = UNWRITABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")).encode()
    charset = {"charset": "utf-8"}
    encoding, body = _encode_text(data if data.endswith(b"\n") else data + b"\n")
    headers = token_header("Content-Type", f"text/{subtype}", charset)
    return Entity(headers=headers + token_header("Content-Transfer-Encoding", encoding), body=body)


def file_entity(content: bytes, *, media_type: str, name: str | None, content_id: str | None = None) -> Entity:
    """A file; one with a `content_id` is shown where the HTML says so.

    A mail within the mail must not be encoded (RFC 2046 5.2.1), and what is not encoded does not survive: it goes as a
    plain file. So does what calls itself a multipart.
    """
    plain = MEDIA_TYPE.fullmatch(media_type) and not media_type.lower().startswith(("message/", "multipart/"))
    shown = {"name": tidy_name(name)} if name else {}
    headers = token_header("Content-Type", media_type if plain else "application/octet-stream", shown)
    headers += token_header("Content-Transfer-Encoding", "base64")
    where = "inline" if content_id else "attachment"
    headers += token_header("Content-Disposition", where, {"filename": tidy_name(name)} if name else {})
    if content_id:
        headers += token_header("Content-ID", f"<{content_id}>")
    return Entity(headers=headers, body=_base64(content))


def group_entities(subtype: str, entities: Sequence[Entity], *, boundary: Boundary, root: str | None = None) -> Entity:
    """Parts in one; a single part stands for itself. `root` is the media type a related group begins with."""
    if len(entities) == 1:
        return entities[0]
    between = f"=_{boundary()}"  # neither base64 nor quoted-printable ever has "=_" (RFC 2045 6.7)
    parameters = {"type": root} if root else {}
    headers = token_header("Content-Type", f"multipart/{subtype}", {"boundary": between, **parameters})
    mark = f"--{between}".encode()
    written = b"".join(mark + b"\r\n" + one.headers + b"\r\n" + one.body + b"\r\n" for one in entities)
    return Entity(headers=headers, body=written + mark + b"--\r\n")


def tidy_name(name: str) -> str:
    """A file's name without folders and without what hides or turns letters; its end is kept where it is too long."""
    shown = "".join("_" if category(char)[0] == "C" or char in '/\\"' else char for char in name).strip(". ")
    if len(shown) > MAX_NAME_CHARS:
        stem, dot, ending = shown.rpartition(".")
        kept = f"{dot}{ending}" if dot and len(ending) <= 10 else ""
        shown = f"{(stem if kept else shown)[: MAX_NAME_CHARS - len(kept)]}{kept}"
    return shown or "file"


def new_boundary(seed: str) -> Boundary:
    """Boundaries made of the seed, different from one another: the same mail composed again is the same."""
    count = 0

    def next_boundary() -> str:
        nonlocal count
        count += 1
        return sha256(f"{seed}/{count}".encode()).hexdigest()[:32]

    return next_boundary


def _encode_text(data: bytes) -> tuple[str, bytes]:
    lines = data.split(b"\n")
    short = all(len(line) <= LINE_CHARS and line == line.rstrip() for line in lines)
    if data.isascii() and short and not FROM_LINE.search(data):
        return "7bit", data.replace(b"\n", b"\r\n")
    if sum(byte > 127 for byte in data) > len(data) / 2:
        return "base64", _base64(data.replace(b"\n", b"\r\n"))
    quoted = b2a_qp(data, istext=True)
    return "quoted-printable", FROM_LINE.sub(b"=46rom ", quoted).replace(b"\n", b"\r\n")


def _base64(content: bytes) -> bytes:
    encoded = b64encode(content)
    return b"".join(encoded[at : at + BASE64_CHARS] + b"\r\n" for at in range(0, len(encoded), BASE64_CHARS))
