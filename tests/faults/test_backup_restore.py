"""Run H in its short form."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.faults.backup_restore import SECONDS


@pytest.mark.faults
def test_a_backup_under_load_restores_to_all_that_was_acknowledged() -> None:
    """50 webhooks a second with files while it is made; the copy has them all, byte by byte, and sends nothing."""
    command = [sys.executable, "-m", "tests.faults.backup_restore", "--short"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=SECONDS + 30, stdin=subprocess.DEVNULL
    )
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["acknowledged"] > 0, done.stderr
    assert (result["lost"], result["doubled"], result["out_of_order"], result["stranded"]) == (0, 0, 0, 0), done.stderr
    assert result["kept"], done.stderr
