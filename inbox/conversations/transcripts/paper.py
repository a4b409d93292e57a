"""A transcript as PDF, typeset by Typst from a template of ours; what people wrote reaches it as data alone.

Its own fonts have Latin, Greek, Cyrillic and Hebrew letters; for others it takes those of the machine, such as Noto's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

import msgspec
import typst

from inbox.conversations.transcripts.rendering import Heading, Line, clean_heading, clean_line, moment

TEMPLATE = b"""
#let data = json(bytes(sys.inputs.data))
#set document(title: data.title)
#set page(paper: "a4", margin: (x: 2.2cm, y: 2cm), numbering: "1 / 1")
#set text(size: 10pt)
#set par(justify: false)
= #data.title
#if data.subject != none [#text(data.subject)]
#line(length: 100%, stroke: 0.5pt + gray)
#for entry in data.lines {
  block(above: 1.1em, breakable: true, width: 100%, inset: (left: 8pt, y: 3pt),
    fill: if entry.internal { rgb("#fff6d6") } else { none }, stroke: (left: 1.5pt + gray))[
    #strong(entry.who) #text(fill: luma(90), size: 9pt)[#entry.head] \\
    #for (number, row) in entry.rows.enumerate() { if number > 0 { linebreak() }; text(row) }
  ]
}
"""


class _Printed(msgspec.Struct):
    """One entry as the template takes it."""

    who: str
    head: str
    rows: list[str]
    internal: bool


class _Document(msgspec.Struct):
    title: str
    subject: str | None
    lines: list[_Printed]


def print_transcript(heading: Heading, lines: Sequence[Line], *, zone: tzinfo) -> bytes:
    """The PDF; times in this zone. Takes about a second for a thousand entries, so not on the event loop."""
    cleaned = clean_heading(heading)
    document = _Document(
        title=f"Conversation {cleaned.number} with {cleaned.contact}",
        subject=cleaned.subject,
        lines=[_printed(clean_line(line), zone) for line in lines],
    )
    printed: bytes = typst.compile(TEMPLATE, sys_inputs={"data": msgspec.json.encode(document).decode()})
    return printed


def _printed(line: Line, zone: tzinfo) -> _Printed:
    note = ", internal" if line.internal else ""
    return _Printed(
        who=line.who,
        head=f"{moment(line.at, zone)} ({line.by}{note})",
        rows=line.text.split("\n"),
        internal=line.internal,
    )
