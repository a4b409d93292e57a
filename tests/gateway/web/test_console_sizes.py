"""What the console weighs on the wire: each file compressed by itself, as it is served."""

from __future__ import annotations

import gzip

import pytest

from gateway.web.assets import LENT, own_assets

FIRST = ("console/index.html", "console/icon.svg", "console/console.css", "console/main.js")
"""What is loaded until conversations are listed and one can be read and answered."""
FIRST_BYTES = 60 * 1024
LATER_BYTES = 30 * 1024
"""What is fetched when nothing else is to be done, or is asked for: details, settings, sign-in, dialogs, mails."""


def test_the_console_stays_within_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    """60 KB until one can answer, 30 KB for all that comes later."""
    own = {
        name: asset for name, asset in own_assets().files.items() if name.startswith("console/") and name not in LENT
    }
    sizes = {name: _weight(asset.content) for name, asset in own.items()}
    first = sum(size for name, size in sizes.items() if name in FIRST)
    later = sum(sizes.values()) - first
    lines = [f"{size:7,} {'first' if name in FIRST else 'later'} {name}" for name, size in sizes.items()]
    lines += [f"{first:7,} first, of {FIRST_BYTES:,}", f"{later:7,} later, of {LATER_BYTES:,}"]
    with capsys.disabled():
        print("", *lines, sep="\n")  # noqa: T201 - the table is for whoever reads the log
    assert set(FIRST) <= set(sizes)
    assert first <= FIRST_BYTES, lines
    assert later <= LATER_BYTES, lines


def _weight(content: bytes) -> int:
    return len(gzip.compress(content, 9, mtime=0))
