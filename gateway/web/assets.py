"""The static files, read once: each under a path that changes with the content of all, so that it is kept for ever."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath

import msgspec
import structlog

from gateway.web.joining import CannotJoin, join_section
from gateway.web.squeezing import squeeze_script, squeeze_style

log = structlog.get_logger()

FOLDER = Path(__file__).parent
SECTIONS = ("widget", "console", "simulator")
JOINED = "console"
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
SQUEEZED = {".css": squeeze_style, ".js": squeeze_script}
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
    """Those we have; read once a process, since joining them takes a while."""
    return read_assets(FOLDER)


def read_assets(folder: Path) -> Assets:
    """Everything in the sections of a folder; a file of a kind we do not know is left out."""
    contents: dict[str, bytes] = {}
    digest = sha256()
    for section in SECTIONS:
        for path in sorted((folder / section).rglob("*")):
            if path.suffix not in MEDIA_TYPES or not path.is_file():
                continue
            name, content = str(PurePosixPath(path.relative_to(folder))), path.read_bytes()
            digest.update(b"%s\0%d\0" % (name.encode(), len(content)))
            digest.update(content)
            contents[name] = content
    served = _joined({name: _squeezed(name, content) for name, content in contents.items()})
    files = {name: _asset(PurePosixPath(name).suffix, content) for name, content in served.items()}
    return Assets(digest=digest.hexdigest()[:DIGEST_CHARS], files=files)


def _squeezed(name: str, content: bytes) -> bytes:
    """The widget's files without what only people read: each is fetched by everybody who opens a chat."""
    squeeze = SQUEEZED.get(PurePosixPath(name).suffix) if name.startswith("widget/") else None
    return squeeze(content.decode()).encode() if squeeze else content


def _joined(contents: dict[str, bytes]) -> dict[str, bytes]:
    """The console's hundred modules in few files; the widget's few are fetched as they are."""
    start = f"{JOINED}/"
    own = {name[len(start) :]: content for name, content in contents.items() if name.startswith(start)}
    texts = {path: content.decode() for path, content in own.items() if path.endswith((".js", ".css"))}
    try:
        served = join_section(texts, script="main.js", style="console.css")
    except CannotJoin as error:  # as they stand they work as well, if slower; the tests tell
        log.warning("console_not_joined", reason=str(error))
        return contents
    apart = LENT | (contents.keys() - {start + path for path in texts})
    kept = {name: content for name, content in contents.items() if name in apart}
    return kept | {start + path: text.encode() for path, text in served.items()}


def _asset(suffix: str, content: bytes) -> Asset:
    worth_it = suffix in COMPRESSIBLE and len(content) >= COMPRESSED_FROM_BYTES
    compressed = gzip.compress(content, 9, mtime=0) if worth_it else None
    return Asset(media_type=MEDIA_TYPES[suffix], content=content, compressed=compressed)
