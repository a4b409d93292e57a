"""Bytes to text: what is declared, what is meant by it, and what undeclared bytes are."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reading.charsets import CODECS, decode_text, find_codec, find_meta_charset

WORDS = {
    "de": "Grüße aus München, schöne Straße",
    "pl": "Zażółć gęślą jaźń, proszę o odpowiedź",
    "ru": "Здравствуйте, когда придёт мой заказ? Спасибо большое за помощь",
    "ja": "お問い合わせありがとうございます。漢字とカタカナ",
    "zh": "您好，我的订单什么时候到？谢谢",
    "ko": "안녕하세요. 주문한 상품은 언제 도착하나요?",
    "ar": "مرحبا، متى يصل طلبي؟ شكرا جزيلا",
    "he": "שלום, מתי תגיע ההזמנה שלי? תודה רבה",
    "el": "Καλημέρα, πότε θα έρθει η παραγγελία μου;",
    "tr": "Merhaba, siparişim ne zaman gelecek? Teşekkürler, iğne",
    "th": "สวัสดีครับ สินค้าจะมาถึงเมื่อไหร่",
}


@pytest.mark.parametrize(
    ("language", "codec", "declared"),
    [
        ("de", "cp1252", "ISO-8859-1"),
        ("de", "iso8859-15", "latin-9"),
        ("de", "mac_roman", "x-mac-roman"),
        ("de", "utf-7", "utf-7"),
        ("de", "utf-16", "UTF-16"),
        ("de", "utf-16-be", "utf-16"),
        ("de", "utf-16-le", "utf-16"),
        ("de", "utf-8", "iso-8859-1"),
        ("de", "utf-8", "us-ascii"),
        ("de", "utf-8", "unknown-8bit"),
        ("de", "utf-8", ""),
        ("de", "utf-8", "'UTF8'"),
        ("de", "cp1252", "us-ascii"),
        ("de", "cp1252", ""),
        ("de", "utf-8", "windows-1251"),
        ("pl", "cp1250", "windows-1250"),
        ("pl", "iso8859-2", "iso_8859-2:1987"),
        ("pl", "mac_latin2", "x-mac-ce"),
        ("ru", "koi8_r", "KOI8-R"),
        ("ru", "cp1251", "windows-1251"),
        ("ru", "cp866", "ibm866"),
        ("ru", "mac_cyrillic", "x-mac-cyrillic"),
        ("ru", "cp1251", "cp-1251"),
        ("ru", "cp1251", ""),
        ("ru", "koi8_r", ""),
        ("ja", "iso2022_jp", "ISO-2022-JP"),
        ("ja", "cp932", "Shift_JIS"),
        ("ja", "cp932", "x-sjis"),
        ("ja", "euc_jp", "EUC-JP"),
        ("ja", "iso2022_jp", "us-ascii"),
        ("ja", "iso2022_jp", ""),
        ("ja", "euc_jp", ""),
        ("zh", "gb18030", "gb2312"),
        ("zh", "gbk", "x-gbk"),
        ("zh", "hz", "HZ-GB-2312"),
        ("zh", "gb18030", ""),
        ("ko", "cp949", "ks_c_5601-1987"),
        ("ko", "euc_kr", "euc-kr"),
        ("ko", "iso2022_kr", "iso-2022-kr"),
        ("ko", "cp949", ""),
        ("ar", "cp1256", "windows-1256"),
        ("he", "iso8859-8", "iso-8859-8-i"),
        ("el", "cp1253", "windows-1253"),
        ("tr", "cp1254", "iso-8859-9"),
        ("th", "cp874", "TIS-620"),
    ],
)
def test_words_of_many_languages(language: str, codec: str, declared: str) -> None:
    """What was written is read, under the right name, a lax one, a wrong one or none."""
    assert decode_text(WORDS[language].encode(codec), declared)[0] == WORDS[language]


def test_characters_that_only_windows_has_are_read() -> None:
    """Japanese Windows puts its own characters into ISO-2022-JP, where the standard has none."""
    circled = b"\x1b$B-!-j\x1b(B"
    assert decode_text(circled, "iso-2022-jp") == ("①㈱", True)
    assert decode_text(b"\x1b(I1\x1b(B", "iso-2022-jp")[0] == "ｱ"


def test_a_near_charset_helps_what_declares_none() -> None:
    """A raw header in the charset of its body is read by it."""
    assert decode_text("заказ".encode("koi8_r"), None, hint="koi8-r")[0] == "заказ"


def test_a_page_may_name_its_charset() -> None:
    """HTML without a declared charset is asked for its own."""
    assert find_meta_charset(b'<html><meta http-equiv="x" content="text/html; charset=koi8-r">') == "koi8-r"
    assert find_meta_charset(b'<meta charset="big5">') == "big5"
    assert find_meta_charset(b"<p>charset=big5") is None


def test_a_byte_order_mark_is_no_text() -> None:
    """UTF-8 with its mark, declared or not."""
    assert decode_text(b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe", None)[0] == "Grüße"


@pytest.mark.parametrize("name", ["base64", "zlib", "rot13", "unicode_escape", "idna", "punycode", "undefined", "mbcs"])
def test_codecs_that_are_no_charsets_are_not_used(name: str) -> None:
    """A stranger's word never reaches a codec that unpacks, escapes or takes quadratic time."""
    assert find_codec(name) is None
    assert decode_text(b"caf\xc3\xa9", name)[0] == "café"


def test_every_name_leads_to_a_codec() -> None:
    """The table names only what this Python has."""
    assert [codec for codec in CODECS.values() if codecs.lookup(codec) is None] == []


@given(st.binary(max_size=200), st.sampled_from(sorted(CODECS)))
def test_any_bytes_are_some_text(content: bytes, charset: str) -> None:
    """Whatever the bytes and the declaration: text that can be stored, without halves of pairs."""
    decode_text(content, charset)[0].encode("utf-8")
