"""Scripts and styles as small as they get, by a minifier that knows their grammars, in a process of its own.

The minifier is a Go library. Its runtime would bring threads and signal handlers into the gateway and stay; so it runs
for a moment at the start and is gone. Where it is missing, as on systems it is not built for, or refuses a text, that
text is served as it stands: larger, and the same.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog

log = structlog.get_logger()

CHILD = Path(__file__).with_name("minify_child.py")
LONGEST_SECONDS = 30.0
"""It takes a fifth of one; on a machine that is this slow, larger files are the smaller evil."""


def minify_texts(texts: Mapping[str, str], *, child: Path = CHILD) -> dict[str, str]:
    """Texts by paths ending in .js or .css, each smaller or as it is."""
    try:
        # -P: the folder of the program is no place to import from.
        done = subprocess.run(  # noqa: S603 - our own program and interpreter; the texts are its input
            [sys.executable, "-P", child], input=msgspec.json.encode(texts), capture_output=True,
            timeout=LONGEST_SECONDS, check=True,
        )  # fmt: skip
        smaller = msgspec.json.decode(done.stdout, type=dict[str, str])
    except subprocess.CalledProcessError as error:
        log.warning("assets_not_minified", reason=_last_line(error.stderr))
        return dict(texts)
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as error:
        log.warning("assets_not_minified", reason=str(error))
        return dict(texts)
    if done.stderr:
        log.warning("assets_not_minified", reason=_last_line(done.stderr))
    return {**texts, **smaller}


def _last_line(told: bytes) -> str:
    return told.decode(errors="replace").strip().rpartition("\n")[2]
