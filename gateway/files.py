"""The public door for files: whoever holds a signed link gets the bytes until it ends, and nobody anything else.

Files are strangers' work. They are never shown on our origin: saved, not opened; typed by their bytes, not sniffed
again; and should a browser open one all the same, it is sandboxed (security.md T25-T28).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from inbox.attachments.links import PATH, check_attachment_link, sign_attachment_path
from inbox.attachments.names import content_disposition
from inbox.attachments.queries import AttachmentRow, find_attachments
from inbox.attachments.sniffing import PASSIVE, UNKNOWN
from inbox.attachments.storage import FileStore
from inbox.attachments.stripping import STRIPPERS, strip_notes
from inbox.kit.clock import utc_now
from inbox.kit.errors import Problem
from inbox.kit.ids import read_id
from inbox.kit.secrets import SecretBox

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "Accept-Ranges": "none",
}


def sign_attachment_url(box: SecretBox, attachment_id: UUID, *, seconds: int) -> str:
    """The path that opens a file for so many seconds from now; put the public URL before it."""
    return sign_attachment_path(box, attachment_id, seconds=seconds, now=utc_now())


class FileController(Controller):
    """Signed links to files."""

    path = PATH
    include_in_schema = False

    @get("/{attachment_id:str}", opt={"public": True})
    async def send_file(
        self,
        *,
        attachment_id: FromPath[str],
        storage: NamedDependency[FileStore],
        secret_box: NamedDependency[SecretBox],
        expires: FromQuery[str] = "",
        signature: FromQuery[str] = "",
        original: FromQuery[str] = "",
    ) -> Response[Any]:
        """The bytes; 404 for a link that is wrong in any way, so that guessing tells nothing.

        Of a photo the notes of the camera are left out, unless the link is to the original (security.md T30).
        """
        now, whole = utc_now(), original == "1"
        row = await _find_linked(attachment_id, expires, signature=signature, original=whole, box=secret_box, now=now)
        try:
            pieces = await storage.open_file(row.storage_key or "")
        except FileNotFoundError:
            raise _no_file() from None
        media_type = row.media_type if row.media_type in PASSIVE else UNKNOWN
        headers = {
            **SAFE_HEADERS,
            "Content-Disposition": content_disposition(row.name),
            "Cache-Control": f"private, max-age={max(0, int(expires) - int(now.timestamp()))}",
        }
        if media_type in STRIPPERS and not whole:
            content = b"".join([piece async for piece in pieces])
            return Response(strip_notes(content, media_type), media_type=media_type, headers=headers)
        return Stream(pieces, media_type=media_type, headers={**headers, "Content-Length": str(row.size)})


async def _find_linked(
    attachment_id: str, expires: str, *, signature: str, original: bool, box: SecretBox, now: datetime
) -> AttachmentRow:
    found = read_id("att", attachment_id)
    moment = int(expires) if expires.isascii() and expires.isdigit() and len(expires) <= 12 else 0
    if not check_attachment_link(box, found, expires=moment, signature=signature, now=now, original=original):
        raise _no_file()
    row = (await find_attachments([found])).get(found)
    if row is None or row.state != "stored":
        raise _no_file()
    return row


def _no_file() -> Problem:
    return Problem("not_found", "this link opens nothing, or no longer", hint="Get a new one from /v1/attachments.")
