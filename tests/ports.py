"""Ports for processes that a test starts."""

from __future__ import annotations

import atexit
import socket

LOOPBACK = "127.0.0.1"
_HELD: list[socket.socket] = []


def free_ports(amount: int) -> list[int]:
    """Ports that nobody else is given while this process lives.

    Each stays bound, so that the kernel hands it to no test beside us, and does not listen, so that whoever sets
    SO_REUSEADDR, as servers do, can listen there (socket(7)).
    """
    taken = [_take_port() for _ in range(amount)]
    _HELD.extend(taken)
    return [int(one.getsockname()[1]) for one in taken]


def _take_port() -> socket.socket:
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind((LOOPBACK, 0))
    return taken


@atexit.register
def _let_go() -> None:
    for one in _HELD:
        one.close()
