"""The Postgres and the Valkey of a fault run, owned by the run itself, so that each can be killed and frozen alone."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil

from gateway.embedded import Embedded, open_embedded
from gateway.embedded.binaries import find_valkey
from tests.faults.waiting import wait_for

START_SECONDS = 20.0
SOCKET = ".s.PGSQL.5432"


class Postgres:
    """A private cluster with fsync on. Killed, it is started again at once, as a service manager would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._embedded: Embedded | None = None

    @property
    def url(self) -> str:
        """Straight to it, past every proxy."""
        if self._embedded is None or self._embedded.database_url is None:
            raise RuntimeError("this Postgres has not been opened")
        return self._embedded.database_url

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return Path(parse_qs(urlsplit(self.url).query)["host"][0]) / SOCKET

    async def open(self) -> None:
        """Make the cluster and start it."""
        self._embedded = await open_embedded(self.folder, redis=False)

    async def close(self) -> None:
        """Stop it."""
        if self._embedded is not None:
            await self._embedded.close()

    def kill(self) -> None:
        """SIGKILL the postmaster, which ends every session."""
        os.kill(postmaster_of(self.folder), signal.SIGKILL)

    async def until_accepting(self) -> None:
        """Until it lets somebody in."""
        await wait_for(self._accepts, seconds=START_SECONDS)

    async def _accepts(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    async def freeze(self, seconds: float) -> None:
        """SIGSTOP all of it for so long."""
        main = psutil.Process(postmaster_of(self.folder))
        stopped = [main, *main.children(recursive=True)]
        _signal_all(stopped, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            _signal_all(stopped, signal.SIGCONT)


class Valkey:
    """A server of our own on a loopback port, its file appended to; it stays dead until started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    async def open(self, *settings: str) -> None:
        """Start it, with other settings where given (`--maxmemory`, `3mb`), and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--appendonly", "yes", "--save", "", *settings]
        self._spawn([str(find_valkey()), *words, "--dir", str(self.folder)])
        await wait_for(self._answers, seconds=START_SECONDS)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def restart_empty(self) -> None:
        """Kill it, lose what it held, and start it again."""
        self.kill()
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
        await self.open()

    async def fill_up(self) -> None:
        """Let it hold less than it does: every write is refused from now on, while PING is answered."""
        await self.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
        # Not just as much as it holds: the buffers of idle connections shrink by themselves, and there would be room.
        await self.say("CONFIG", "SET", "maxmemory", "1")
        if not (answer := await self.say("SET", "a", "b")).startswith(b"-OOM"):
            raise RuntimeError(f"the Redis is not full: it answers {answer!r}")

    async def empty(self) -> None:
        """Take back the limit, and what it held."""
        await self.say("CONFIG", "SET", "maxmemory", "0")
        await self.say("FLUSHALL")

    async def say(self, *words: str) -> bytes:
        """The first line of its answer to one command (RESP), empty where there is none."""
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(_as_resp(words))
            answer = await reader.readline()
            writer.close()
            return answer.strip()
        return b""

    async def _answers(self) -> bool:
        return await self.say("PING") == b"+PONG"

    def _spawn(self, command: Sequence[str]) -> None:
        with (self.folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)


def postmaster_of(folder: Path) -> int:
    """The process id of the postmaster whose cluster lies somewhere below a folder."""
    [pid_file] = folder.rglob("postmaster.pid")
    return int(pid_file.read_text().split()[0])


def _as_resp(words: Sequence[str]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)


def _signal_all(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
