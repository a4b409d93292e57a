"""The fault runs in their short form, as the commands they are: each ends in time with every promise kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.mail.dovecot import find_dovecot

RUNS = {
    "inbound_storm": {"P1", "P2", "P6", "P9", "P11", "P12"},
    "outbound_crashes": {"P7", "P8", "P10", "P15", "P16"},
    "database_down": {"P3", "P4"},
    "imap_outage": {"P13"},
    "rolling_restart": {"P19", "P20", "P23", "P24"},
    "overload": {"P21", "P22"},
}
"""Each run and the promises it has to have measured."""
MOST_SECONDS = 130
NOTHING_WRONG = {"lost": 0, "doubled": 0, "out_of_order": 0, "stranded": 0}


@pytest.mark.faults
@pytest.mark.parametrize("module", RUNS)
def test_the_short_form_of_a_run_keeps_every_promise(module: str) -> None:
    """One JSON line, exit code 0, nothing lost, doubled, out of order or stranded, and no figure beyond its limit."""
    if module == "imap_outage" and (missing := find_dovecot()):
        pytest.skip(missing)
    code, result, errors = run_short(module)
    assert result["kept"], errors[-4000:]
    assert code == 0
    assert {name: result[name] for name in NOTHING_WRONG} == NOTHING_WRONG
    assert result["acknowledged"] > 0
    assert RUNS[module] == set(result["promises"])
    assert not result["skipped"] or module == "database_down", result["skipped"]


def run_short(module: str) -> tuple[int, dict[str, Any], str]:
    """Its exit code, its one line, and what it said beside it."""
    command = [sys.executable, "-m", f"tests.faults.{module}", "--short"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False, env=dict(os.environ)
    )
    [line] = done.stdout.splitlines()
    return done.returncode, json.loads(line), done.stderr
