"""The reference of the commands."""

from __future__ import annotations

from pathlib import Path

from gateway.commands.exits import EXIT_CODES, ExitCode
from gateway.commands.page import commands_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "commands.md"


def test_the_reference_page_is_up_to_date() -> None:
    """docs/reference/commands.md says what the commands do; make it anew with `commands_page()` after a change."""
    assert PAGE.read_text() == commands_page()


def test_every_exit_code_is_explained() -> None:
    """Each code a command may end with stands in the table of the page."""
    assert set(EXIT_CODES) == set(ExitCode)
    assert all(f"| {code.value} |" in commands_page() for code in ExitCode)
