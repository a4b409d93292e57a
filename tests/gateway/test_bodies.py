"""JSON bodies: strict, typed, and pointed at where they are wrong."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bodies import decode_json_body, refuse_value
from inbox.kit.errors import Problem


class Words(msgspec.Struct, tag="text", tag_field="type", forbid_unknown_fields=True):
    """A part for the tests."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]


class Picture(msgspec.Struct, tag="image", tag_field="type"):
    """Another."""

    width: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """A body for the tests."""

    parts: list[Words | Picture]
    attributes: dict[str, Any] = {}
    at: Annotated[str, msgspec.Meta(pattern="^x")] = "x"


def refused(body: str | bytes) -> Problem:
    """The problem with a body."""
    with pytest.raises(Problem) as caught:
        decode_json_body(body.encode() if isinstance(body, str) else body, Message)
    return caught.value


@pytest.mark.parametrize(
    ("body", "pointer", "code", "limit"),
    [
        ('{"parts":[{"type":"text","text":"abcdef"}]}', "/parts/0/text", "too_long", 5),
        ('{"parts":[{"type":"text","text":"a"},{"type":"text","text":""}]}', "/parts/1/text", "too_short", 1),
        ('{"parts":[{"type":"image","width":0}]}', "/parts/0/width", "too_small", 1),
        ('{"parts":[{"type":"image","width":101}]}', "/parts/0/width", "too_large", 100),
        ('{"parts":[{"type":"image","width":"7"}]}', "/parts/0/width", "wrong_type", None),
        ('{"parts":[{"type":"fax"}]}', "/parts/0/type", "unknown_value", None),
        ('{"parts":[{"text":"a"}]}', "/parts/0/type", "required", None),
        ('{"parts":[{"type":"text","text":"a","bold":1}]}', "/parts/0/bold", "unknown_field", None),
        ('{"parts":[],"account_id":1}', "/account_id", "unknown_field", None),
        ('{"parts":[],"at":"y"}', "/at", "wrong_format", None),
        ('{"parts":[],"attributes":{"n":1e999}}', "/attributes", "too_large", None),
        ("{}", "/parts", "required", None),
        ("[]", "", "wrong_type", None),
    ],
)
def test_what_is_wrong_is_pointed_at(body: str, pointer: str, code: str, limit: int | None) -> None:
    """A refused value has a JSON pointer (RFC 6901), a code and its limit; numbers in strings do not pass (T59)."""
    problem = refused(body)
    assert problem.code == "validation_failed"
    error = problem.errors[0]
    assert (error.pointer, error.code, error.limit) == (pointer, code, limit)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b'{"parts":[],}', b'{"parts":[]} x', b"\xff\xfe", b'\xef\xbb\xbf{"parts":[]}', b"NaN", b"'a'",
        b'{"parts":[],"attributes":{"a":NaN}}', b'{"parts":[],"attributes":{"a":Infinity}}',
        b'{"parts":[],"attributes":{"a":"\\ud800"}}', b'{"parts":[],"attributes":{"a":"\\udc00 b"}}',
        b'{"parts":[],"attributes":{"a":"\xed\xa0\x80"}}', b'{"parts":[],"attributes":{"a":"\x00"}}',
        b'{"parts":[],"attributes":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
)  # fmt: skip
def test_hostile_json_is_malformed(body: bytes) -> None:
    """What is not strict JSON, or nested without end, is refused as such and breaks nothing (T47)."""
    assert refused(body).code == "malformed_json"


@pytest.mark.parametrize("text", [r"\u0000", r"a\u0000b", r"\\\u0000"])
def test_nul_is_refused(text: str) -> None:
    """Postgres stores no U+0000: it is refused before a statement meets it (T47)."""
    assert refused(f'{{"parts":[],"attributes":{{"a":"{text}"}}}}').code == "validation_failed"


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    r"""The text \u0000, written with an escaped backslash, is six harmless characters."""
    body = rb'{"parts":[],"attributes":{"a":"\\u0000"}}'
    assert decode_json_body(body, Message).attributes == {"a": r"\u0000"}


def test_the_last_of_two_equal_keys_counts() -> None:
    """Duplicate keys are read as every other JSON parser here reads them: the last one counts (T47)."""
    assert decode_json_body(b'{"parts":[{"type":"fax"}],"parts":[]}', dict[str, Any]) == {"parts": []}


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(body: bytes) -> None:
    """Whatever is sent is either decoded or refused with a problem."""
    with suppress(Problem):
        decode_json_body(body, Any)


def test_keys_with_odd_characters_are_escaped_in_pointers() -> None:
    """A pointer escapes ~ and / (RFC 6901 3)."""
    problem = refuse_value("Object contains unknown field `a/b~c`")
    assert problem.errors[0].pointer == "/a~1b~0c"
