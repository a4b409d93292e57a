"""The private Postgres: how its data is made, how it is started, and what may stand in its way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from gateway.embedded.binaries import bring_within_reach, find_postgres
from gateway.embedded.errors import EmbeddedError
from gateway.embedded.places import make_server_folder

if TYPE_CHECKING:
    from gateway.embedded.keeper import Run
    from gateway.embedded.places import Places

OLDEST_MAJOR = 17  # the first with the built-in locale provider
CONNECT_SECONDS = 2.0
# Given on the command line, so that nothing in the data folder can switch durability off. For a small machine.
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # names the socket only
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_error_verbosity": "terse",  # DETAIL and CONTEXT quote rows: personal data
    "log_checkpoints": "off",
    "cluster_name": "switchboard",
}
SETTINGS_BY_MAJOR = {18: {"io_method": "sync"}}  # three resident I/O workers saved
SHARED_MEMORY_IN_USE = "pre-existing shared memory block"
LOCK_FILE_EXISTS = "lock file"


class PrivatePostgres:
    """What the keeper has to know of Postgres."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends the sessions, writes a checkpoint

    def __init__(self, places: Places, pg_bin: Path | None) -> None:
        self._places = places
        self._pg_bin = pg_bin
        self._data = places.home / "postgres"
        self.url = f"postgresql://app@/postgres?host={places.sockets}&port={SETTINGS['port']}"

    async def prepare(self, run: Run) -> list[str]:
        """Make the cluster if there is none, refuse one of another major, and return the command line."""
        binary = await asyncio.to_thread(bring_within_reach, find_postgres(self._pg_bin), self._places)
        major = await asyncio.to_thread(read_major, binary)
        if not self._data.exists():
            await self._make_cluster(binary.with_name("initdb"), run)
        check_major(self._data, major, binary=binary)
        settings = SETTINGS | SETTINGS_BY_MAJOR.get(major, {}) | {"unix_socket_directories": str(self._places.sockets)}
        return [str(binary), "-D", str(self._data), *(f"-c{name}={value}" for name, value in settings.items())]

    async def _make_cluster(self, initdb: Path, run: Run) -> None:
        """Under another name first: whatever is called `postgres` is complete."""
        unfinished = self._data.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        make_server_folder(unfinished, self._places.account)
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        await run([str(initdb), "-D", str(unfinished), "-U", "app", "-A", "trust", *locale])
        unfinished.rename(self._data)

    async def answers(self) -> bool:
        """Whether it lets us in: it accepts connections long before crash recovery is done."""
        try:
            connection = await asyncpg.connect(self.url, timeout=CONNECT_SECONDS)
        except asyncpg.TooManyConnectionsError:
            return True
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    def repair(self, output: str) -> bool:
        """Clear what a killed postmaster left behind; whether another attempt may succeed.

        We hold the owner's lock, so no postmaster of ours is alive. Its sessions can outlive it while they compute, and
        its pid files can name a zombie, or, in a container, another process that got the same number.
        """
        if SHARED_MEMORY_IN_USE in output:
            for pid in find_processes_in(self._data):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGQUIT)
            return True
        if LOCK_FILE_EXISTS in output:
            for file in (self._data / "postmaster.pid", self._places.sockets / f".s.PGSQL.{SETTINGS['port']}.lock"):
                if file.exists() and not names_live_postmaster(file, self._data):
                    file.unlink()
            return True
        return False


def read_major(binary: Path) -> int:
    """The major version of a `postgres` binary, as `postgres (PostgreSQL) 18.6` or `19beta1` says it."""
    spoken = subprocess.run([binary, "-V"], capture_output=True, text=True, check=False)  # noqa: S603  no shell
    digits = "".join(c if c.isdigit() else " " for c in spoken.stdout).split()
    if spoken.returncode or not digits:
        raise EmbeddedError(f"{binary} does not run here: {spoken.stderr.strip() or spoken.stdout.strip()}")
    if int(digits[0]) < OLDEST_MAJOR:
        raise EmbeddedError(f"{binary} is Postgres {digits[0]}; {OLDEST_MAJOR} or newer is needed.")
    return int(digits[0])


def check_major(data: Path, major: int, *, binary: Path) -> None:
    """Refuse data written by another major: Postgres cannot read it."""
    found = (data / "PG_VERSION").read_text().strip()
    if found != str(major):
        raise EmbeddedError(
            f"The data in {data} was written by Postgres {found}, but {binary} is Postgres {major}. "
            f"Set SWITCHBOARD_PG_BIN to the folder with the binaries of Postgres {found}, "
            "or move the data over with pg_dump and psql (or pg_upgrade)."
        )


def names_live_postmaster(pid_file: Path, data: Path) -> bool:
    """Whether the pid on the first line is a Postgres on this data; yes where that cannot be seen."""
    pid = pid_file.read_text().split("\n", 1)[0].strip()
    process = Path("/proc") / pid
    if not Path("/proc/self").exists():
        return True
    try:
        return (process / "cwd").readlink() == data
    except PermissionError:  # root without the right to trace, in a container
        return (process / "comm").read_text().strip() == "postgres"
    except OSError:  # gone, or a zombie
        return False


def find_processes_in(folder: Path) -> list[int]:
    """The processes that work in this folder, as far as we may see them; none without /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == folder and (process / "comm").read_text().strip() == "postgres":
                found.append(int(process.name))
    return found
