"""The words of the console's frame: each that is asked for is there, and none is there for nothing."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.web import assets

CONSOLE = Path(assets.__file__).parent / "console"
TABLES = ("strings.js", "words.js")
"""Words that are there from the start, and those of what comes later."""
OTHERS = ("timeline", "composer", "context")
"""Parts with words of their own."""
USED = re.compile(r"['`]([a-zA-Z][\w-]*|\w+_\$\{[^}]+\})['`]")


def test_every_word_that_is_asked_for_is_there() -> None:
    """A key without words would be shown as it is."""
    known = _words()
    asked = {key for text in _sources() for key in re.findall(r"\bt\('([\w-]+)'", text)} - {"key"}
    assert asked - known == set()
    assert len(asked) > 150


def test_no_word_is_there_for_nothing() -> None:
    """What nobody says any more is taken out."""
    text = "\n".join(_sources())
    named = {key for key in USED.findall(text) if "$" not in key}
    stems = {key.split("$")[0] for key in re.findall(r"`(\w+_\$\{)", text)}
    helped = {f"{key}Help" for key in named if key.startswith("empty")}
    idle = {key for key in _words() - named - helped if not any(key.startswith(stem) for stem in stems)}
    assert idle == set()


def _words() -> set[str]:
    tables = [(CONSOLE / name).read_text().split(" = {\n")[1].split("\n};")[0] for name in TABLES]
    return {quoted or bare for table in tables for quoted, bare in re.findall(r"(?:'([\w-]+)'|\b(\w+)): '", table)}


def _sources() -> list[str]:
    paths = [path for path in CONSOLE.rglob("*.js") if path.relative_to(CONSOLE).parts[0] not in OTHERS]
    return [path.read_text() for path in paths if path.name not in TABLES]
