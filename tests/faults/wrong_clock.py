"""A gateway or worker whose clock is wrong: `python -m tests.faults.wrong_clock serve` with FAULTS_CLOCK=<file>.

The file holds the seconds by which the process's wall clock is off, and may be changed while it runs, as clocks are
stepped. It is the process's own idea of the time that is bent, at the places where it asks for it; monotonic time, as
in life, is not.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from inbox.kit import clock

FILE = Path(os.environ.get("FAULTS_CLOCK", ""))
TRUE_TIME, TRUE_TIME_NS = time.time, time.time_ns


def read_offset() -> float:
    """The seconds by which the clock is off at this moment."""
    return float(FILE.read_text() or 0)


def bend_clock() -> None:
    """Before anything else is imported, so that everybody gets these."""
    time.time = lambda: TRUE_TIME() + read_offset()
    time.time_ns = lambda: TRUE_TIME_NS() + int(read_offset() * 1e9)
    clock.utc_now = lambda: datetime.fromtimestamp(time.time(), UTC)


if __name__ == "__main__":
    bend_clock()
    from gateway.__main__ import main

    main()
