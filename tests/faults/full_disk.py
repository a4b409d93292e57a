"""A disk that fills up: a small tmpfs where we may mount one, else a limit on the size of files."""

from __future__ import annotations

import fcntl
import os
import resource
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.site import Site

TORN_BYTES = 5000


@contextmanager
def small_disk(site: Site, *, size: int) -> Iterator[bool]:
    """The spool's folder has room for so many bytes; whether it is a disk, or only a limit on each file."""
    spool = site.data / "spool"
    spool.mkdir(exist_ok=True)
    options = f"size={size},mode=0700"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(spool)], check=False, capture_output=True
    )
    if done.returncode == 0:
        try:
            yield True
        finally:
            subprocess.run(["umount", "--lazy", str(spool)], check=True)
        return
    _limit_files(site, size)
    try:
        yield False
    finally:
        _limit_files(site, resource.RLIM_INFINITY)


def tear_orphans(spool: Path) -> int:
    """Begin another record at the end of each file nobody holds, as a power cut would leave it; how many there were."""
    torn = 0
    for path in spool.glob("*.spool"):
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            file.write(struct.pack(">II", TORN_BYTES, 1) + b"half a record")
            file.flush()
            os.fsync(file.fileno())
            torn += 1
    return torn


def _limit_files(site: Site, size: int) -> None:
    for name, process in site.running.items():
        if name.startswith("serve"):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
