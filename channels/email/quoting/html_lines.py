"""HTML as lines: each knows the stretch of source it came from, so that taking it apart loses no byte.

This is a reader of where lines begin and end, not a parser: what it cuts out is sanitised afterwards by one that is.
It walks the source once, keeps no tree and does not recurse, so neither depth nor breadth can hurt it.
"""

from __future__ import annotations

import re
from html import unescape

import msgspec

from channels.email.quoting.lines import MOST_LINES, Mark, is_cited
from channels.email.quoting.marks import Role, read_role_of
from channels.email.quoting.words import INVISIBLE

TOKEN = re.compile(r"<(?:(/?)([a-zA-Z][^\s<>/]{0,40})([^<>]*)>|!--|[!?][^<>]*>)")
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figure",
        "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "html", "li", "main", "nav", "ol", "p",
        "pre", "section", "table", "tbody", "tfoot", "thead", "title", "tr", "ul",
    }
)  # fmt: skip
CELLS = frozenset({"td", "th"})
UNSEEN = {tag: re.compile(rf"</{tag}\b", re.IGNORECASE) for tag in ("style", "script", "title", "textarea", "xml")}
SEEN_VOIDS = frozenset({"img", "embed"})
SAME_ENDS = frozenset({"p", "li", "tr", "td", "th", "dt", "dd", "option"})  # elements that end where the next begins
PICTURE = "\ufffc"  # OBJECT REPLACEMENT CHARACTER: stands for a picture among the words
RULE = "_" * 20
DEEPEST = 1_000  # open elements that are remembered; in more nobody reads
DEEPEST_LOOK = 64  # open elements among which an end tag finds its start tag


class Open(msgspec.Struct):
    """An open element, and through `parent` all around it; `depth` counts them."""

    parent: Open | None
    tag: str
    source: str
    depth: int
    mark: Mark
    frame: Frame | None = None


class Frame(msgspec.Struct):
    """An element that holds a quotation with what introduces it; `first` is its first line."""

    first: int
    has_quote: bool = False


class HtmlLine(msgspec.Struct):
    """A line and where its source begins, `around` being the elements open there; it ends where the next begins."""

    start: int
    around: Open | None
    text: str
    mark: Mark


