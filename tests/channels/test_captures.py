"""Captured requests and mails as raw events."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.captures import FORM, JSON, NotACapture, read_capture
from channels.contract import RawEvent

NOW = datetime(2026, 11, 21, 9, 14, tzinfo=UTC)


def read(name: str, content: bytes) -> RawEvent:
    """One file's raw event."""
    return read_capture(name, content, received_at=NOW)


def test_a_raw_http_request_is_read_byte_by_byte() -> None:
    """Request line, headers and body of a .http file, with either line end; the host makes the URL whole."""
    for end in (b"\n", b"\r\n"):
        lines = [b"POST /hooks/x/message?a=1 HTTP/1.1", b"Host: example.org", b"X-A: 1", b"x-a: 2", b"", b"Body=a%20b"]
        raw = read("a.http", end.join(lines))
        assert (raw.method, raw.url, raw.kind) == ("POST", "https://example.org/hooks/x/message?a=1", "message")
        assert raw.headers == {"host": "example.org", "x-a": "1, 2"}
        assert raw.body == b"Body=a%20b"


def test_a_line_added_by_an_editor_is_not_part_of_the_body() -> None:
    """What stands behind the announced length was never sent, and would break the signature."""
    assert read("a.http", b"POST / HTTP/1.1\nContent-Length: 3\n\nabc\n").body == b"abc"
    assert read("a.http", b"POST / HTTP/1.1\n\nabc\n").body == b"abc\n"


def test_a_chunked_body_is_joined() -> None:
    """A request captured on the wire may come in chunks (RFC 9112 7.1); one without its end is refused."""
    head = b"POST /status HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert read("a.http", head + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").body == b"abcde"
    with pytest.raises(NotACapture, match="no end"):
        read("a.http", head + b"3\r\nabc\r\n")


def test_a_json_capture_keeps_its_body_exactly() -> None:
    """`body` is text, or base64 under another key; header names come in any case, values as lists too."""
    capture = {"method": "post", "url": "https://a.example/hooks/x/status", "headers": {"X-B": ["1", "2"]}}
    raw = read("a.json", msgspec.json.encode({**capture, "body": "é=1"}))
    assert (raw.method, raw.kind, raw.headers, raw.body) == ("POST", "status", {"x-b": "1, 2"}, "é=1".encode())
    assert (
        read("a.json", msgspec.json.encode({**capture, "body_base64": b64encode(b"\xff\0").decode()})).body == b"\xff\0"
    )
    assert read("a.json", msgspec.json.encode({**capture, "body": {"a": 1}})).body == b'{"a":1}'


def test_json_that_is_no_capture_is_a_body() -> None:
    """A webhook's JSON body in a file is what it is, and not a broken capture."""
    raw = read("a.json", b'{"entry": []}\n')
    assert (raw.headers["content-type"], raw.body) == (JSON, b'{"entry": []}')


def test_mails_and_forms_are_told_apart_by_the_files_name() -> None:
    """.eml is a mail, kept whole; anything else is a form body."""
    assert read("a.eml", b"Subject: x\r\n\r\n").kind == "mail"
    form = read("a.txt", b"From=%2B1&Body=x\n")
    assert (form.method, form.headers["content-type"], form.body) == ("POST", FORM, b"From=%2B1&Body=x")


@given(st.sampled_from(["a.http", "a.json", "a.eml", "a.txt", "a"]), st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(name: str, content: bytes) -> None:
    """Whatever a file holds, it is a raw event or NotACapture, and nothing else happens."""
    with suppress(NotACapture):
        assert read(name, content).received_at == NOW


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.http", b"hello\n\n"),
        ("a.http", b"POST / HTTP/1.1\nno colon\n\n"),
        ("a.json", b"{"),
        ("a.json", b'{"method": 1, "url": 2}'),
        ("a.json", b'{"method": "POST", "url": "https://[", "body": ""}'),
        ("a.json", b'{"method": "POST", "url": "x", "body_base64": "%"}'),
        ("a.json", b"[" * 100_000),
    ],
)
def test_what_is_broken_is_explained(name: str, content: bytes) -> None:
    """A file that is not what its name says is refused with a reason."""
    with pytest.raises(NotACapture, match=r"\w{3}"):
        read(name, content)
