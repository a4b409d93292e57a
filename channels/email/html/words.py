"""HTML as plain words a person can read: paragraphs, lists, tables, quotations and links keep their sense."""

from __future__ import annotations

import re

from channels.email.html.rules import BLOCKS, LINK_URL, MAX_HTML_CHARS, URL_NOISE, VOID
from channels.email.html.tokens import End, Start, Words, read_attributes, read_tokens

MAX_QUOTES = 20
"""Quotations inside one another that get a > of their own."""
MAX_LISTS = 10
"""Lists inside one another that are set in further."""
MAX_SHOWN_URL_CHARS = 300
"""A longer address is one that counts clicks, and is left out."""
MAX_HIDDEN_DEPTH = 1_000

SPACE = re.compile(r"[ \t\r\n\f]+")
_APART = "p h1 h2 h3 h4 h5 h6 blockquote pre ul ol dl table address figure"
APART = frozenset(_APART.split())
"""Blocks with an empty line around them; other blocks and rows have a line of their own."""
LINES = BLOCKS | {"tr", "caption", "title", "body", "form", "fieldset", "legend", "option"}
CELLS = frozenset({"td", "th"})


def text_of(html: str, *, links: bool = True) -> str:
    """The words of any HTML, hostile or not; `links` says whether addresses follow what is linked to them.

    What the sender hid (`display: none`) is left out. A quotation's lines begin with "> ", a list's with "- " or "1. ".
    """
    reader = _Reader(links=links)
    for token in read_tokens(html[:MAX_HTML_CHARS]):
        match token:
            case Words(text):
                reader.take_words(text)
            case Start(tag, rest):
                reader.begin(tag, rest)
            case End(tag):
                reader.end(tag)
    return reader.page.finish()


class _Page:
    """Lines as they come to be."""

    def __init__(self) -> None:
        self.quotes = 0
        self._lines: list[str] = []
        self._line: list[str] = []
        self._mark = ""
        self._gap = 0
        self._gap_quotes = 0
        self._space = False

    def break_line(self, lines: int) -> None:
        """Let what follows stand `lines` lines further down: 1 begins a line, 2 leaves one empty."""
        if self._line:
            self._end_line()
        self._gap = max(self._gap, lines - 1)
        self._gap_quotes = min(self._gap_quotes, self.quotes)

    def next_line(self) -> None:
        """A line break somebody asked for, which may leave a line empty."""
        if self._line:
            self._end_line()
        else:
            self._gap = min(self._gap + 1, 2)

    def mark_item(self, mark: str) -> None:
        """Put this before the next words."""
        self.break_line(1)
        self._mark = mark

    def add_space(self) -> None:
        """White space, which counts once and only between words."""
        self._space = bool(self._line)

    def add(self, word: str) -> None:
        """Words without white space to collapse."""
        if not self._line:
            self._begin_line()
        elif self._space:
            self._line.append(" ")
        self._space = False
        self._line.append(word)

    def finish(self) -> str:
        """All of it."""
        self.break_line(1)
        return "\n".join(self._lines)

    def _begin_line(self) -> None:
        if self._lines:
            self._lines += [("> " * min(self._gap_quotes, self.quotes)).rstrip()] * self._gap
        self._gap = 0
        self._line = ["> " * self.quotes + self._mark]
        self._mark = " " * len(self._mark) if self._mark.isspace() else ""

    def _end_line(self) -> None:
        line = "".join([*self._line, " " if self._space else ""]).replace("\xa0", " ")
        self._line = []
        self._space = False
        self._gap_quotes = self.quotes
        if line.strip("> "):
            self._lines.append("-- " if line == "-- " else line.rstrip())
        else:
            self._gap = min(self._gap + 1, 2)


