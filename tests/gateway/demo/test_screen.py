"""What the demo shows."""

from __future__ import annotations

from io import StringIO

import msgspec
import pytest
from rich.console import Console

from gateway.commands.spoken import SpokenEnvelope
from gateway.demo.screen import CALM_LINES, Screen
from gateway.demo.summary import Summary

FLAWLESS = Summary(sent=3, stored=3, answered=2, delivered=2, lost=0, doubled=0, first_stored_seconds=1.52)


def screen(*, terminal: bool) -> tuple[Screen, StringIO]:
    """A screen and what is on it."""
    output = StringIO()
    console = Console(file=output, force_terminal=terminal, width=80, color_system=None, highlight=False)
    return Screen(aside=False, console=console), output


def message(text: str) -> SpokenEnvelope:
    """Somebody wrote."""
    entry = {
        "id": "ent_1", "type": "message", "conversation_id": "cnv_1", "seq": 1, "direction": "inbound", "text": text,
        "author": {"address": "+34600111222"}, "created_at": "",
    }  # fmt: skip
    told = {
        "cursor": "1", "type": "message.created", "timestamp": "2026-11-21T09:14:03.120Z", "data": {"entry": entry},
    }  # fmt: skip
    return msgspec.convert(told, SpokenEnvelope)


def test_a_terminal_stays_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much happens in a second, no more lines run through than people can follow, each within the width."""
    monkeypatch.setattr("gateway.demo.screen.time.monotonic", lambda: 5.0)
    shown, output = screen(terminal=True)
    for _ in range(CALM_LINES * 5):
        shown.show_event(message("x" * 200))
    lines = output.getvalue().splitlines()
    assert len(lines) == CALM_LINES
    assert all(len(line) <= 80 for line in lines)


def test_a_file_gets_everything() -> None:
    """Where nobody watches nothing is cut and nothing left out."""
    shown, output = screen(terminal=False)
    for _ in range(CALM_LINES * 5):
        shown.show_event(message("x" * 200))
    assert output.getvalue().count("x" * 200) == CALM_LINES * 5


def test_each_step_is_told_with_its_time() -> None:
    """Starting up is a line a step, so that it is seen what takes long."""
    shown, output = screen(terminal=False)
    with shown.step("Postgres and Valkey"):
        pass
    assert output.getvalue().startswith("✓ Postgres and Valkey")


def test_the_verdict_is_plain() -> None:
    """All figures, and in the last line whether anything was lost or doubled."""
    shown, output = screen(terminal=False)
    shown.show_summary(FLAWLESS, seconds=8, waiting=0)
    assert output.getvalue().rstrip().endswith("✓ nothing lost, nothing doubled in 8 s")
    shown.show_summary(msgspec.structs.replace(FLAWLESS, lost=1), seconds=8, waiting=2)
    assert output.getvalue().rstrip().endswith("✗ 1 lost and 0 doubled in 8 s")
    assert "2 replies were still on their way" in output.getvalue()
