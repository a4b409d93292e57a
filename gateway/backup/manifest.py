"""What a backup says of itself, and its checksums."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

FORMAT = 1
MANIFEST, CHECKSUM = "manifest.json", "manifest.json.sha256"
DUMP, FILES, FOLDER, SPOOL = "database.dump", "attachments.jsonl", "attachments", "spool"
READ_BYTES = 1 << 20

_KEY = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


class BackupError(Exception):
    """The backup cannot be made, is not whole, or does not fit where it is to go; the message says what to do."""


class BackedFile(msgspec.Struct, kw_only=True, frozen=True):
    """A file of the backup, by its path in it."""

    path: str
    sha256: str
    size: int


class BackedAttachment(msgspec.Struct, kw_only=True, frozen=True):
    """A file of a message: its key in the storage, and what the database knows of its content."""

    key: str
    sha256: str
    size: int


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """What a backup is made of.

    `rows` counts some tables as the snapshot saw them. `lacking` are the keys of files that the database names and the
    storage does not have, or has with another content: they were lost before the backup was made.
    """

    format: int = FORMAT
    created_at: datetime
    version: str
    postgres: int
    migrations: list[str]
    key_ids: list[str]
    rows: dict[str, int]
    files: list[BackedFile]
    attachments: int
    attachment_bytes: int
    lacking: list[str]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The manifest and its checksum; a folder without them is no backup."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST).write_bytes(content)
    (folder / CHECKSUM).write_text(f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup, or BackupError."""
    try:
        content, checksum = (folder / MANIFEST).read_bytes(), (folder / CHECKSUM).read_text().split()
    except FileNotFoundError as error:
        raise BackupError(
            f"{folder} is no backup, or not a whole one: it has no {Path(error.filename).name}"
        ) from error
    if checksum[:1] != [hashlib.sha256(content).hexdigest()]:
        raise BackupError(f"{MANIFEST} is not as it was written")
    try:
        known = msgspec.json.decode(content, type=dict[str, msgspec.Raw]).get("format")
        if known is None or bytes(known) != str(FORMAT).encode():
            raise BackupError("the backup has another format than this release reads")
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError(f"{MANIFEST} cannot be read: {error}") from error


def read_attachments(folder: Path) -> Iterator[BackedAttachment]:
    """The lines of the list of files."""
    with (folder / FILES).open("rb") as lines:
        for line in lines:
            named = msgspec.json.decode(line, type=BackedAttachment)
            if not _KEY.fullmatch(named.key):
                raise BackupError(f"{FILES} names a file outside the backup: {named.key!r}")
            yield named


def hash_file(path: Path, *, name: str) -> BackedFile:
    """A file of the backup with its checksum."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
            size += len(piece)
    return BackedFile(path=name, sha256=digest.hexdigest(), size=size)


def sync_path(path: Path) -> None:
    """Have a file, or a folder's list of files, on disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
