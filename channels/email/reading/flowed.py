"""format=flowed (RFC 3676): lines that were broken softly are whole again, quotes keep their depth. Pure."""

from __future__ import annotations

from collections.abc import Iterator

SIGNATURE = "-- "


def join_flowed(text: str, *, drop_spaces: bool = False) -> str:
    """The text with its paragraphs on one line each; `drop_spaces` is DelSp=yes, for languages without blanks."""
    if " \n" not in text and "\n " not in text and not text.startswith(" "):
        return text
    return "\n".join(_join_lines(text.split("\n"), drop_spaces=drop_spaces))


def _join_lines(lines: list[str], *, drop_spaces: bool) -> Iterator[str]:
    held: list[str] = []
    held_depth = 0
    for line in lines:
        depth, words = _take_quote(line)
        if held and (depth != held_depth or words == SIGNATURE):
            yield _quote(held_depth, "".join(held))
            held = []
        held_depth = depth
        flows = words.endswith(" ") and words != SIGNATURE
        held.append(words[:-1] if flows and drop_spaces else words)
        if not flows:
            yield _quote(depth, "".join(held))
            held = []
    if held:
        yield _quote(held_depth, "".join(held))


def _take_quote(line: str) -> tuple[int, str]:
    """Depth and words of a line, the space of stuffing taken off (4.4, 4.5)."""
    words = line.lstrip(">") if line.startswith(">") else line
    return len(line) - len(words), words.removeprefix(" ")


def _quote(depth: int, words: str) -> str:
    return f"{'>' * depth} {words}" if depth else words
