"""Free-form JSON: merged as RFC 7396 says, and bounded."""

from __future__ import annotations

from typing import Any

import pytest

from inbox.contacts.patching import MAX_BYTES, MAX_DEPTH, check_free_json, merge_patch
from inbox.kit.errors import Problem


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_follows_the_rfc(target: Any, patch: Any, result: Any) -> None:
    """The examples of RFC 7396, appendix A."""
    assert merge_patch(target, patch) == result


def test_merge_patch_leaves_its_target_alone() -> None:
    """A patch that is refused later has changed nothing."""
    target = {"a": {"b": 1}}
    merge_patch(target, {"a": {"b": None, "c": 2}})
    assert target == {"a": {"b": 1}}


def nested(levels: int) -> Any:
    """A value inside this many arrays."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_free_json_has_bounds() -> None:
    """Neither size nor depth of what others store with us is unbounded."""
    check_free_json(nested(MAX_DEPTH), pointer="/attributes")
    check_free_json("x" * (MAX_BYTES - 2), pointer="/attributes")
    for value, code in ((nested(MAX_DEPTH + 1), "too_deep"), (nested(900), "too_deep"), ("x" * MAX_BYTES, "too_long")):
        with pytest.raises(Problem) as refused:
            check_free_json(value, pointer="/attributes")
        assert [(error.pointer, error.code) for error in refused.value.errors] == [("/attributes", code)]
