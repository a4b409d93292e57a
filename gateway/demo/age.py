"""How old this process is: what a newcomer waits for begins when they press Enter, not when our code does."""

from __future__ import annotations

import os
import time
from pathlib import Path

LOADED = time.monotonic()
START_FIELD = 19
"""Where `starttime` stands behind the name in /proc/self/stat (proc(5): field 22, in clock ticks since boot)."""


def process_age() -> float:
    """Seconds since the process started; where the system does not tell, since this module was loaded."""
    try:
        behind_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return uptime - int(behind_name[START_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.monotonic() - LOADED
