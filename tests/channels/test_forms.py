"""Forms as providers post them: any bytes kept, bounded, and read in time that grows with their length alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import Malformed
from channels.forms import MAX_FIELDS, PIECE_BYTES, URLENCODED, FormField, read_form, split_form, write_form

BOUNDARY = "xYzZY"
MULTIPART = {"content-type": f'multipart/form-data; boundary="{BOUNDARY}"'}
FORM = {"content-type": f"{URLENCODED}; charset=utf-8"}


def multipart(*parts: bytes) -> bytes:
    """A form of these parts, each with its headers."""
    return b"".join(b"--xYzZY\r\n" + part + b"\r\n" for part in parts) + b"--xYzZY--\r\n"


def part(name: str, value: bytes, *, more: str = "") -> bytes:
    """A field."""
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value


def test_fields_come_in_their_order_with_their_bytes() -> None:
    """Values are bytes in no charset of ours; a file brings its name and type; an unknown transfer changes nothing."""
    file = b'Content-Disposition: form-data; name="attachment1"; filename="caf\xc3\xa9.bin"\r\nContent-Type: image/png'
    body = multipart(part("text", b"caf\xe9\r\n"), file + b"\r\n\r\n\x00\xff--xYzZ", part("text", b""))
    assert read_form(MULTIPART, body) == [
        FormField(name="text", value=b"caf\xe9\r\n"),
        FormField(name="attachment1", value=b"\x00\xff--xYzZ", file_name="café.bin", media_type="image/png"),
        FormField(name="text", value=b""),
    ]


def test_an_urlencoded_form_is_read_the_same() -> None:
    """Escapes of any bytes, plus signs and blank values."""
    found = read_form(FORM, b"a=1+2&b=%E9%zz&c&=x&a=")
    assert [(field.name, field.value) for field in found] == [
        ("a", b"1 2"), ("b", b"\xe9%zz"), ("c", b""), ("", b"x"), ("a", b""),
    ]  # fmt: skip


@pytest.mark.parametrize("headers", [MULTIPART, FORM])
def test_only_what_is_wanted_is_kept(headers: dict[str, str]) -> None:
    """A signature is found in a form of many megabytes without keeping them; of a repeated field all are told."""
    large = b"x" * (3 * PIECE_BYTES)
    by_parts = multipart(part("mail", large), part("token", b"t1"), part("mail", large), part("token", b"t2"))
    body = by_parts if headers is MULTIPART else b"mail=" + large + b"&token=t1&mail=" + large + b"&token=t2"
    assert [field.value for field in read_form(headers, body, only={"token"})] == [b"t1", b"t2"]


@given(st.lists(st.tuples(st.from_regex(r"[a-z0-9:-]{1,20}", fullmatch=True), st.binary(max_size=200)), max_size=8))
def test_what_we_write_is_what_is_read(fields: list[tuple[str, bytes]]) -> None:
    """Any values survive a form of ours, its boundary standing in none of them."""
    given_fields = [FormField(name=name, value=value) for name, value in fields]
    content_type, body = write_form(given_fields, boundary="5f" * 32)
    assert read_form({"content-type": content_type}, body) == given_fields


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"a=1"),
        ({"content-type": "application/json"}, b"{}"),
        ({"content-type": "multipart/form-data"}, multipart(part("a", b"1"))),
        ({"content-type": 'multipart/form-data; boundary=""'}, multipart(part("a", b"1"))),
        (MULTIPART, b""),
        (MULTIPART, b"a=1"),
        (MULTIPART, multipart(part("a", b"1"))[:-8]),
        (MULTIPART, multipart(b"a: b\r\n\r\nno name")),
        (MULTIPART, multipart(b"no header at all")),
        (MULTIPART, multipart(b'Content-Disposition: form-data; name="' + b"a" * 20_000 + b'"\r\n\r\n')),
    ],
)
def test_what_is_no_form_is_malformed(headers: dict[str, str], body: bytes) -> None:
    """A cut form, a form without its boundary, and anything else are told as such, and by no other exception."""
    with pytest.raises(Malformed):
        read_form(headers, body)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (MULTIPART, multipart(*[part("a", b"1")] * (MAX_FIELDS + 1))),
        (FORM, b"&".join([b"a=1"] * (MAX_FIELDS + 1))),
        (MULTIPART, b"\r\n--xYzZ" * 500_000),
        (MULTIPART, multipart(part("a", b"\r\n--xYzZ" * 500_000 + b"\r"))[:-10]),
        ({"content-type": "multipart/form-data; boundary=" + "y" * 65_536}, multipart(part("a", b"1")) * 100),
        ({"content-type": "multipart/form-data" + '; a="b' * 20_000}, multipart(part("a", b"1"))),
        (FORM, b"&" * 5_000_000),
    ],
)
def test_hostile_forms_are_refused_in_time(headers: dict[str, str], body: bytes) -> None:
    """Too many fields, half boundaries, an endless boundary: refused, in time that grows with the length (T46)."""
    began = time.process_time()
    with pytest.raises(Malformed):
        read_form(headers, body)
    assert time.process_time() - began < 2


def test_a_form_of_percent_signs_costs_little() -> None:
    """What is no escape stays as it is, and needs no memory of its own."""
    assert split_form(b"%" * 1_000_000) == [(b"%" * 1_000_000, b"")]
    assert split_form(b"%41" * 300_000) == [(b"A" * 300_000, b"")]