class _Reader:
    """What tags do to the lines."""

    def __init__(self, *, links: bool) -> None:
        self.page = _Page()
        self._links = links
        self._lists: list[int | None] = []
        self._hidden: list[str] = []
        self._pre = 0
        self._link: tuple[str, list[str]] | None = None

    def take_words(self, text: str) -> None:
        if self._hidden:
            return
        if self._link:
            self._link[1].append(text)
        if self._pre:
            self._take_lines(text)
            return
        words = SPACE.split(text)
        for at, word in enumerate(words):
            if at:
                self.page.add_space()
            if word:
                self.page.add(word)

    def begin(self, tag: str, rest: str) -> None:
        attributes = read_attributes(rest) if rest else {}
        if self._hide(tag, attributes):
            return
        self._break_around(tag)
        match tag:
            case "br":
                self.page.next_line()
            case "hr":
                self.page.add("-" * 20)
                self.page.break_line(1)
            case "img" if attributes.get("alt", "").strip():
                self.page.add(f"[{' '.join(attributes['alt'].split())}]")
            case "td" | "th":
                self.page.add_space()
            case "a":
                self._link = (attributes.get("href", ""), [])
            case "li" | "ul" | "ol" | "blockquote" | "pre":
                self._enter(tag)

    def end(self, tag: str) -> None:
        if self._hidden:
            self._unhide(tag)
            return
        match tag:
            case "a":
                self._show_link()
            case "ul" | "ol":
                self._lists[-1:] = []
            case "blockquote":
                self.page.break_line(2)
                self.page.quotes = max(self.page.quotes - 1, 0)
            case "pre":
                self._pre = max(self._pre - 1, 0)
            case "td" | "th":
                self.page.add_space()
        self._break_around(tag)

    def _hide(self, tag: str, attributes: dict[str, str]) -> bool:
        """Whether this tag stands in what is hidden, or begins it."""
        if not self._hidden and not ("style" in attributes and "none" in attributes["style"].lower()):
            return False
        begins = not self._hidden and bool(HIDING.search(attributes["style"][:1000]))
        if tag not in VOID and (begins or self._hidden) and len(self._hidden) < MAX_HIDDEN_DEPTH:
            self._hidden.append(tag)
        return begins or bool(self._hidden)

    def _unhide(self, tag: str) -> None:
        """Close the innermost such tag, and what was left open inside it."""
        if tag in self._hidden[-20:]:
            while self._hidden.pop() != tag:
                pass

    def _break_around(self, tag: str) -> None:
        if tag in APART:
            self.page.break_line(1 if tag in {"ul", "ol"} and self._lists else 2)
        elif tag in LINES:
            self.page.break_line(1)

    def _enter(self, tag: str) -> None:
        match tag:
            case "ul" | "ol":
                self._lists.append(0 if tag == "ol" else None)
            case "li":
                self.page.mark_item(self._next_mark())
            case "blockquote":
                self.page.quotes = min(self.page.quotes + 1, MAX_QUOTES)
            case "pre":
                self._pre += 1

    def _next_mark(self) -> str:
        indent = "  " * (min(len(self._lists), MAX_LISTS) - 1)
        number = self._lists[-1] if self._lists else None
        if number is None:
            return f"{indent}- "
        self._lists[-1] = number + 1
        return f"{indent}{number + 1}. "

    def _take_lines(self, text: str) -> None:
        first, *others = text.expandtabs(8).splitlines() or [""]
        if first:
            self.page.add(first)
        for line in others:
            self.page.next_line()
            if line:
                self.page.add(line)
        if text.endswith("\n"):
            self.page.next_line()

    def _show_link(self) -> None:
        if not self._link:
            return
        (href, words), self._link = self._link, None
        url = URL_NOISE.sub("", href)
        if self._links and len(url) <= MAX_SHOWN_URL_CHARS and LINK_URL.match(url) and not _says(words, url):
            self.page.add_space()
            self.page.add(f"<{url}>")


HIDING = re.compile(r"(?:^|[;\s])display\s*:\s*none", re.IGNORECASE)


def _says(words: list[str], url: str) -> bool:
    """Whether the words are the address already."""
    return _bare("".join(words)) == _bare(url)


def _bare(url: str) -> str:
    url = url.strip().lower().removeprefix("mailto:").removeprefix("tel:")
    return url.removeprefix("http://").removeprefix("https://").removeprefix("www.").rstrip("/")
