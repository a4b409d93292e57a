"""Plain text taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from channels.email.quoting.attribution import find_inner_attribution
from channels.email.quoting.lines import MOST_LINES, Lines, Mark, is_cited
from channels.email.quoting.plan import Place, plan_lines
from channels.email.quoting.split import Split
from channels.email.quoting.words import INVISIBLE


def split_text(text: str, *, forward: bool = False) -> Split:
    """Parts new words from quotation and signature in a body of text/plain.

    A reply above, beneath or around one quoted mail leaves that mail to `quoted`. Answers between quoted lines stay
    new with the quotes they answer, in their places; what is quoted after the last answer goes to `quoted`. A mail
    passed on stays visible; `forward` tells that the subject announces one (`is_forward_subject`), since Outlook
    marks it in no other way. Every line is in one of the three; only blank lines at their edges go.
    """
    raw = _cut_lines(text)
    plan = plan_lines(_read_lines(raw[:MOST_LINES], text), forward=forward)
    places = plan.places + plan.places[-1:] * (len(raw) - len(plan.places))
    return Split(
        new=_join(raw, places, Place.NEW) or "",
        quoted=_join(raw, places, Place.QUOTED),
        signature=_join(raw, places, Place.SIGNATURE),
        forwarded=plan.forwarded,
    )


def _cut_lines(text: str) -> list[str]:
    """The lines; one that words share with the attribution after them becomes two."""
    raw = text.splitlines()
    for at in range(min(len(raw), MOST_LINES) - 1, -1, -1):
        if raw[at][-1:] == ":" and (column := find_inner_attribution(raw[at])):
            raw[at : at + 1] = [raw[at][:column], raw[at][column:]]
    return raw


def _read_lines(raw: list[str], text: str) -> Lines:
    if INVISIBLE.search(text):
        texts = [INVISIBLE.sub("", line).strip() for line in raw]
    else:
        texts = [line.strip() for line in raw]
    return Lines(texts, [Mark.CITED if line[:1] in ">＞" and line and is_cited(line) else Mark.PLAIN for line in texts])


def _join(raw: list[str], places: list[Place], place: Place) -> str | None:
    """The lines of one place in their order. Where others stood between them one blank line stays, if there was any."""
    joined, above = "", 0
    for start, end in _runs(places, place):
        first, last = _trim(raw, start, end)
        if first == last:
            continue
        if joined:
            joined += "\n" if all(map(str.strip, raw[above:first])) else "\n\n"
        joined, above = joined + "\n".join(raw[first:last]), last
    return joined or None


def _runs(places: list[Place], place: Place) -> Iterator[tuple[int, int]]:
    """The stretches of lines that go to one place, each from its first line to the one after its last."""
    end = 0
    for its, run in groupby(places):
        start, end = end, end + len(list(run))
        if its is place:
            yield start, end


def _trim(raw: list[str], start: int, end: int) -> tuple[int, int]:
    """The stretch without blank lines at its edges."""
    while start < end and not raw[start].strip():
        start += 1
    while start < end and not raw[end - 1].strip():
        end -= 1
    return start, end
