"""Forms as providers post them: fields as bytes, in their order, nothing trimmed. Pure, linear and bounded.

`application/x-www-form-urlencoded` (WHATWG URL 5.1) and `multipart/form-data` (RFC 7578). Decoded here and not by the
standard library, which needs two hundred times the memory of a body of percent signs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from string import hexdigits
from typing import TypeAlias

import msgspec
from multipart import MultipartError, PushMultipartParser, parse_options_header

from channels.errors import Malformed

Fields: TypeAlias = list[tuple[bytes, bytes]]

MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"
MAX_FIELDS = 1_000
MAX_FIELD_HEADER_BYTES = 16_384
"""Of one header line of a field: a file's name stands in it."""
PIECE_BYTES = 262_144

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_OCTETS = {pair.encode(): bytes.fromhex(pair) for pair in map("".join, product(hexdigits, repeat=2))}


class FormField(msgspec.Struct, kw_only=True, frozen=True):
    """One field; `file_name` and `media_type` are there where it is a file and says so."""

    name: str
    value: bytes
    file_name: str | None = None
    media_type: str | None = None

    @property
    def text(self) -> str:
        """The value as UTF-8, what is none replaced."""
        return self.value.decode("utf-8", "replace")


def read_form(headers: Mapping[str, str], body: bytes, *, only: Collection[str] | None = None) -> list[FormField]:
    """The fields of a form, or those with the names in `only`; Malformed for any other body and for too many fields."""
    media_type, options = parse_options_header(headers.get("content-type", ""))
    if media_type == MULTIPART:
        return list(_read_multipart(body, boundary=options.get("boundary", ""), only=only))
    if media_type != URLENCODED:
        raise Malformed("a body that is no form")
    if body.count(b"&") >= MAX_FIELDS:
        raise Malformed(f"a form of more than {MAX_FIELDS} fields")
    named = ((name.decode("utf-8", "replace"), value) for name, value in split_form(body))
    return [FormField(name=name, value=value) for name, value in named if only is None or name in only]


def write_form(fields: Sequence[FormField], *, boundary: str) -> tuple[str, bytes]:
    """A multipart form to send, and its Content-Type. The boundary must stand in no value: a digest of them."""
    pieces: list[bytes] = []
    for field in fields:
        file = f'; filename="{field.file_name}"' if field.file_name else ""
        kind = f"\r\nContent-Type: {field.media_type}" if field.media_type else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field.name}"{file}{kind}\r\n\r\n'
        pieces += [head.encode(), field.value, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"{MULTIPART}; boundary={boundary}", b"".join(pieces)


def split_form(form: bytes) -> Fields:
    """Names and values of an urlencoded form as bytes, blank ones included."""
    fields = []
    for field in form.replace(b"+", b" ").split(b"&"):
        name, _, value = field.partition(b"=")
        if b"%" in field:
            name, value = _ESCAPE.sub(_octet, name), _ESCAPE.sub(_octet, value)
        if field:
            fields.append((name, value))
    return fields


def _octet(escape: re.Match[bytes]) -> bytes:
    return _OCTETS[escape[1]]


def _read_multipart(body: bytes, *, boundary: str, only: Collection[str] | None) -> Iterator[FormField]:
    """Piece by piece, so that of a large field that is not wanted nothing is kept."""
    try:
        # Headers are read as bytes in disguise: a name that is no UTF-8 must not cost the mail.
        parser = PushMultipartParser(
            boundary.encode("latin-1", "replace"),
            max_segment_count=MAX_FIELDS,
            max_header_size=MAX_FIELD_HEADER_BYTES,
            header_charset="latin-1",
        )
        with parser:
            yield from _read_fields(parser, body, only)
    except (MultipartError, UnicodeError, ValueError) as error:
        raise Malformed("a multipart form that cannot be read") from error


def _read_fields(parser: PushMultipartParser, body: bytes, only: Collection[str] | None) -> Iterator[FormField]:
    segment, name, pieces = None, "", []
    for at in range(0, len(body), PIECE_BYTES):
        if parser.closed:
            return
        for event in parser.parse(body[at : at + PIECE_BYTES]):
            if event is None and segment is not None:
                if only is None or name in only:
                    yield _field(segment, name, b"".join(pieces))
            elif isinstance(event, bytes | bytearray):
                if only is None or name in only:
                    pieces.append(event)
            elif event is not None:
                segment, name, pieces = event, _utf8(event.name), []


def _field(segment: object, name: str, value: bytes) -> FormField:
    file_name, media_type = getattr(segment, "filename", None), getattr(segment, "content_type", None)
    return FormField(
        name=name, value=value, file_name=_utf8(file_name) if file_name else None, media_type=media_type or None
    )


def _utf8(disguised: str) -> str:
    return disguised.encode("latin-1", "replace").decode("utf-8", "replace")
