"""A process that has a state folder's servers open, to be killed: `python -m tests.gateway.embedded_owner STATE`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from gateway.embedded import open_embedded

REPOSITORY = Path(__file__).parents[2]


async def main(state: Path) -> None:
    """Open, say so, close when standard input ends."""
    embedded = await open_embedded(state)
    sys.stdout.write(f"{embedded.database_url} {embedded.redis_url}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    await embedded.close()


@contextmanager
def owner_process(
    state: Path, *, python: str = sys.executable, user: int | None = None, path: tuple[Path, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """Run that process until it has the servers; at the end it is killed if it has not ended."""
    process = subprocess.Popen(
        [python, "-m", "tests.gateway.embedded_owner", str(state)],
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert "postgresql://" in process.stdout.readline()
            yield process
        finally:
            process.kill()


def find_servers(state: Path) -> dict[str, psutil.Process]:
    """The servers of a state folder that are alive, by the name of their program."""
    sockets = str((state / "embedded").resolve() / "run")
    found = {}
    for process in psutil.process_iter(["name", "cmdline"]):
        if any(sockets in word for word in process.info["cmdline"] or []) and "python" not in process.info["name"]:
            found[process.info["name"]] = process
    return found


def with_children(processes: dict[str, psutil.Process]) -> list[psutil.Process]:
    """The processes and all they have started."""
    return [one for process in processes.values() for one in (process, *process.children(recursive=True))]


def is_gone(process: psutil.Process) -> bool:
    """Whether it has ended; nobody may have asked for its status yet."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE) or not process.is_running()
    except psutil.NoSuchProcess:
        return True


def is_replaced(before: dict[str, psutil.Process], after: dict[str, psutil.Process]) -> bool:
    """Whether the same servers run, each as another process."""
    return set(before) == set(after) and all(before[name].pid != after[name].pid for name in before)


async def becomes_true(condition: Callable[[], object], seconds: float) -> bool:
    """Whether the condition comes true in this time; seen true once is enough, for a server may go again at once."""
    deadline = time.monotonic() + seconds
    while not (seen := condition()) and time.monotonic() < deadline:  # noqa: ASYNC110  other processes set no Event
        await asyncio.sleep(0.05)
    return bool(seen)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
