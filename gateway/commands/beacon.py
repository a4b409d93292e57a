"""The note a running demo leaves in its data directory, so that `tail` and `send` find it without being told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

BEACON_NAME = "demo.json"
ONLY_OURS = 0o600


class Beacon(msgspec.Struct, kw_only=True, frozen=True):
    """Where the demo's gateway is, and a key that opens it."""

    url: str
    api_key: str


def light_beacon(data_dir: Path, beacon: Beacon) -> Path:
    """Leave the note; whole or not at all."""
    path = data_dir / BEACON_NAME
    beside = path.with_suffix(f".{os.getpid()}")
    beside.touch(mode=ONLY_OURS)
    beside.write_bytes(msgspec.json.encode(beacon))
    beside.replace(path)
    return path


def find_beacon(environ: Mapping[str, str], *, default: Path) -> Beacon | None:
    """The note of the demo that runs, or ran last, in the data directory; None where there is none to be read."""
    folder = Path(environ.get("SWITCHBOARD_DATA_DIR") or default).expanduser()
    try:
        return msgspec.json.decode((folder / BEACON_NAME).read_bytes(), type=Beacon)
    except (OSError, msgspec.DecodeError):
        return None


def put_out_beacon(data_dir: Path) -> None:
    """Take the note away: there is nothing to be found any more."""
    (data_dir / BEACON_NAME).unlink(missing_ok=True)
