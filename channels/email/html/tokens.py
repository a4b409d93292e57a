"""HTML taken apart into tags and words, whatever it is: one way through, in time linear in its length.

It follows the tokeniser of the HTML standard (13.2.5) as far as mail needs it. What it makes of hostile input need not
be what a browser makes of it: whoever shows HTML writes it anew from these tokens, and never passes any of it on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple, TypeAlias

MAX_TAG_CHARS = 100_000
"""The longest tag that is read with its attributes; of a longer one they are left out. Data URLs are long."""
RAW = {
    "script": False, "style": False, "title": False, "iframe": False, "noembed": False, "noframes": False,
    "xmp": True, "textarea": True, "plaintext": True,
}  # fmt: skip
"""Elements that hold no tags (13.1.2), and whether what they hold is words for readers."""

MARKUP = re.compile(r"<(?:(?P<slash>/?)(?P<tag>[A-Za-z][^\s/>\x00]{0,63})|(?P<comment>!--)|(?P<bogus>[!?/]))")
TAG_REST = re.compile(r"""(?>(?:"[^"]*+"|'[^']*+'|[^"'>]++)*+)>""")
ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s"'>/=\x00]{1,64})(?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s"'>]++)))?"""
)
ZEROS = re.compile(r"&#0++(?=[0-9])")
ENDLESS = re.compile(r"&#[0-9]{8,}+;?")
"""No character has so high a number, and Python refuses to read one of 4,300 digits."""
COMMENT_END = re.compile(r"--!?>")
RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW}


class Start(NamedTuple):
    """An opening tag, in lower case; `rest` holds its attributes as written."""

    tag: str
    rest: str


class End(NamedTuple):
    """A closing tag, in lower case."""

    tag: str


class Words(NamedTuple):
    """Text, its character references resolved."""

    text: str


Token: TypeAlias = Start | End | Words


def read_tokens(html: str) -> Iterator[Token]:
    """Tags and words in their order; comments, scripts, styles and declarations are left out."""
    at = 0
    while found := MARKUP.search(html, at):
        if found.start() > at:
            yield Words(_resolve(html[at : found.start()]))
        if not found["tag"]:
            at = _end_of_comment(html, found)
            continue
        tag = found["tag"].lower()
        end, rest = _read_rest(html, found.end())
        if found["slash"]:
            yield End(tag)
            at = end
        elif tag in RAW:
            words, at = _read_raw(html, tag, end)
            yield Words(words)
        else:
            yield Start(tag, rest)
            at = end
    if at < len(html):
        yield Words(_resolve(html[at:]))


def read_attributes(rest: str) -> dict[str, str]:
    """The attributes of a tag, names in lower case, values resolved; of a repeated one the first counts (13.2.5.33)."""
    found: dict[str, str] = {}
    for match in ATTRIBUTE.finditer(rest):
        value = match["double"] or match["single"] or match["bare"] or ""
        found.setdefault(match["name"].lower(), _resolve(value))
    return found


def _resolve(text: str) -> str:
    if "&" not in text:
        return text
    return unescape(ENDLESS.sub("\ufffd", ZEROS.sub("&#", text)))


def _end_of_comment(html: str, found: re.Match[str]) -> int:
    """Where a comment, a declaration or a conditional of Office ends: what it hides is in no reader's sight."""
    if not found["comment"]:
        return (html.find(">", found.end()) + 1) or len(html)
    if html.startswith((">", "->"), found.end()):
        return html.index(">", found.end()) + 1
    end = COMMENT_END.search(html, found.end())
    return end.end() if end else len(html)


def _read_rest(html: str, at: int) -> tuple[int, str]:
    """Where the tag ends, and its attributes. One whose quotes do not close ends at the next >, or with the text."""
    if found := TAG_REST.match(html, at, at + MAX_TAG_CHARS):
        return found.end(), html[at : found.end() - 1]
    end = html.find(">", at)
    return (end + 1, html[at:end] if end - at < MAX_TAG_CHARS else "") if end >= 0 else (len(html), "")


def _read_raw(html: str, tag: str, at: int) -> tuple[str, int]:
    """What an element without tags holds, as far as it is for readers, and where its closing tag begins."""
    found = None if tag == "plaintext" else RAW_END[tag].search(html, at)
    end = found.start() if found else len(html)
    return (html[at:end] if RAW[tag] else ""), end
