"""Scripts and styles without what only people read: comments, indentation, blanks. Pure.

Nothing is renamed, and a line break stays wherever it could end a statement, so what a script means cannot change;
strings, templates and regular expressions stay as they are (ECMAScript 2022, 12: lexical grammar).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

BEFORE_REGEX = frozenset("(,=:[!&|?{};+-*%~^<>\n") | {""}
"""After these a slash begins a regular expression; after a name, a number or a closing bracket it divides."""
KEYWORDS_BEFORE_REGEX = re.compile(r"\b(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$")
REMEMBERED = 12
"""So many characters tell whether a slash divides: a keyword and what stands before it."""

GAPS = ("", " ", "\n")
WORD = re.compile(r"[\w$#]")
DOUBLED = frozenset("+-/")
NEVER_ENDS = frozenset("{;,([=&|?:")
"""No statement ends with these, so that no line break after them ends one (ECMAScript 2022, 12.10)."""
NEVER_BEGINS = frozenset("})]")
"""No statement begins with these, and before `}` one ends by itself."""

PIECE = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")
    |(?P<template>`)
    |(?P<regex>/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*)
    |(?P<lines>\s*\n\s*)
    |(?P<blank>[ \t]+)
    |(?P<word>[\w$]+)
    |(?P<other>.)""",
    re.S | re.X,
)
STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.S)
STYLE_SPACE = re.compile(r"\s*\n\s*")
STYLE_MARKS = re.compile(r"\s*([{};])\s*|(?<=[,:])[ \n]")
"""A blank before a colon stays, since `a :hover` is not `a:hover`; none is needed behind it, nor behind a comma."""


def squeeze_script(text: str) -> str:
    """The same script, as small as it gets without a change of its words."""
    kept: list[str] = []
    gap = ""
    for piece in _pieces(text):
        if piece in GAPS:
            gap = max(gap, piece, key=GAPS.index)
            continue
        if piece == "}" and kept[-1:] == [";"] and kept[-2:-1] != [")"]:
            kept.pop()  # the brace ends the statement; behind a bracket the semicolon may be one of its own
        if space := _needed(gap, kept[-1] if kept else "", piece):
            kept.append(space)
        kept.append(piece)
        gap = ""
    return "".join(kept) + "\n"


def uncomment_script(text: str) -> str:
    """The same script, a statement still where a line begins, without comments and indentation."""
    kept: list[str] = []
    for piece in _pieces(text):
        if piece == "\n" and (not kept or kept[-1] == "\n"):
            continue
        if piece:
            kept.append(piece)
    return "".join(kept).strip() + "\n"


def squeeze_style(text: str) -> str:
    """The same style sheet, smaller."""
    plain = STYLE_SPACE.sub("\n", STYLE_COMMENT.sub("", text))
    tight = STYLE_MARKS.sub(lambda found: found[1] or "", plain)
    return tight.replace(";}", "}").replace("\n", " ").strip() + "\n"


def _pieces(text: str) -> Iterator[str]:
    """Words, signs, and whole strings, templates and regular expressions; comments are gaps."""
    at, before = 0, ""
    while at < len(text):
        found = PIECE.match(text, at)
        if found is None:
            raise ValueError("every character is a piece")
        piece, at = _keep(text, found, before)
        yield piece
        before = (before + piece)[-REMEMBERED:]


def _needed(gap: str, before: str, after: str) -> str:
    """What of a gap keeps two pieces apart: words, signs that would become others, and statements on lines."""
    last, first = before[-1:], after[:1]
    if gap == "\n":
        return "" if not last or last in NEVER_ENDS or first in NEVER_BEGINS else "\n"
    if gap and ((WORD.match(last) and WORD.match(first)) or (last == first and first in DOUBLED)):
        return " "
    return ""


def _keep(text: str, found: re.Match[str], before: str) -> tuple[str, int]:
    """What of a piece is kept, and where the next one begins."""
    kind, piece = found.lastgroup, found.group()
    if kind == "template":
        end = _end_of_template(text, found.start())
        return text[found.start() : end], end
    if kind == "regex" and not _may_be_regex(before):
        return "/", found.start() + 1
    if kind == "comment":
        # A comment of several lines ends a line, as its line breaks did.
        return ("\n" if "\n" in piece else ""), found.end()
    return {"lines": "\n", "blank": " "}.get(kind or "", piece), found.end()


def _may_be_regex(before: str) -> bool:
    last = before.rstrip(" ")
    return last[-1:] in BEFORE_REGEX or KEYWORDS_BEFORE_REGEX.search(last) is not None


def _end_of_template(text: str, start: int) -> int:
    """Behind the closing backtick; what stands in `${}` may hold strings, braces and templates of its own."""
    at = start + 1
    while text[at] != "`":
        if text[at] == "\\":
            at += 2
        elif text.startswith("${", at):
            at = _end_of_hole(text, at + 2)
        else:
            at += 1
    return at + 1


def _end_of_hole(text: str, start: int) -> int:
    at, depth = start, 1
    while depth:
        found = PIECE.match(text, at)
        if found is None:
            raise ValueError("a template does not end")
        if found.lastgroup == "template":
            at = _end_of_template(text, at)
            continue
        depth += {"{": 1, "}": -1}.get(found.group(), 0)
        at = found.end() if found.lastgroup != "regex" else at + 1
    return at
