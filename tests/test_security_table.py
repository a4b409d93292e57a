"""The table of threats and their tests says what is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "security-tests.md"
ROW = re.compile(r"^\| (T\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
ROWS = [(found[1], found[3]) for found in ROW.finditer(PAGE.read_text())]


def test_the_table_is_read() -> None:
    """Every row has its number once, in order, and at least one test."""
    numbers = [int(number[1:]) for number, _ in ROWS]
    assert len(numbers) > 30
    assert numbers == sorted(set(numbers))
    assert all(TEST.search(tests) for _, tests in ROWS)


@pytest.mark.parametrize(("number", "tests"), ROWS)
def test_every_test_of_a_row_exists(number: str, tests: str) -> None:
    """A test that is renamed or goes is missed here."""
    for path, name in TEST.findall(tests):
        assert name in functions_of(path), f"{number}: {path} has no {name}"


def functions_of(path: str) -> set[str]:
    """The tests of a file."""
    file = ROOT / path
    if not file.is_file():
        return set()
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}
