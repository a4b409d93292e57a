"""Secrets are compared in constant time, everywhere (security.md T9)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECRET = re.compile(r"(^|_)(token|secret|signature|password|passwd|hmac|mac|auth_token|api_key)$")
COMPARED = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


def test_no_secret_is_compared_byte_by_byte() -> None:
    """No `==`, `!=` or `in` on anything named like a secret: how long that takes tells how far it got."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for package in ("channels", "gateway", "inbox")
        for path in (ROOT / package).rglob("*.py")
        if not path.is_relative_to(ROOT / "channels" / "simulators")  # it is no secret's guard
        if not path.is_relative_to(ROOT / "channels" / "kit")  # nor is it
        for line in find_comparisons(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize("code", ["a.token == b", "x = secret != given", "if sig and api_key in keys: pass"])
def test_the_check_finds_what_it_is_for(code: str) -> None:
    """It is not blind."""
    assert list(find_comparisons(code)) == [1]


@pytest.mark.parametrize("code", ["secret is None", "a == b", "hmac.compare_digest(secret, given)", "token == ''"])
def test_the_check_leaves_the_rest_alone(code: str) -> None:
    """Nor does it see what is not there: whether a secret is set at all is no secret."""
    assert list(find_comparisons(code)) == []


def find_comparisons(code: str) -> Iterator[int]:
    """The lines on which a secret is compared plainly."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Compare) or not any(isinstance(one, COMPARED) for one in node.ops):
            continue
        sides = [node.left, *node.comparators]
        if any(_is_secret(side) for side in sides) and not any(isinstance(side, ast.Constant) for side in sides):
            yield node.lineno


def _is_secret(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return bool(SECRET.search(name))
