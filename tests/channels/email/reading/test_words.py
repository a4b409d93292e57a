"""Encoded words and parameters: as the RFCs say, and as clients write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reading.parameters import read_disposition, read_parameters, read_type
from channels.email.reading.words import decode_words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("plain", "plain"),
        ("=?ISO-8859-1?Q?a?=", "a"),
        ("=?ISO-8859-1?Q?a?= b", "a b"),
        ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a_b?=", "a b"),
        ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
        ("=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("a=?utf-8?q?b?=c", "abc"),
    ],
)
def test_encoded_words_as_the_standard_says(value: str, words: str) -> None:
    """The examples of RFC 2047 8, its languages (RFC 2231 5), and words glued to others."""
    assert decode_words(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3?= =?UTF-8?Q?=9Fe?=", "Grüße"),
        ("=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=", "Grüße"),
        ("=?utf-8?B?R3LDvM?= =?utf-8?B?OfZQ?=", "Grüße"),
        ("=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),
        ("=?gb2312?B?7AE=?=", "\ufffd"),
        ("=?utf-8?Q?with blanks in it?=", "with blanks in it"),
        ("=?utf-8?Q?why?not?=", "why?not"),
        ("=?utf-8?Q?=41?=", "A"),
        ("=?utf-8?Q?=4?=", "=4"),
        ("=?utf-8?Q??=x", "x"),
        ("=?iso-8859-1?Q?=E2=82=AC?=", "€"),
        ("=?us-ascii?Q?caf=E9?=", "café"),
        ("=?nonsense?Q?caf=C3=A9?=", "café"),
        ("=?iso-2022-jp?B?GyRCNEE7ehsoQg==?=", "漢字"),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("=?utf-8?Q?open", "=?utf-8?Q?open"),
        ("=?=?utf-8?Q?a?=", "=?a"),
        ("=?utf-8?Q?a=0D=0ABcc:_x@y?=", "aBcc: x@y"),
        ("=?utf-8?Q?=E2=80=AEfdp.exe?=", "fdp.exe"),
        ("=?utf-7?Q?+2AA-?=", "\ufffd"),
    ],
)
def test_encoded_words_as_clients_break_them(value: str, words: str) -> None:
    """Characters and groups cut over two words, wrong charsets, lost padding; never a line break or a turned text."""
    assert decode_words(value) == words


@given(st.text("=?utf-8QqBb _=\n\t <@>é\u202e", max_size=60))
def test_no_value_fails_or_keeps_a_break(value: str) -> None:
    """Any characters give words without controls."""
    assert not set(decode_words(value)) & {"\n", "\r", "\t", "\0", "\u202e"}


@pytest.mark.parametrize(
    ("value", "kind", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        ("TEXT/HTML; Charset=UTF-8", "text/html", {"charset": "UTF-8"}),
        ('text/plain; charset="utf-8"; format=flowed', "text/plain", {"charset": "utf-8", "format": "flowed"}),
        ("text/plain; charset=us-ascii (Plain text)", "text/plain", {"charset": "us-ascii"}),
        ("text / plain ;charset = utf-8", "text/plain", {"charset": "utf-8"}),
        ("multipart/mixed; boundary=----=_a;b=c", "multipart/mixed", {"boundary": "----=_a", "b": "c"}),
        ('multipart/mixed; boundary="a;b\\"c"', "multipart/mixed", {"boundary": 'a;b"c'}),
        ("text/plain charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ('text/plain; charset="utf-8', "text/plain", {"charset": "utf-8"}),
        ("text/plain; charset=; format=flowed", "text/plain", {"charset": "", "format": "flowed"}),
        ("text/plain; charset=a; charset=b", "text/plain", {"charset": "a"}),
        ("text", "", {}),
        ("", "", {}),
    ],
)
def test_types_with_their_parameters(value: str, kind: str, parameters: dict[str, str]) -> None:
    """RFC 2045 5.1, with comments, forgotten semicolons and open quotes."""
    assert read_type(value) == (kind, parameters)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('attachment; filename="a b.pdf"', "a b.pdf"),
        ("attachment; filename=a b.pdf", "a b.pdf"),
        ("attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ("attachment; filename*=iso-8859-1'de'Gr%FC%DFe.pdf", "Grüße.pdf"),
        ("attachment; filename*0=Gr; filename*1=uesse; filename*2=.pdf", "Gruesse.pdf"),
        ("attachment; filename*1=uesse.pdf; filename*0=Gr", "Gruesse.pdf"),
        ("attachment; filename*0*=UTF-8''Gr%C3; filename*1*=%BC%C3%9F; filename*2=e.pdf", "Grüße.pdf"),
        ("attachment; filename=plain.pdf; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ("attachment; filename*=Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ("attachment; filename*=\"UTF-8''Gr%C3%BC%C3%9Fe.pdf\"", "Grüße.pdf"),
        ('attachment; filename="=?utf-8?Q?Gr=C3=BC=C3=9Fe.pdf?="', "Grüße.pdf"),
        ("attachment; filename==?utf-8?Q?Gr=C3=BC=C3=9Fe.pdf?=", "Grüße.pdf"),
        ('attachment; filename*0="=?utf-8?Q?Gr=C3=BC?="; filename*1="=?utf-8?Q?=C3=9Fe.pdf?="', "Grüße.pdf"),
        ('attachment; filename="C:\\temp\\x.pdf"', "C:\\temp\\x.pdf"),
        ('attachment; filename="a \\"b\\".pdf"', 'a "b".pdf'),
        ("attachment; filename*=utf-8''a%0D%0ASet-Cookie:x", "aSet-Cookie:x"),
        ("attachment; filename*=shift_jis''%8A%BF.txt", "漢.txt"),
        ("attachment; filename*99999999999999999999=x", None),
    ],
)
def test_file_names(value: str, name: str | None) -> None:
    """RFC 2231 with continuations and charsets, and the five ways around it that clients take."""
    kind, parameters = read_disposition(value)
    assert (kind, parameters.get("filename")) == ("attachment", name)


@given(st.text("abn=;*0123'\"\\ %FE?é(", max_size=80))
def test_no_parameters_fail(value: str) -> None:
    """Any characters give some parameters, each free of controls."""
    assert all(text.isprintable() for text in read_parameters(f"x; {value}").values())
