"""The grammar of Authentication-Results (RFC 8601 2.2), read strictly: what is odd makes all of it unreadable. Pure.

A host copies words of strangers into this header: the envelope's sender, the name from HELO. They stand in comments and
quoted strings, and hosts make mistakes with both, so a text that two readers could read in two ways is not read at all.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_HEADER_CHARS = 16_384
MAX_RESULTS = 50
MAX_PROPERTIES = 40
MAX_COMMENT_DEPTH = 10
METHODS = frozenset({
    "arc", "auth", "dkim", "dkim-adsp", "dkim-atps", "dmarc", "dnswl", "domainkeys", "iprev", "sender-id", "smime",
    "spf", "vbr", "bimi", "x-dmarc", "x-spf", "x-dkim",
})  # fmt: skip
KNOWN_VERSION = "1"
_SPACE = " \t\r\n"
_KEYWORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_ENDS = frozenset(_SPACE + ';()"\\,')


class Unreadable(ValueError):
    """The header is not of the grammar, or could be read in more than one way."""


class Result(NamedTuple):
    """What one method found: ("dkim", "pass", [("header.d", "shop.example")]), names in lower case."""

    method: str
    result: str
    properties: list[tuple[str, str]]

    def property_values(self, name: str) -> list[str]:
        """What is told of one property, as often as it is told."""
        return [value for found, value in self.properties if found == name]


class _Reader:
    """A place in the text. Each method reads one thing from there on, or says that it is not there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    @property
    def next(self) -> str:
        """The next character, "" at the end."""
        return self.text[self.at : self.at + 1]

    def skip(self) -> None:
        """Read over white space and comments (CFWS)."""
        while self.next and self.next in _SPACE + "(":
            if self.next == "(":
                self.skip_comment()
            else:
                self.at += 1

    def skip_comment(self) -> None:
        """Read over a comment. One with a quote around a parenthesis ends at different places for different readers."""
        depth, quoted = 0, False
        while True:
            each = self.take()
            if each == "\\":
                self.take()
            elif each == '"':
                quoted = not quoted
            elif each in "()":
                depth += 1 if each == "(" else -1
                if quoted or depth > MAX_COMMENT_DEPTH:
                    raise Unreadable("an ambiguous comment")
                if depth == 0:
                    return

    def take(self) -> str:
        """The next character, which has to be there."""
        if not self.next:
            raise Unreadable("it ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def expect(self, mark: str) -> None:
        """Read one mark with white space and comments around it."""
        self.skip()
        if self.take() != mark:
            raise Unreadable(f"{mark} is missing")
        self.skip()

    def keyword(self) -> str:
        """A word of ASCII letters, digits and hyphens, in lower case."""
        start = self.at
        while self.next and self.next in _KEYWORD:
            self.at += 1
        if start == self.at:
            raise Unreadable("a word is missing")
        return self.text[start : self.at].lower()

    def value(self) -> str:
        """A token, a quoted string, or an address made of both; "" where nothing stands."""
        pieces: list[str] = []
        while self.next and (self.next not in _ENDS or self.next == '"'):
            pieces.append(self.quoted() if self.next == '"' else self.take())
        if self.next and self.next not in _SPACE + ";(":
            raise Unreadable("a value goes on with what it may not hold")
        return "".join(pieces)

    def quoted(self) -> str:
        """A quoted string (RFC 5322 3.2.4), without its quotes."""
        self.take()
        pieces: list[str] = []
        while (each := self.take()) != '"':
            pieces.append(self.take() if each == "\\" else each)
        return "".join(pieces)


def read_authserv_id(text: str) -> str | None:
    """The name of the host that wrote a header, in lower case; None where it cannot be read."""
    try:
        return _host(_Reader(text[:MAX_HEADER_CHARS]))
    except Unreadable:
        return None


def parse_results(text: str) -> list[Result]:
    """All results of a header's value; [] for "none". Unreadable if any of it is not of the grammar."""
    if len(text) > MAX_HEADER_CHARS:
        raise Unreadable("too long")
    reader = _Reader(text)
    _host(reader)
    _version(reader)
    results: list[Result] = []
    while reader.next:
        reader.expect(";")
        if not reader.next:
            break
        result = _result(reader)
        if result:
            results.append(result)
        if len(results) > MAX_RESULTS:
            raise Unreadable("too many results")
    return results


def _host(reader: _Reader) -> str:
    reader.skip()
    host = reader.value().lower()
    if not host or not host.isascii():
        raise Unreadable("no host")
    reader.skip()
    return host


def _version(reader: _Reader) -> None:
    """RFC 8601 2.2: without a version it is 1; another is for other readers."""
    if reader.next and reader.next != ";" and reader.value() != KNOWN_VERSION:
        raise Unreadable("another version")
    reader.skip()


def _result(reader: _Reader) -> Result | None:
    """One method with its result and properties; None for the word "none" alone."""
    method = reader.keyword()
    reader.skip()
    if method == "none" and reader.next in ("", ";"):
        return None
    if reader.next == "/":
        reader.expect("/")
        reader.keyword()
    reader.expect("=")
    result = Result(method, reader.keyword(), [])
    if reader.next and reader.next not in _SPACE + ";(":
        raise Unreadable("a result goes on with what it may not hold")
    reader.skip()
    while reader.next and reader.next != ";":
        result.properties.append(_property(reader))
        if len(result.properties) > MAX_PROPERTIES:
            raise Unreadable("too many properties")
    return result


def _property(reader: _Reader) -> tuple[str, str]:
    """`header.d=shop.example`, `reason="..."`; Microsoft adds others without a dot. No method may stand here."""
    name = reader.keyword()
    reader.skip()
    if reader.next == ".":
        reader.expect(".")
        name = f"{name}.{reader.keyword()}"
    elif name in METHODS:
        raise Unreadable("a result inside a result")
    reader.expect("=")
    value = reader.value()
    reader.skip()
    return name, value