class HtmlReader:
    """Reads one document; `lines` cover it from its first character to its last."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: list[HtmlLine] = []
        self.open: Open | None = None
        self._roles: dict[tuple[str, str], Role | None] = {}
        self._start = 0
        self._around: Open | None = None
        self._words: list[str] = []
        self._mark: Mark | None = None
        self._ending = False
        self._pre = 0

    def read(self) -> list[HtmlLine]:
        """All lines of the document, in order; the last of very many goes on to the document's end."""
        at = 0
        while (token := TOKEN.search(self.source, at)) is not None:
            if len(self.lines) >= MOST_LINES:
                return self.lines
            if token.start() > at:
                self._text(at, token.start())
            at = self._token(token)
        if at < len(self.source):
            self._text(at, len(self.source))
        self._end_line(len(self.source), blank=True)
        return self.lines

    def _token(self, token: re.Match[str]) -> int:
        """Takes in a tag or a comment; the place where reading goes on."""
        closing, tag, attributes = token.groups()
        if tag is None:
            return self._skip_comment(token) if token[0] == "<!--" else token.end()
        tag = tag.lower()
        if closing:
            self._close(tag, token)
        elif tag in VOID:
            self._void(tag, attributes, token)
        elif tag in UNSEEN:
            end = UNSEEN[tag].search(self.source, token.end())
            return end.start() if end else len(self.source)
        else:
            self._begin(tag, attributes, token)
        return token.end()

    def _skip_comment(self, token: re.Match[str]) -> int:
        end = self.source.find("-->", token.end())
        return end + 3 if end >= 0 else len(self.source)

    def _void(self, tag: str, attributes: str, token: re.Match[str]) -> None:
        if tag == "br":
            self._end_line(token.end(), blank=True)
        elif tag == "hr":
            self._end_line(token.start())
            self._ending = self._ending or self._role(tag, attributes) is Role.ENDING
            self._say(RULE)
            self._end_line(token.end())
        elif tag in SEEN_VOIDS:
            self._say(PICTURE)

    def _begin(self, tag: str, attributes: str, token: re.Match[str]) -> None:
        if tag in BLOCKS:
            self._end_line(token.start())
        elif tag in CELLS:
            self._words.append(" ")
        if tag in SAME_ENDS and self.open is not None and self.open.tag == tag:
            self._pop(self.open)
        depth = self.open.depth + 1 if self.open is not None else 1
        if depth <= DEEPEST:
            mark, frame = self._enter(self._role(tag, attributes))
            self.open = Open(self.open, tag, token[0], depth, mark, frame)
            self._pre += tag == "pre"

    def _enter(self, role: Role | None) -> tuple[Mark, Frame | None]:
        """What an element of a role makes of the lines in it, and the frame it stands in or is."""
        outer = self.open
        mark, frame = (outer.mark, outer.frame) if outer is not None else (Mark.PLAIN, None)
        if role is None or mark is Mark.CITED:
            return mark, frame
        self._ending = self._ending or role is Role.ENDING
        if frame is not None and role in {Role.QUOTE, Role.INDENT}:
            frame.has_quote = True
            return Mark.CITED, frame
        if role is Role.FRAME and frame is None:
            frame = Frame(first=len(self.lines))
        return MARKS.get(role, mark), frame

    def _role(self, tag: str, attributes: str) -> Role | None:
        if "=" not in attributes and tag != "blockquote":
            return None
        key = (tag, attributes)
        if key not in self._roles:
            self._roles[key] = read_role_of(tag, attributes)
        return self._roles[key]

    def _close(self, tag: str, token: re.Match[str]) -> None:
        if tag in BLOCKS:
            self._end_line(token.start())
        found, steps = self.open, 0
        while found is not None and found.tag != tag and steps < DEEPEST_LOOK:
            found, steps = found.parent, steps + 1
        if found is not None and found.tag == tag:
            self._pop(found)
        if self._mark is None and self.lines:  # what stands before the first line goes with it
            self._start, self._around = token.end(), self.open

    def _pop(self, element: Open) -> None:
        """Closes an element and all that is still open inside it."""
        while self.open is not None and self.open.depth >= element.depth:
            closed, self.open = self.open, self.open.parent
            self._pre -= closed.tag == "pre"
            outer = self.open.frame if self.open is not None else None
            if closed.frame is not None and closed.frame is not outer and not closed.frame.has_quote:
                self._quote_from(closed.frame.first)

    def _quote_from(self, first: int) -> None:
        """A frame without a quotation in it is one."""
        for line in self.lines[first:]:
            line.mark = Mark.CITED if line.mark in {Mark.PLAIN, Mark.INTRODUCING} else line.mark

    def _text(self, start: int, end: int) -> None:
        if not self._pre:
            text = self.source[start:end]
            if not text.isspace():
                self._say(text)
            else:
                self._words.append(" ")
            return
        while len(self.lines) < MOST_LINES and (newline := self.source.find("\n", start, end)) >= 0:
            self._say(self.source[start:newline])
            self._end_line(newline + 1, blank=True)
            start = newline + 1
        if start < end:
            self._say(self.source[start:end])

    def _say(self, text: str) -> None:
        self._words.append(text)
        if self._mark is None:
            self._mark = self.open.mark if self.open is not None else Mark.PLAIN

    def _end_line(self, end: int, *, blank: bool = False) -> None:
        """Ends the line at a place in the source; without words it is a line only where `blank` ones count."""
        text = _clean("".join(self._words)) if self._mark is not None else ""
        if self._mark is None and not blank:
            return
        mark = self._mark or (self.open.mark if self.open is not None else Mark.PLAIN)
        if text and self._ending and mark is not Mark.CITED:
            mark, self._ending = Mark.ENDING, False
        elif text and mark is Mark.PLAIN and is_cited(text):
            mark = Mark.CITED
        self.lines.append(HtmlLine(self._start, self._around, text, mark))
        self._start, self._around, self._words, self._mark = end, self.open, [], None


MARKS = {
    Role.QUOTE: Mark.CITED,
    Role.INDENT: Mark.INDENTED,
    Role.INTRODUCTION: Mark.INTRODUCING,
    Role.SIGNATURE: Mark.SIGNED,
    Role.FORWARD: Mark.FORWARDED,
}


def _clean(text: str) -> str:
    if "&" in text:
        text = unescape(text)
    if not text.isascii():
        text = INVISIBLE.sub("", text)
    return " ".join(text.split())
