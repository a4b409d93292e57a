"""The process that parsers are forked from: it has imported their adapters, and never parses anything itself.

A fork of it costs milliseconds, a new interpreter most of a second: after a mail that had to be killed the next one
is parsed at once. `python -m gateway.parsing.nursery FD MEMORY_BYTES ADAPTER...`; it ends, with all its children, when
the other side of the socket FD is closed.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Mapping

from channels.contract import Adapter
from channels.http import Http
from channels.registry import load_adapters
from gateway.parsing.child import serve_tasks
from gateway.parsing.wire import LENGTH, REQUEST


def main() -> None:
    """Fork one for each line that is handed over, and say which process it is."""
    line, memory_bytes, names = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), sys.argv[3:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is told to all of a terminal; our end is the other's
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the kernel buries the dead
    adapters = load_adapters(Http(), names=names)
    gc.freeze()
    while _bear_next(line, adapters, memory_bytes):
        pass
    os.killpg(0, signal.SIGKILL)


def _bear_next(line: socket.socket, adapters: Mapping[str, Adapter], memory_bytes: int) -> bool:
    request, fds, _, _ = socket.recv_fds(line, len(REQUEST), 1)
    if not request or not fds:
        return False
    pid = os.fork()
    if pid:
        os.close(fds[0])
        line.sendall(LENGTH.pack(pid))
        return True
    try:
        line.close()
        serve_tasks(socket.socket(fileno=fds[0]), adapters, memory_bytes=memory_bytes)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
