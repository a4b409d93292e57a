"""The words of the console: English stands where it is said, and what is put together has its table."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.web import assets

CONSOLE = Path(assets.__file__).parent / "console"
TABLE = "strings.js"
KEY = re.compile(r"(?<!= )'([a-z][a-zA-Z]*(?:_[\w-]+|[A-Z]\w*))'")
"""What is a key, and neither English nor compared with something."""


def test_every_key_that_is_asked_for_has_words() -> None:
    """A key without words would be shown as it is."""
    asked = {key for text in _sources() for call in re.findall(r"\bt\(([^()]*)", text) for key in KEY.findall(call)}
    stems = {stem for text in _sources() for stem in re.findall(r"\bt\(`(\w+_)\$\{", text)}
    assert asked - _keys() == set()
    assert len(stems) > 5
    assert [stem for stem in stems if not any(key.startswith(stem) for key in _keys())] == []


def test_no_word_is_there_for_nothing() -> None:
    """What nobody says any more is taken out."""
    text = "\n".join(_sources())
    named = set(KEY.findall(text))
    stems = tuple(re.findall(r"`(\w+_)\$\{", text))
    helped = {f"{key}Help" for key in named if key.startswith("empty")}
    assert {key for key in _keys() - named - helped if not key.startswith(stems)} == set()


def _keys() -> set[str]:
    table = (CONSOLE / TABLE).read_text().split(" = {\n")[1].split("\n};")[0]
    return {quoted or bare for quoted, bare in re.findall(r"(?:'([\w-]+)'|\b(\w+)): '", table)}


def _sources() -> list[str]:
    return [path.read_text() for path in CONSOLE.rglob("*.js") if path.name != TABLE]
