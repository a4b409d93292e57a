"""The private Valkey: a Unix socket, an append-only file flushed each second, nothing durable in it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
from typing import TYPE_CHECKING

from gateway.embedded.binaries import bring_within_reach, find_valkey
from gateway.embedded.places import make_server_folder

if TYPE_CHECKING:
    from gateway.embedded.keeper import Run
    from gateway.embedded.places import Places

PING_SECONDS = 2.0
SETTINGS = {
    "port": "0",  # no TCP
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "loglevel": "warning",
}
# How it says at its start that it cannot read what it wrote.
DAMAGED = ("append only file", "AOF")

log = logging.getLogger(__name__)


class PrivateValkey:
    """What the keeper has to know of Valkey."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, places: Places) -> None:
        self._places = places
        self._folder = places.home / "valkey"
        self._socket = places.sockets / "valkey.sock"
        self.url = f"unix://{self._socket}"

    async def prepare(self, _run: Run) -> list[str]:
        """Make its folder and return the command line."""
        make_server_folder(self._folder, self._places.account)
        binary = await asyncio.to_thread(bring_within_reach, find_valkey(), self._places)
        settings = SETTINGS | {"dir": str(self._folder), "unixsocket": str(self._socket)}
        return [str(binary), *(word for name, value in settings.items() for word in (f"--{name}", value))]

    async def answers(self) -> bool:
        """Whether it takes commands, its data loaded."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(self._socket))
                writer.write(b"PING\r\n")
                answer = await reader.readline()
                writer.close()
        except OSError:
            return False
        return answer == b"+PONG\r\n"

    def repair(self, output: str) -> bool:
        """Put a damaged append-only file aside: nothing in it is worth a gateway that does not start."""
        if not any(sign in output for sign in DAMAGED):
            return False
        files = self._folder / "appendonlydir"
        aside = files.with_name("appendonlydir.damaged")
        if not files.exists():
            return False
        shutil.rmtree(aside, ignore_errors=True)
        files.rename(aside)
        log.warning("valkey could not read its append-only file; it was put aside as %s", aside)
        return True
