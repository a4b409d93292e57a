"""A transcript as text, Markdown or HTML. Pure.

What people wrote is quoted so that it can pass for nothing else: no line of a message looks like the head of another,
no markup in it takes effect, and nothing is loaded from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from html import escape
from typing import Literal, TypeAlias

import msgspec

Format: TypeAlias = Literal["text", "markdown", "html", "json", "pdf"]

NOISE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Control characters, which terminals obey, and marks that turn the direction of what follows."""
MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&:@=$^])")
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}"
    "article{margin:1rem 0;padding:.5rem 1rem;border-left:.25rem solid #888}"
    ".internal{background:#fff6d6}header{color:#555}p{white-space:pre-wrap;overflow-wrap:anywhere;margin:.25rem 0}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
MEDIA_TYPES: dict[Format, str] = {
    "text": "text/plain",
    "markdown": "text/markdown",
    "html": "text/html",
    "json": "application/json",
    "pdf": "application/pdf",
}
ENDINGS: dict[Format, str] = {"text": "txt", "markdown": "md", "html": "html", "json": "json", "pdf": "pdf"}


class Line(msgspec.Struct, kw_only=True, frozen=True):
    """One entry as it is read: when, who, by which medium, and the words."""

    at: datetime
    who: str
    by: str
    text: str
    internal: bool = False


class Heading(msgspec.Struct, kw_only=True, frozen=True):
    """What the document is about."""

    number: int
    contact: str
    subject: str | None = None


def render_transcript(heading: Heading, lines: Sequence[Line], *, form: Format, zone: tzinfo) -> str:
    """The document; times in this zone."""
    return RENDERERS[form](clean_heading(heading), [clean_line(line) for line in lines], zone)


def _text(heading: Heading, lines: Sequence[Line], zone: tzinfo) -> str:
    blocks = [f"Conversation {heading.number} with {heading.contact}"]
    if heading.subject:
        blocks[0] += f"\nSubject: {heading.subject}"
    for line in lines:
        quoted = "\n".join(f"    {one}" for one in line.text.split("\n"))
        blocks.append(f"{_head(line, zone)}\n{quoted}")
    return "\n\n".join(blocks) + "\n"


def _markdown(heading: Heading, lines: Sequence[Line], zone: tzinfo) -> str:
    blocks = [f"# Conversation {heading.number} with {_escaped(heading.contact)}"]
    if heading.subject:
        blocks.append(f"**Subject:** {_escaped(heading.subject)}")
    for line in lines:
        quoted = "\n".join(f"> {_escaped(one)}  " for one in line.text.split("\n"))
        blocks.append(f"**{_escaped(_head(line, zone))}**\n\n{quoted}")
    return "\n\n".join(blocks) + "\n"


def _html(heading: Heading, lines: Sequence[Line], zone: tzinfo) -> str:
    title = f"Conversation {heading.number} with {escape(heading.contact)}"
    subject = f'<p dir="auto">{escape(heading.subject)}</p>' if heading.subject else ""
    articles = "".join(
        f"<article{' class=internal' if line.internal else ''}><header>"
        f'<time datetime="{line.at.isoformat()}">{escape(moment(line.at, zone))}</time> '
        f'<bdi>{escape(line.who)}</bdi> {escape(line.by)}</header><p dir="auto">{escape(line.text)}</p></article>'
        for line in lines
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{title}</title><style>{STYLE}</style></head>"
        f"<body><h1>{title}</h1>{subject}{articles}</body></html>\n"
    )


RENDERERS: dict[Format, Callable[[Heading, Sequence[Line], tzinfo], str]] = {
    "text": _text,
    "markdown": _markdown,
    "html": _html,
}


def _head(line: Line, zone: tzinfo) -> str:
    note = ", internal" if line.internal else ""
    return f"[{moment(line.at, zone)}] {line.who} ({line.by}{note}):"


def moment(at: datetime, zone: tzinfo) -> str:
    """A time as all documents show it."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _escaped(text: str) -> str:
    """Markdown's own signs as themselves (CommonMark 2.4); digits that would begin a list cannot without their dot."""
    return MARKDOWN.sub(r"\\\1", text)


def clean_heading(heading: Heading) -> Heading:
    """Without what a reader would obey instead of reading it."""
    subject = _one_line(heading.subject) if heading.subject else None
    return Heading(number=heading.number, contact=_one_line(heading.contact), subject=subject)


def clean_line(line: Line) -> Line:
    """As `clean_heading`."""
    text = NOISE.sub("", line.text.replace("\r\n", "\n").replace("\r", "\n"))
    return msgspec.structs.replace(line, who=_one_line(line.who), by=_one_line(line.by), text=text)


def _one_line(text: str) -> str:
    return NOISE.sub("", " ".join(text.split()))
