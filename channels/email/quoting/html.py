"""HTML taken apart."""

from __future__ import annotations

from channels.email.quoting.html_lines import HtmlLine, HtmlReader, Open
from channels.email.quoting.lines import Lines
from channels.email.quoting.plan import Place, plan_lines
from channels.email.quoting.split import Split

# Elements around a cut that both sides get, so that each is whole; more than so many are an attack.
MOST_AROUND = 100
NOT_REPEATED = frozenset({"html", "head", "body"})


def split_html(html: str, *, forward: bool = False) -> Split:
    """Parts new words from quotation and signature in a body of text/html, as `split_text` does in text/plain.

    The three are HTML, cut out of the source unread: sanitise them. Elements open where a cut falls are closed before
    it and opened again after it; nothing else is added, and nothing taken away.
    """
    read = HtmlReader(html).read()
    plan = plan_lines(Lines([line.text for line in read], [line.mark for line in read]), forward=forward)
    places = _place_blanks(read, plan.places)
    return Split(
        new=_cut_out(html, read, places, place=Place.NEW) or "",
        quoted=_cut_out(html, read, places, place=Place.QUOTED),
        signature=_cut_out(html, read, places, place=Place.SIGNATURE),
        forwarded=plan.forwarded,
    )


def _place_blanks(read: list[HtmlLine], places: list[Place]) -> list[Place]:
    """Blank lines go with the line above them, so that no cut is made for their sake."""
    placed: list[Place] = []
    above = next((place for line, place in zip(read, places, strict=True) if line.text), Place.NEW)
    for line, place in zip(read, places, strict=True):
        above = place if line.text else above
        placed.append(above)
    return placed


def _cut_out(html: str, read: list[HtmlLine], places: list[Place], *, place: Place) -> str | None:
    """The source of one place's lines."""
    pieces: list[str] = []
    start = -1
    for at in range(len(places) + 1):
        its = at < len(places) and places[at] is place
        if its and start < 0:
            start = at
        elif not its and start >= 0:
            pieces.append(_cut(html, read, start, end=at))
            start = -1
    return "".join(pieces) or None


def _cut(html: str, read: list[HtmlLine], start: int, *, end: int) -> str:
    first = read[start]
    last = read[end] if end < len(read) else None
    opened = "".join(element.source for element in reversed(_elements(first.around)))
    closed = "".join(f"</{element.tag}>" for element in _elements(last.around)) if last else ""
    return f"{opened}{html[first.start : last.start if last else len(html)]}{closed}"


def _elements(around: Open | None) -> list[Open]:
    """The elements around a place, the innermost first."""
    if around is None or around.depth > MOST_AROUND:
        return []
    elements = []
    while around is not None:
        if around.tag not in NOT_REPEATED:
            elements.append(around)
        around = around.parent
    return elements
