"""What pytest loads: one test for each sample, refusal and kind of part of the subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

pytest.register_assert_rewrite("channels.kit.guarding", "channels.kit.reading", "channels.kit.sending")

from channels.kit.examples import EXAMPLES  # noqa: E402  the checks' asserts are to be rewritten before they are loaded
from channels.kit.subject import Subject, Subjected  # noqa: E402  as above

CASES: dict[str, Callable[[Subject], Sequence[tuple[str, Any]]]] = {
    "sample": lambda subject: [(name, name) for name in subject.sample_names],
    "refusal": lambda subject: [(refusal.name, refusal) for refusal in subject.refusals],
    "part": lambda _: list(EXAMPLES.items()),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each check of a subject its cases by the names of its arguments."""
    if metafunc.cls is None or not issubclass(metafunc.cls, Subjected):
        return
    for argument in CASES.keys() & set(metafunc.fixturenames):
        cases = CASES[argument](metafunc.cls.subject)
        metafunc.parametrize(argument, [value for _, value in cases], ids=[name for name, _ in cases])
