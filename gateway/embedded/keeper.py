"""Keeps one private server running: one process of those that share a state folder owns it, the others join.

The owner starts the server and starts it again when it dies. When the owner dies, the kernel stops the server
(leash.py), and the next process that gets the lock starts it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from gateway.embedded import leash
from gateway.embedded.errors import EmbeddedError
from gateway.embedded.lock import OwnerLock

if TYPE_CHECKING:
    from gateway.embedded.places import Places

OPEN_SECONDS = 300.0  # crash recovery of a busy Postgres takes its time
POLL_SECONDS = 0.02
WATCH_SECONDS = 0.2  # how soon a death is seen, one's own server's or the owner's
RETRY_SECONDS = 10.0  # how long repairable failures at the start are tried again
PAUSE_SECONDS = 2.0  # after a failed start
STOP_SECONDS = 8.0
QUIT_SECONDS = 2.0
KILL_SECONDS = 2.0
LOG_BYTES = 10_000_000  # a longer log is put aside at the next start
EXCERPT_CHARACTERS = 2000
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # nothing else: ours holds secrets

Run = Callable[[list[str]], Awaitable[None]]

log = logging.getLogger(__name__)


class PrivateServer(Protocol):
    """What differs between Postgres and Valkey."""

    name: str
    stop_signal: signal.Signals
    url: str

    async def prepare(self, run: Run) -> list[str]:
        """Make its data ready, with `run` for programs that must end well, and return its command line."""

    async def answers(self) -> bool:
        """Whether a client would be served now."""

    def repair(self, output: str) -> bool:
        """Given what it said at a failed start, mend what can be mended; whether to try again."""


class Keeper:
    """One server of one state folder, seen from this process."""

    def __init__(self, server: PrivateServer, places: Places) -> None:
        self._server = server
        self._places = places
        self._lock = OwnerLock(places.home / f"{server.name}.lock")
        self._log = places.home / f"{server.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Return when the server serves, started by us or by another process, and watch over it from then on."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._start_or_join()
        except TimeoutError as error:
            raise EmbeddedError(f"No {self._server.name} after {OPEN_SECONDS:.0f} s; see {self._log}") from error
        self._watch = asyncio.create_task(self._keep_alive(), name=f"keep {self._server.name}")

    async def _start_or_join(self) -> None:
        """Whichever is possible first: an owner may die, or stop, while we wait for its server."""
        while True:
            if self._lock.take():
                return await self._launch()
            if await self._server.answers():
                return None
            await asyncio.sleep(POLL_SECONDS)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self._revive()
            except Exception as error:  # noqa: BLE001  a watch that ends would leave everybody without a server
                log.error("%s cannot be started again: %s", self._server.name, error)  # noqa: TRY400  the text says it all
                await asyncio.sleep(PAUSE_SECONDS)

    async def _revive(self) -> None:
        """Start it again if it died and is ours, or if its owner died."""
        if self._lock.held:
            if self._process and self._process.poll() is None:
                return
            log.warning("%s has died; starting it again", self._server.name)
        elif self._lock.take():
            log.info("%s has lost its owner; taking over", self._server.name)
        else:
            return
        await self._launch()

    async def _launch(self) -> None:
        """Start it and wait until it answers; mend and retry what can be mended."""
        command = await self._server.prepare(self._run)
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            before = self._spawn(command, self._server.stop_signal)
            if await self._answers_while_alive():
                return
            output = read_from(self._log, before)
            if not self._server.repair(output) or time.monotonic() > deadline:
                raise EmbeddedError(f"{self._server.name} does not start; {self._log} says:\n{shorten(output)}")
            await asyncio.sleep(WATCH_SECONDS)

    async def _answers_while_alive(self) -> bool:
        while self._process and self._process.poll() is None:
            if await self._server.answers():
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _run(self, command: list[str]) -> None:
        """Run a program to its end, which must be a good one."""
        before = self._spawn(command, signal.SIGKILL)
        if self._process and await wait_for_exit(self._process) and self._process.returncode:
            output = shorten(read_from(self._log, before))
            raise EmbeddedError(f"{Path(command[0]).name} failed; {self._log} says:\n{output}")

    def _spawn(self, command: list[str], death_signal: signal.Signals) -> int:
        """Start a program on the leash, the lock passed on to it; the length of its log before it spoke."""
        account, descriptor = self._places.account, self._lock.descriptor
        uid, gid = (account.uid, account.gid) if account else (leash.STAY, leash.STAY)
        words = [os.getpid(), int(death_signal), uid, gid]
        with open_log(self._log) as output:
            before = output.tell()  # the child moves this very position
            self._process = subprocess.Popen(  # noqa: S603  our own command line, no shell
                [sys.executable, "-I", "-S", str(leash.__file__), *map(str, words), *command],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", umask=0o077,
                env=choose_environment(os.environ), start_new_session=True,
                pass_fds=() if descriptor is None else (descriptor,),
            )  # fmt: skip
            return before

    async def close(self) -> None:
        """Stop watching, stop the server if it is ours, let go of the lock. Can be called again."""
        if self._watch:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        if self._process:
            await self._stop(self._process)
            self._process = None
        self._lock.release()

    async def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """Ask, insist, kill."""
        steps = {self._server.stop_signal: STOP_SECONDS, signal.SIGQUIT: QUIT_SECONDS, signal.SIGKILL: KILL_SECONDS}
        for number, seconds in steps.items():
            process.send_signal(number)
            if await wait_for_exit(process, seconds):
                return


async def wait_for_exit(process: subprocess.Popen[bytes], seconds: float = math.inf) -> bool:
    """Whether it ends within this time."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110  no Event is set by a process
        await asyncio.sleep(POLL_SECONDS)
    return process.returncode is not None


def open_log(path: Path) -> BinaryIO:
    """The log, to be written at its end; a long one is put aside first (one is kept)."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def read_from(path: Path, position: int) -> str:
    """What was written into a log after this position, in bytes."""
    return path.read_bytes()[position:].decode(errors="replace").strip()


def shorten(output: str) -> str:
    """The end of it, for an error message."""
    return output[-EXCERPT_CHARACTERS:]


def choose_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What the servers may see of our environment: no secrets, no PG* variables that would change their settings."""
    return {name: environment[name] for name in ENVIRONMENT if name in environment} | {"LC_ALL": "C"}
