"""The ledger of erasures beside the database: a file in the data directory that no restore of a backup takes back.

A line is JSON: first `{"key": ...}`, the key of the hashes, sealed; then one line an erasure. Lines are added and never
changed; what stands there twice counts once. It names nobody: contacts by ids that are of no use without a database,
addresses by keyed hashes.
"""

from __future__ import annotations

import fcntl
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import msgspec

from inbox.contacts.erased import KEY_ID, SEALED_KEY, open_ledger_key
from inbox.kit.db import execute, fetch_value
from inbox.privacy.erasure.queries import read_ledger
from inbox.privacy.erasure.traces import LedgerLine

LEDGER_FILE = "erasures.jsonl"


class LedgerProblem(Exception):
    """The ledger cannot be read, or belongs to another system; the message says what to do."""


class KeyLine(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The key of the hashes, as base64 of its sealed bytes."""

    key: str


class Ledger(msgspec.Struct, kw_only=True):
    """What a ledger's file holds."""

    sealed_keys: list[bytes] = []
    lines: dict[UUID, LedgerLine] = {}


async def sync_ledger(data_dir: Path) -> int:
    """Write to the file what the database knows and the file does not, safely on disk; returns how many lines."""
    sealed = await fetch_value(SEALED_KEY)
    if sealed is None:
        return 0
    path = data_dir / LEDGER_FILE
    known = read_ledger_file(path) if path.exists() else Ledger()
    fresh = await read_ledger(besides=list(known.lines))
    heads = [] if sealed in known.sealed_keys else [KeyLine(key=b64encode(sealed).decode())]
    if fresh or heads:
        append_lines(path, [*heads, *fresh])
    return len(fresh)


def read_ledger_file(path: Path) -> Ledger:
    """A ledger's file; a line half written by a process that died is passed over, if it is the last."""
    ledger = Ledger()
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            _take_line(ledger, line)
        except msgspec.DecodeError as error:
            if number < len(lines):
                raise LedgerProblem(f"{path} cannot be read at line {number}: {error}") from error
    return ledger


def append_lines(path: Path, lines: Iterable[msgspec.Struct]) -> None:
    """Add lines, on disk before this returns; what another process half wrote ends first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _end_line(descriptor)
        os.write(descriptor, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def adopt_key(ledger: Ledger) -> bytes:
    """The plain key of a ledger's hashes, which becomes the database's where that has none; LedgerProblem if another's.

    A rotation seals the key anew and leaves it what it is.
    """
    plain = {open_ledger_key(sealed) for sealed in ledger.sealed_keys}
    if len(plain) != 1:
        raise LedgerProblem("the ledger has no key of its own, or several: it is not one system's")
    [key] = plain
    await execute("INSERT INTO ledger_key (id, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING", KEY_ID,
                  ledger.sealed_keys[-1])  # fmt: skip
    if open_ledger_key(await fetch_value(SEALED_KEY)) != key:
        raise LedgerProblem("the ledger's key is not this database's: it belongs to another system")
    return key


def _take_line(ledger: Ledger, line: bytes) -> None:
    if line.startswith(b'{"key":'):
        ledger.sealed_keys.append(b64decode(msgspec.json.decode(line, type=KeyLine).key))
        return
    read = msgspec.json.decode(line, type=LedgerLine)
    ledger.lines[read.id] = read


def _end_line(descriptor: int) -> None:
    """A last line without its end was never acknowledged: the next begins on a line of its own."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        keep = os.pread(descriptor, size, 0).rfind(b"\n") + 1
        os.ftruncate(descriptor, keep)
