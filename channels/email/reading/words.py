"""Words of headers: encoded words (RFC 2047) also as broken clients write them, and nothing that could break a line.

Neighbouring words of one charset are joined as bytes before they are decoded, since clients cut inside characters.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

import msgspec

from channels.email.reading.charsets import decode_text
from channels.email.reading.transfer import decode_base64

MAX_CHARSET_CHARS = 64

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
"""What no header keeps: controls, and the marks that turn the direction of what follows."""
_CHARSET = re.compile(r"[A-Za-z0-9_.:+'()*-]{1,64}")


class _Word(msgspec.Struct, frozen=True):
    """One encoded word, or what stands between two of them (with an empty charset)."""

    charset: str
    encoding: str
    content: str


def decode_words(value: str) -> str:
    """A header's value with its encoded words read; controls are gone. What is no encoded word stays as it is."""
    if "=?" not in value:
        return clean_words(value)
    return clean_words("".join(_decode_runs(_drop_gaps(list(_split_words(value))))))


def clean_words(value: str) -> str:
    """Without control characters; tabs are blanks."""
    return value if value.isprintable() else CONTROLS.sub("", value.replace("\t", " "))


def _split_words(value: str) -> Iterator[_Word]:
    """Encoded words and what is between, from left to right, each place looked at once."""
    position = start = 0
    while (start := value.find("=?", start)) >= 0:
        word, end = _read_word(value, start)
        if word is None:
            if end < 0:
                break
            start += 2
            continue
        if start > position:
            yield _Word("", "", value[position:start])
        yield word
        position = start = end
    if position < len(value):
        yield _Word("", "", value[position:])


def _read_word(value: str, start: int) -> tuple[_Word | None, int]:
    """The encoded word that begins at `start` and where it ends; -1 where no word can end any more."""
    mark = value.find("?", start + 2, start + MAX_CHARSET_CHARS + 3)
    charset = value[start + 2 : mark] if mark > 0 else ""
    encoding = value[mark + 1 : mark + 2].upper()
    if not _CHARSET.fullmatch(charset) or encoding not in ("B", "Q") or value[mark + 2 : mark + 3] != "?":
        return None, start
    end = value.find("?=", mark + 3)
    if end < 0:
        return None, -1
    return _Word(charset.split("*")[0], encoding, value[mark + 3 : end]), end + 2


def _drop_gaps(words: list[_Word]) -> Iterator[_Word]:
    """Blanks between two encoded words are no part of the text (RFC 2047 6.2)."""
    for place, word in enumerate(words):
        between = 0 < place < len(words) - 1 and words[place - 1].charset and words[place + 1].charset
        if not (between and not word.charset and not word.content.strip()):
            yield word


def _decode_runs(words: Iterator[_Word]) -> Iterator[str]:
    run: list[_Word] = []
    for word in words:
        if run and (not word.charset or word.charset.lower() != run[0].charset.lower()):
            yield _decode_run(run)
            run = []
        if word.charset:
            run.append(word)
        else:
            yield word.content
    if run:
        yield _decode_run(run)


def _decode_run(run: list[_Word]) -> str:
    return decode_text(b"".join(_to_bytes(run)), run[0].charset)[0]


def _to_bytes(run: list[_Word]) -> Iterator[bytes]:
    """The bytes of each word; base64 that was cut inside a group of four goes on in the next word."""
    pending = ""
    for word in run:
        if word.encoding == "Q":
            yield _decode_q(word.content)
            continue
        pending += "".join(word.content.split())
        if len(pending) % 4 == 0 or pending.endswith("="):
            yield decode_base64(_octets(pending))[0]
            pending = ""
    if pending:
        yield decode_base64(_octets(pending))[0]


def _decode_q(content: str) -> bytes:
    return binascii.a2b_qp(_octets(content), header=True)


def _octets(content: str) -> bytes:
    return content.encode("utf-8", "surrogateescape" if content.isascii() else "replace")
