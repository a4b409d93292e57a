"""Small stories of people and a shop, written as they are read, and their steps. Pure.

A story begins with `# title`; then each line is a step: `> ` the customer writes, `>> ` writes again at once,
`< ` an agent answers, `= ` an agent notes something down, `x` an agent closes the conversation. `[photo]` at the end of
a customer's line sends a picture along. `{first}`, `{agent}`, `{order}` and `{town}` are filled in when it is played.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from gateway.demo.tales import arabic, chinese, english, french, german, portuguese, spanish

Language: TypeAlias = Literal["en", "es", "de", "fr", "pt", "ar", "zh"]
Move: TypeAlias = Literal["writes", "adds", "answer", "note", "close"]

PHOTO = "[photo]"
MARKS: dict[str, Move] = {">": "writes", ">>": "adds", "<": "answer", "=": "note", "x": "close"}
TALES: dict[Language, str] = {
    "en": english.TALES,
    "es": spanish.TALES,
    "de": german.TALES,
    "fr": french.TALES,
    "pt": portuguese.TALES,
    "ar": arabic.TALES,
    "zh": chinese.TALES,
}


class Step(msgspec.Struct, kw_only=True, frozen=True):
    """One thing that happens in a story."""

    move: Move
    text: str = ""
    photo: bool = False


class Story(msgspec.Struct, kw_only=True, frozen=True):
    """What happens between one customer and the shop."""

    language: Language
    title: str
    steps: tuple[Step, ...]


def read_stories(language: Language, text: str) -> Iterator[Story]:
    """The stories of one language; ValueError for a line that is no step."""
    for block in text.strip().split("# ")[1:]:
        title, *lines = block.strip().splitlines()
        steps = tuple(_read_step(line.strip()) for line in lines if line.strip())
        yield Story(language=language, title=title.strip(), steps=steps)


def _read_step(line: str) -> Step:
    mark, _, words = line.partition(" ")
    if mark not in MARKS:
        raise ValueError(f"{line!r} is no step of a story")
    text = words.strip()
    return Step(move=MARKS[mark], text=text.removesuffix(PHOTO).strip(), photo=text.endswith(PHOTO))


STORIES: dict[Language, tuple[Story, ...]] = {
    language: tuple(read_stories(language, text)) for language, text in TALES.items()
}
