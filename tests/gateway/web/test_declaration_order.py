"""Small scripts do in the same order what the sources do.

Of declarations of one kind in a row (`const` or `let`) the minifier puts those first that take a value apart, and sees
that one uses the other, but not that both do something. So it is given the ones as `let` and the others as `const`, and
the sources have no `let` right before one that takes apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.web.assets import FOLDER
from gateway.web.minifying import minify_texts

APART = re.compile(r"^(?P<indent>\s*)(?:const|let) [{\[]")
APART_BEHIND = re.compile(r"^\s*(?:const|let) [^=(]*=[^;]*, [{\[][^()]*[}\]] = ")
COMMENT = ("//", "/*", "*")


@pytest.mark.parametrize(
    ("script", "order"),
    [
        ("function f() { const a = one(); const { b } = two(); return [a, b, a]; }", ["one", "two"]),
        ("function f() { const a = one(); const [b] = two(); const { c } = three(); return [a, b, c, a]; }",
         ["one", "two", "three"]),
        ("function f() { const { b } = one(); const a = two(); const { c } = three(); return [a, b, c, a]; }",
         ["one", "two", "three"]),
        ("async function f(it) { const late = (it.late = []); const { b } = await it.load(); return [late, b, late]; }",
         ["late", "load"]),
        ("async function f(it) { const a = await it.load(); const { b } = a.read(); return [a, b, a]; }",
         ["load", "read"]),
    ],
)  # fmt: skip
def test_what_is_done_first_stays_first(script: str, order: list[str]) -> None:
    """A list that is begun behind the answer it waits for misses what came meanwhile."""
    [smaller] = minify_texts({"a.js": script}).values()
    assert len(smaller) < len(script)
    assert sorted(order, key=smaller.index) == order


def test_our_scripts_are_written_so_that_it_holds() -> None:
    """No `let` stands right before what takes a value apart, and nothing is taken apart behind a comma."""
    assert [place for path in FOLDER.rglob("*.js") for place in _breaches(path)] == []


def test_a_breach_is_seen(tmp_path: Path) -> None:
    """The rule above is one that can be broken."""
    script = tmp_path / "a.js"
    script.write_text("let a = one(\n  2,\n);\n// why\nconst { b } = two();\nconst c = three(), { d } = four();\n")
    assert list(_breaches(script)) == ["a.js:5", "a.js:6"]


def _breaches(path: Path) -> Iterator[str]:
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        apart = APART.match(line)
        if APART_BEHIND.match(line) or (apart and _before(lines[:number], apart["indent"]).startswith("let ")):
            yield f"{path.name}:{number + 1}"


def _before(lines: list[str], indent: str) -> str:
    """The first line of the statement that stands before, in the same block; "" where there is none."""
    for line in reversed(lines):
        text = line.strip()
        if not text or text.startswith(COMMENT):
            continue
        if not line.startswith(indent):
            return ""
        if re.match(rf"{indent}[\w$]", line):
            return text
    return ""
