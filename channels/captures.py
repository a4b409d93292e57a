"""Captured requests and mails as raw events: what `switchboard channels parse` reads. Pure.

By the end of a file's name:

- `.http`: a request as it goes over the wire: request line, headers, an empty line, the body to the end of the file;
- `.json`: a capture `{"method", "url", "headers", "body"}`, with `body_base64` in place of `body` where it is no text;
- `.eml`: a mail;
- anything else, and a `.json` that is no capture: the body of a POST, a form unless it begins as JSON does.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from channels.contract import RawEvent

MAIL = "mail"
NOWHERE = "https://switchboard.example"
"""Where a request without a host was sent, as far as anybody knows."""
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

_REQUEST_LINE = re.compile(rb"([A-Za-z]+) (\S+)(?: HTTP/[0-9.]+)?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]*\r?\n")


class NotACapture(ValueError):
    """The file is not what the end of its name says."""


class Capture(msgspec.Struct, kw_only=True):
    """A request as a JSON object; header values may be lists, a body that was JSON may be left as it was."""

    method: str
    url: str
    headers: dict[str, str | list[str]] = {}
    body: Any = None
    body_base64: str | None = None


def read_capture(name: str, content: bytes, *, received_at: datetime) -> RawEvent:
    """The raw event in a file; NotACapture says what is wrong with it. Its kind is the last step of the URL's path."""
    suffix = name.rpartition(".")[2].lower()
    return READERS.get(suffix, _read_body)(content, received_at)


def _read_http(content: bytes, received_at: datetime) -> RawEvent:
    head, body = _split_head(content)
    first, *lines = head.replace(b"\r\n", b"\n").split(b"\n")
    found = _REQUEST_LINE.fullmatch(first.strip())
    if found is None:
        raise NotACapture("the first line is not a request line such as: POST /path HTTP/1.1")
    headers = _read_headers(lines)
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _join_chunks(body)
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) < len(body):  # what an editor added behind it was never sent
        body = body[: int(length)]
    target = found[2].decode("utf-8", "replace")
    host = headers.get("host", "")
    url = target if "://" in target else (f"https://{host}" if host else NOWHERE) + target
    return _raw_event(found[1].decode(), url, headers, body=body, received_at=received_at)


def _split_head(content: bytes) -> tuple[bytes, bytes]:
    end = _HEAD_END.search(content)
    return (content[: end.start()], content[end.end() :]) if end else (content.rstrip(b"\r\n"), b"")


def _read_headers(lines: list[bytes]) -> dict[str, str]:
    """Names in lower case; a repeated header is one, joined by ", " (RFC 9110 5.3)."""
    headers: dict[str, str] = {}
    for line in lines:
        raw_name, colon, raw_value = line.partition(b":")
        if not colon:
            raise NotACapture(f"a header line has no colon: {line[:40].decode('utf-8', 'replace')!r}")
        name, value = raw_name.decode("latin-1").strip().lower(), raw_value.decode("latin-1").strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _join_chunks(body: bytes) -> bytes:
    """A chunked body (RFC 9112 7.1) as one piece."""
    whole, at = b"", 0
    while found := _CHUNK.match(body, at):
        size = int(found[1], 16)
        if size == 0:
            return whole
        whole += body[found.end() : found.end() + size]
        at = found.end() + size
        at += 2 if body[at : at + 2] == b"\r\n" else 1
    raise NotACapture("the chunked body has no end")


def _read_json(content: bytes, received_at: datetime) -> RawEvent:
    try:
        keys = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise NotACapture(f"it is not JSON: {error}") from error
    if not (isinstance(keys, dict) and "method" in keys and "url" in keys):
        return _read_body(content, received_at)
    try:
        capture = msgspec.convert(keys, Capture)
    except msgspec.ValidationError as error:
        raise NotACapture(f"it is not a capture: {error}") from error
    headers = {name.lower(): _joined(value) for name, value in capture.headers.items()}
    return _raw_event(capture.method, capture.url, headers, body=_capture_body(capture), received_at=received_at)


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _capture_body(capture: Capture) -> bytes:
    if capture.body_base64 is not None:
        try:
            return b64decode(capture.body_base64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise NotACapture("body_base64 is not base64") from error
    if capture.body is None:
        return b""
    return capture.body.encode() if isinstance(capture.body, str) else msgspec.json.encode(capture.body)


def _read_mail(content: bytes, received_at: datetime) -> RawEvent:
    return RawEvent(kind=MAIL, method="", url="", headers={}, body=content, received_at=received_at)


def _read_body(content: bytes, received_at: datetime) -> RawEvent:
    body = content.rstrip(b"\r\n")
    media_type = JSON if body[:1] in {b"{", b"["} else FORM
    return _raw_event("POST", NOWHERE, {"content-type": media_type}, body=body, received_at=received_at)


def _raw_event(method: str, url: str, headers: dict[str, str], *, body: bytes, received_at: datetime) -> RawEvent:
    try:
        path = urlsplit(url).path
    except ValueError as error:
        raise NotACapture(f"the URL cannot be read: {error}") from error
    kind = path.rstrip("/").rpartition("/")[2]
    return RawEvent(kind=kind, method=method.upper(), url=url, headers=headers, body=body, received_at=received_at)


READERS: dict[str, Callable[[bytes, datetime], RawEvent]] = {
    "http": _read_http,
    "json": _read_json,
    "eml": _read_mail,
}
