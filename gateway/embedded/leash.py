"""Runs one server that must not outlive the process that started it.

Used as a program: `python -I -S leash.py PARENT SIGNAL UID GID COMMAND ARGUMENT...` (UID -1: stay who we are). It is a
program of its own because a gateway has threads, and Python code between fork and exec of a threaded program can hang.
It imports nothing but the standard library.

On Linux it asks the kernel for SIGNAL at the parent's death and becomes COMMAND. The kernel means the *thread* that
forked: start servers from a thread that lives as long as they should, best the main one. Elsewhere it stays and
watches.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1  # prctl(2)
STAY = -1
WATCH_SECONDS = 0.2


def main(arguments: list[str]) -> int:
    """Drop privileges, tie the knot, become or watch the command; an exit status only where it watches."""
    parent, stop_signal, uid, gid = (int(word) for word in arguments[:4])
    command = arguments[4:]
    if uid != STAY:
        become_user(uid, gid)
    if sys.platform == "linux":
        die_with_parent(parent, stop_signal)  # after the change of user, which clears the wish
        os.execv(command[0], command)  # noqa: S606  the gateway's own command line, no shell wanted
    return watch_over(command, parent, stop_signal=stop_signal)


def become_user(uid: int, gid: int) -> None:
    """Give up root for good: groups first, while we still may."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_parent(parent: int, stop_signal: int) -> None:
    """Have the kernel send us the signal when the parent dies; leave at once if it already has."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, stop_signal, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the process that started this server is gone")


def watch_over(command: list[str], parent: int, *, stop_signal: int) -> int:
    """Run the command as a child, hand signals on, stop it when the parent is gone; its exit status."""
    stops: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):  # before the child, which nothing else would stop
        signal.signal(number, lambda received, _frame: stops.append(received))
    child = subprocess.Popen(command, close_fds=False)  # noqa: S603  the gateway's own command line, no shell
    while child.poll() is None:
        while stops:
            child.send_signal(stops.pop(0))
        if os.getppid() != parent:
            child.send_signal(stop_signal)
            return child.wait()
        time.sleep(WATCH_SECONDS)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
