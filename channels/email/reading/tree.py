"""The parts of a mail (RFC 2046 5.1), found by their delimiters in one pass a level, without copying their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from channels.email.reading.headers import Header, read_header
from channels.email.reading.limits import ReadLimits
from channels.email.reading.parameters import read_disposition, read_type
from channels.email.reading.transfer import find_encoding

GUESS_BYTES = 20_000
"""How far into a multipart without a usable boundary one is looked for."""
BLANK_BYTES = 100

_GUESS = re.compile(rb"^--([^\s-][^\r\n]{0,250}|-[^\r\n]{2,250})[ \t]*\r?\n[A-Za-z-]{4,60}:", re.MULTILINE)
_LINE_REST = re.compile(rb"(--)?[ \t]*(?:\r{0,2}\n|\r|\Z)")


class Part(msgspec.Struct, kw_only=True):
    """A node of the tree: where its body lies in the mail, and what its header says of it."""

    path: str
    start: int
    end: int
    media_type: str
    parameters: dict[str, str]
    disposition: str = ""
    name: str | None = None
    encoding: str = ""
    content_id: str | None = None
    description: str | None = None
    children: list[Part] = []


class Tree(msgspec.Struct, kw_only=True):
    """A mail taken apart: its root's header, its root, and what was odd."""

    header: Header
    root: Part
    flags: set[str]


def split_mail(raw: bytes, limits: ReadLimits) -> Tree:
    """The tree of a mail; the bytes of each part are `raw[part.start:part.end]`, still encoded."""
    header = read_header(raw, start=0, end=len(raw), max_bytes=limits.header_bytes, max_fields=limits.header_fields)
    root = _make_part(header, end=len(raw), path="", default="text/plain")
    splitter = _Splitter(raw, limits)
    splitter.grow(root, depth=1)
    if not root.children:
        root.path = "1"
    if header.broken or header.mended:
        splitter.flags.add("bad_header")
    if header.cut:
        splitter.flags.add("truncated")
    return Tree(header=header, root=root, flags=splitter.flags)


class _Splitter:
    """Counts over the whole tree, so that the limits hold for the mail and not for a branch of it."""

    def __init__(self, raw: bytes, limits: ReadLimits) -> None:
        self.raw = raw
        self.limits = limits
        self.flags: set[str] = set()
        self.parts = 0
        self.misses = 0

    def grow(self, part: Part, depth: int) -> None:
        """Find the children of a multipart, and theirs."""
        if not part.media_type.startswith("multipart/"):
            return
        if depth > self.limits.depth:
            self.flags.add("too_deep")
            part.media_type = "application/octet-stream"  # kept as one file
            return
        for start, end in self._find_spans(part):
            if self.parts >= self.limits.parts:
                self.flags.add("too_many_parts")
                break
            self.parts += 1
            child = self._read_part(part, start, end)
            part.children.append(child)
            self.grow(child, depth + 1)
        if not part.children:
            self.flags.add("bad_structure")

    def _read_part(self, parent: Part, start: int, end: int) -> Part:
        most, fields = self.limits.part_header_bytes, self.limits.header_fields
        header = read_header(self.raw, start=start, end=end, max_bytes=most, max_fields=fields)
        if header.broken or header.mended:
            self.flags.add("bad_header")
        number = len(parent.children) + 1
        default = "message/rfc822" if parent.media_type == "multipart/digest" else "text/plain"
        return _make_part(header, end=end, path=f"{parent.path}.{number}".lstrip("."), default=default)

    def _find_spans(self, part: Part) -> Iterator[tuple[int, int]]:
        """Where the children lie, with their headers. What no delimiter ends, the end of the multipart does."""
        marker = self._find_marker(part)
        opened = -1
        for line, content, closing in self._find_delimiters(part, marker) if marker else ():
            if opened >= 0:
                yield opened, max(opened, _content_end(self.raw, line))
            opened = -1 if closing else content
        if opened >= 0:
            yield from self._end_open(part, marker, opened)

    def _end_open(self, part: Part, marker: bytes, opened: int) -> Iterator[tuple[int, int]]:
        """The last child where nothing closes the multipart, or only something on the child's own last line."""
        glued = self.raw.rfind(marker + b"--", opened, part.end)
        end = glued if glued >= 0 else part.end
        if not self.raw[opened : min(end, opened + BLANK_BYTES)].strip() and end - opened < BLANK_BYTES:
            self.flags.add("bad_structure")
            return
        self.flags.add("bad_structure" if glued >= 0 or part.end < len(self.raw) else "truncated")
        yield opened, end

    def _find_marker(self, part: Part) -> bytes:
        """The dashes and boundary that begin a delimiter: as declared, or as the body shows them where that is none."""
        boundary = part.parameters.get("boundary", "").rstrip()
        marker = b"--" + boundary.encode("utf-8", "replace")
        if boundary and self.raw.find(marker, part.start, part.end) >= 0:
            return marker
        self.flags.add("bad_structure")
        guess = _GUESS.search(self.raw, part.start, min(part.end, part.start + GUESS_BYTES))
        return b"--" + guess[1].rstrip() if guess else b""

    def _find_delimiters(self, part: Part, marker: bytes) -> Iterator[tuple[int, int, bool]]:
        """Each delimiter line: where it begins, where what follows begins, and whether it closes the multipart."""
        raw, end, before = self.raw, part.end, max(part.start - 1, 0)
        lead = b"\n" + marker
        if raw.find(lead, before, end) < 0 and raw.find(b"\r" + marker, before, end) >= 0:
            lead = b"\r" + marker
        place = part.start if raw.startswith(marker, part.start) else raw.find(lead, before, end) + 1 or -1
        while place >= 0 and self.misses <= self.limits.boundary_misses:
            rest = _LINE_REST.match(raw, place + len(marker), end)
            if rest:
                yield place, rest.end(), rest[1] is not None
            else:
                self.misses += 1
            place = raw.find(lead, rest.end() - 1 if rest else place + 1, end) + 1 or -1


def _content_end(raw: bytes, line: int) -> int:
    """The line break before a delimiter belongs to the delimiter (RFC 2046 5.1.1)."""
    end = line - 1
    return end - 1 if raw[end : end + 1] == b"\n" and raw[end - 1 : end] == b"\r" else end


def _make_part(header: Header, *, end: int, path: str, default: str) -> Part:
    fields: dict[str, str] = {}
    for name, value in header.fields:
        if name.startswith("content-"):
            fields.setdefault(name, value)
    declared, parameters = read_type(fields.get("content-type", ""))
    disposition, about = read_disposition(fields.get("content-disposition", ""))
    file_name = (
        about.get("filename") or about.get("name") or parameters.get("name") or parameters.get("filename") or None
    )
    fallback = "application/octet-stream" if file_name or disposition == "attachment" else default
    return Part(
        path=path,
        start=header.end,
        end=end,
        media_type=declared or fallback,
        parameters=parameters,
        disposition=disposition,
        name=file_name,
        encoding=find_encoding(fields.get("content-transfer-encoding", "")),
        content_id=fields.get("content-id", "").strip().strip("<>").strip() or None,
        description=fields.get("content-description"),
    )
