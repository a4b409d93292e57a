"""Looking whether a backup is whole, as it was written."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.backup.manifest import (
    FOLDER,
    BackedFile,
    BackupError,
    Manifest,
    hash_file,
    read_attachments,
    read_manifest,
)


@contextmanager
def opened_backup(source: Path) -> Iterator[Path]:
    """The folder of a backup; a tar file is unpacked beside it for as long as this is open."""
    if source.is_dir():
        yield source
        return
    if not source.is_file():
        raise BackupError(f"{source} does not exist")
    with tempfile.TemporaryDirectory(prefix=f".{source.name}.", dir=source.parent) as folder:
        try:
            with tarfile.open(source, mode="r:") as tar:
                tar.extractall(folder, filter="data")
        except tarfile.TarError as error:
            raise BackupError(f"{source} is no backup, or is cut short: {error}") from error
        inside = list(Path(folder).iterdir())
        if len(inside) != 1:
            raise BackupError(f"{source} is no backup")
        yield inside[0]


def verify_backup(folder: Path) -> tuple[Manifest, list[str]]:
    """Read every byte and compare: the manifest, and what is wrong, in words. BackupError where there is none."""
    manifest = read_manifest(folder)
    problems = list(_compare(folder, manifest.files))
    if not problems:
        lacking, counted = set(manifest.lacking), 0
        for named in read_attachments(folder):
            counted += 1
            if named.key not in lacking:
                path = f"{FOLDER}/{named.key}"
                problems += _compare(folder, [BackedFile(path=path, sha256=named.sha256, size=named.size)])
        if counted != manifest.attachments:
            problems.append(f"{counted} files are listed, {manifest.attachments} were backed up")
    return manifest, problems


def _compare(folder: Path, files: list[BackedFile]) -> Iterator[str]:
    for wanted in files:
        try:
            found = hash_file(folder / wanted.path, name=wanted.path)
        except FileNotFoundError:
            yield f"{wanted.path} is missing"
            continue
        if found != wanted:
            yield f"{wanted.path} is not as it was written ({found.size} bytes, {wanted.size} expected)"
