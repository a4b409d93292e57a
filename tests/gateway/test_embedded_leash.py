"""The program that ties a server's life to its owner's."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import psutil
import pytest

from gateway.embedded import leash
from tests.gateway.embedded_owner import becomes_true, is_gone

# Starts the leash in its watching form (macOS) or its kernel form, over a `sleep`, and tells the pid of the leash.
OWNER = """
import subprocess, sys, os, time
folder, platform, command = sys.argv[1:]
program = f"import sys; sys.path.insert(0, {folder!r}); import leash; sys.platform = {platform!r}"
program += "; leash.main(sys.argv[1:])"
words = [str(os.getpid()), "15", "-1", "-1", command, "60"]
print(subprocess.Popen([sys.executable, "-c", program, *words]).pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_server_ends_with_its_owner(platform: str) -> None:
    """kill -9 of the owner ends the server, by the kernel on Linux and by a watching parent elsewhere."""
    if platform == "linux" and sys.platform != "linux":
        pytest.skip("only Linux signals the death of a parent")
    owner, tied = start_owner(platform)
    with owner:
        assert asyncio.run(becomes_true(lambda: "sleep" in names_of(tied), 5.0))
        processes = [tied, *tied.children()]
        owner.kill()
    assert asyncio.run(becomes_true(lambda: all(map(is_gone, processes)), 3.0))


def test_the_watching_form_hands_signals_on() -> None:
    """Where the leash stays between owner and server, a stop signal to it reaches the server, whose end is its own."""
    owner, tied = start_owner("darwin")
    with owner:
        assert asyncio.run(becomes_true(lambda: "sleep" in names_of(tied), 5.0))
        processes = [tied, *tied.children()]
        tied.send_signal(signal.SIGQUIT)
        assert asyncio.run(becomes_true(lambda: all(map(is_gone, processes)), 10.0))
        owner.kill()


def test_a_server_is_not_started_for_a_dead_owner() -> None:
    """If the owner is gone before the kernel was asked to watch it, nothing would ever stop the server."""
    command = [sys.executable, str(leash.__file__), "1", "15", str(leash.STAY), str(leash.STAY), "/bin/true"]
    if sys.platform != "linux":
        pytest.skip("the watching form asks again and again")
    assert "is gone" in subprocess.run(command, capture_output=True, text=True, check=False).stderr


def start_owner(platform: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A process with something on the leash."""
    folder = str(leash.__file__).rpartition("/")[0]
    command = [sys.executable, "-c", OWNER, folder, platform, "/bin/sleep"]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    return owner, psutil.Process(int(owner.stdout.readline()))


def names_of(process: psutil.Process) -> list[str]:
    """The names of a process and its children."""
    return [one.name() for one in (process, *process.children())]
