"""What an installation brings: every file the pages are made of is in the package."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

from gateway.web.assets import FOLDER, MEDIA_TYPES

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_every_file_of_the_pages_is_packaged() -> None:
    """An installed gateway serves what the checkout serves: each kind of file is among the package's data."""
    patterns = tomllib.loads(PROJECT.read_text())["tool"]["setuptools"]["package-data"]["*"]
    served = [path for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES]
    assert served
    assert [str(path) for path in served if not any(fnmatch(path.name, one) for one in patterns)] == []
