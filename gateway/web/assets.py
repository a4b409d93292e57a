"""The static files, read once: each under a path that changes with the content of all, so that it is kept for ever."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath

import msgspec
import structlog

from gateway.web.joining import CannotJoin, join_section
from gateway.web.minifying import minify_texts

log = structlog.get_logger()

FOLDER = Path(__file__).parent
SECTIONS = ("widget", "console", "simulator")
SCRIPTS, STYLE = ("console/main.js", "console/later.js"), "console/console.css"
"""What the console first needs and what it fetches once the page stands, and how both look."""
LENT = frozenset({"console/app.css", "console/dom.js", "console/icons.js"})
"""What the simulator takes from the console, and loads as it stands."""
PREFIX = "/assets"
PLACEHOLDER = b"{assets}"
DIGEST_CHARS = 16
COMPRESSED_FROM_BYTES = 400
"""Smaller files fit into one packet as they are."""

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
}
MINIFIED = (".css", ".js")
COMPRESSIBLE = frozenset({".css", ".html", ".js", ".json", ".svg", ".webmanifest"})


class Asset(msgspec.Struct, kw_only=True, frozen=True):
    """One file, as it is and compressed where that is worth it."""

    media_type: str
    content: bytes
    compressed: bytes | None = None


class Assets(msgspec.Struct, kw_only=True, frozen=True):
    """All files by `section/path`, the digest of them together, and the pages made of their HTML files."""

    digest: str
    files: dict[str, Asset]

    @property
    def base(self) -> str:
        """Where they are served."""
        return f"{PREFIX}/{self.digest}"

    def page(self, path: str) -> str:
        """An HTML file with its placeholder filled."""
        return self.files[path].content.replace(PLACEHOLDER, self.base.encode()).decode()


@cache
def own_assets() -> Assets:
    """Those we have; read once a process, since making them small takes a while."""
    return read_assets(FOLDER)


def read_assets(folder: Path) -> Assets:
    """Everything in the sections of a folder, as it is served; a file of a kind we do not know is left out."""
    contents = _read(folder)
    texts = {name: content.decode() for name, content in contents.items() if name.endswith(MINIFIED)}
    smaller = {name: text.encode() for name, text in minify_texts(_joined(texts)).items()}
    served = {name: content for name, content in contents.items() if name not in texts} | smaller
    digest = sha256()
    for name, content in sorted(served.items()):
        digest.update(b"%s\0%d\0" % (name.encode(), len(content)))
        digest.update(content)
    files = {name: _asset(PurePosixPath(name).suffix, content) for name, content in served.items()}
    return Assets(digest=digest.hexdigest()[:DIGEST_CHARS], files=files)


def _read(folder: Path) -> dict[str, bytes]:
    paths = [path for section in SECTIONS for path in (folder / section).rglob("*")]
    known = [path for path in sorted(paths) if path.suffix in MEDIA_TYPES and path.is_file()]
    return {str(PurePosixPath(path.relative_to(folder))): path.read_bytes() for path in known}


def _joined(texts: dict[str, str]) -> dict[str, str]:
    """The console's hundred modules in two scripts, beside those the simulator takes; the others' few are apart."""
    own = {name: text for name, text in texts.items() if name.startswith("console/")}
    if SCRIPTS[0] not in own:
        return texts
    try:
        served = join_section(own, scripts=SCRIPTS, style=STYLE)
    except CannotJoin as error:  # as they stand they work as well, if slower; the tests tell
        log.warning("console_not_joined", reason=str(error))
        return texts
    return {name: text for name, text in texts.items() if name not in own or name in LENT} | served


def _asset(suffix: str, content: bytes) -> Asset:
    worth_it = suffix in COMPRESSIBLE and len(content) >= COMPRESSED_FROM_BYTES
    compressed = gzip.compress(content, 9, mtime=0) if worth_it else None
    return Asset(media_type=MEDIA_TYPES[suffix], content=content, compressed=compressed)
