"""Where the private servers keep their files, and as whom they run.

Everything lies in `<state folder>/embedded`: `postgres/` and `valkey/` (data), `run/` (sockets), logs and locks.
Postgres refuses to run as root, so under root both servers run as another user, and what they need must be within its
reach.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.embedded.errors import EmbeddedError

if sys.platform != "win32":
    import pwd

TEMPORARY = Path("/tmp")  # noqa: S108  not TMPDIR: every process must find the same sockets, whatever its environment
SYSTEM_STATE = Path("/var/lib/switchboard")
NOBODY = 65534  # where no user is called nobody
# sun_path holds 104 bytes on macOS, 108 on Linux, with the closing zero.
SOCKET_PATH_BYTES = 100
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
# What needs no quoting in a DSN, in Postgres' list of socket folders and in Valkey's command line.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """The user the servers run as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one state folder's servers; `account` is None where they run as we do."""

    home: Path
    sockets: Path
    account: Account | None


def settle_places(state_dir: Path) -> Places:
    """Find, and make where missing, the folders that belong to a state folder: the same for every process that asks."""
    state = state_dir.resolve()
    state.mkdir(parents=True, exist_ok=True)
    account = choose_account(state / "embedded")
    home = _settle_home(state, account)
    sockets = home / "run" if fits_socket(home / "run") else choose_short_folder(state)
    make_server_folder(sockets, account)
    return Places(home, sockets, account)


def choose_account(home: Path) -> Account | None:
    """Nobody, or whoever owns the data already, when we are root; otherwise None."""
    if os.geteuid() != 0:
        return None
    for folder in (home / "postgres", home / "valkey"):
        if folder.exists() and folder.stat().st_uid != 0:
            return Account(folder.stat().st_uid, folder.stat().st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(NOBODY, NOBODY)
    return Account(nobody.pw_uid, nobody.pw_gid)


def _settle_home(state: Path, account: Account | None) -> Path:
    """`<state>/embedded`: a folder, or a link to a shelter if the server's user cannot pass the folders above it."""
    entrance = state / "embedded"
    if account:
        state.chmod(stat.S_IMODE(state.stat().st_mode) | stat.S_IXOTH)  # to pass, not to look around
        if not entrance.is_symlink() and not entrance.exists() and not can_reach(state, account):
            _link(entrance, choose_shelter(state))
            log.warning(
                "under root the private servers run as user %d, who cannot reach %s: their data lies in %s",
                account.uid, state, entrance.resolve(),
            )  # fmt: skip
    home = entrance.resolve()
    for folder in (home.parent, home):
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o711 if account else 0o700)  # whatever the umask
    _check_owner(home, os.geteuid())
    return home


def choose_shelter(state: Path) -> Path:
    """A new place outside; what was made under /tmp stays under /tmp. The link remembers it, so that a state folder
    made anew starts empty.
    """
    name = secrets.token_hex(6)
    return TEMPORARY / f"switchboard-{name}" if TEMPORARY in state.parents else SYSTEM_STATE / name


def can_reach(path: Path, account: Account) -> bool:
    """Whether the account may pass every folder down to this file or folder, and enter or run it."""
    path = path.resolve()
    return all(_may_pass(step.stat(), account) for step in (path, *path.parents))


def fits_socket(folder: Path) -> bool:
    """Whether sockets in this folder can be bound, and their paths written in URLs and options without quoting."""
    path = str(folder / LONGEST_SOCKET_NAME)
    return len(os.fsencode(path)) <= SOCKET_PATH_BYTES and PLAIN_PATH.fullmatch(path) is not None


def choose_short_folder(state: Path) -> Path:
    """A folder for the sockets with a short, plain path: the same for everyone who names this state folder."""
    return TEMPORARY / f"switchboard-{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}-run"


def make_server_folder(folder: Path, account: Account | None) -> None:
    """A folder for the server's user alone; refuses one that somebody else made."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account and folder.lstat().st_uid == 0:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    _check_owner(folder, account.uid if account else os.geteuid())


def _link(entrance: Path, shelter: Path) -> None:
    try:
        entrance.symlink_to(shelter, target_is_directory=True)
    except FileExistsError:  # another process of ours was quicker, with the same answer
        return


def _may_pass(info: os.stat_result, account: Account) -> bool:
    if info.st_uid == account.uid:
        return bool(info.st_mode & stat.S_IXUSR)
    return bool(info.st_mode & (stat.S_IXGRP if info.st_gid == account.gid else stat.S_IXOTH))


def _check_owner(folder: Path, uid: int) -> None:
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != uid:
        raise EmbeddedError(
            f"{folder} belongs to user {info.st_uid}, but is needed by user {uid}. Run as the user who made it, "
            f"give it away (chown -R {uid}), or choose another SWITCHBOARD_DATA_DIR."
        )
