"""What the console weighs on the wire: each file compressed by itself, as it is served."""

from __future__ import annotations

import gzip

import pytest

from gateway.web.assets import LENT, own_assets

FIRST = ("console/index.html", "console/icon.svg", "console/console.css", "console/main.js")
"""What is loaded until conversations are listed and one can be read and answered."""
FIRST_BYTES = 56 * 1024
TOTAL_BYTES = 74 * 1024
"""With what is fetched when nothing else is to be done: details, settings, sign-in, dialogs, the frame of a mail."""


def test_the_console_stays_within_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    """What is first needed, and everything: as tight as the next kilobyte."""
    own = {
        name: asset for name, asset in own_assets().files.items() if name.startswith("console/") and name not in LENT
    }
    sizes = {name: _weight(asset.content) for name, asset in own.items()}
    first, total = sum(sizes[name] for name in FIRST), sum(sizes.values())
    lines = [f"{size:7,} {'first' if name in FIRST else 'later'} {name}" for name, size in sizes.items()]
    lines += [f"{first:7,} first, of {FIRST_BYTES:,}", f"{total:7,} in all, of {TOTAL_BYTES:,}"]
    with capsys.disabled():
        print("", *lines, sep="\n")  # noqa: T201 - the table is for whoever reads the log
    assert first <= FIRST_BYTES, lines
    assert total <= TOTAL_BYTES, lines


def _weight(content: bytes) -> int:
    return len(gzip.compress(content, 9, mtime=0))
