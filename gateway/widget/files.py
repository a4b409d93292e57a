"""Files of visitors: taken in by the chat's rules, and given out as far as the visitor may see them.

They are strangers' work both ways: typed by their bytes, never shown on our origin, and photos go out without what they
say of where they were taken (security.md T25-T30).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, MultipartBody

from channels.webchat.settings import FileRules
from gateway.files import SAFE_HEADERS
from gateway.widget.desk import WidgetDesk
from gateway.widget.visitor_auth import VisitorCaller
from inbox.attachments.actions import file_too_large, store_file, upload_stored
from inbox.attachments.api import AttachmentObject, NewAttachment, show_attachment
from inbox.attachments.names import content_disposition
from inbox.attachments.queries import AttachmentRow
from inbox.attachments.sniffing import PASSIVE, UNKNOWN
from inbox.attachments.storage import FileStore
from inbox.attachments.stripping import strip_notes
from inbox.kit.clock import utc_now
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import ATTACHMENT, read_id
from inbox.visitors.files.actions import keep_upload
from inbox.visitors.files.queries import find_open_file
from inbox.visitors.queries import find_standing
from inbox.visitors.visitor import view_of

CHUNK_BYTES = 65_536
MAX_PIXELS = 40_000_000
"""A larger picture is kept as a file and shown nowhere: to decode it would take the reader's memory (T29)."""
RETRY_SECONDS = 2.0
TAKE = {"problems": ["attachment_too_large", "unsupported_media", "channel_cannot", "quota_exceeded"]}
GIVE = {"problems": ["not_found", "gone_redacted", "state_conflict"]}


class VisitorFileController(Controller):
    """What visitors of a web chat ask for: their session, their conversation, and what comes in it."""

    tags = ("Web chat",)

    @post("/attachments", opt=TAKE, operation_id="uploadVisitorFile", summary="Upload a file")
    async def upload_visitor_file(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        data: MultipartBody[NewAttachment],
        storage: NamedDependency[FileStore],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> AttachmentObject:
        """A form with one field `file`. Name the id it gets in a message; without one it goes after a day."""
        rules = visitor.settings.files
        if not rules.enabled:
            raise Problem("channel_cannot", "This chat takes no files")
        await widget_desk.spend_upload(visitor)
        stored = await store_file(storage, _pieces(data.file, rules.max_bytes), claimed=data.file.content_type)
        if not takes_type(stored.media_type, rules):
            await storage.delete_file(stored.storage_key)
            raise _unwanted(stored.media_type)
        pixels = (stored.width or 0) * (stored.height or 0)
        kept = msgspec.structs.replace(stored, media_type=UNKNOWN) if pixels > MAX_PIXELS else stored
        row = await upload_stored(kept, name=data.file.filename)
        await keep_upload(row.id, visitor.visitor.id, now=utc_now())
        return show_own(row)

    @get("/attachments/{attachment_id:str}", opt=GIVE, operation_id="getVisitorFile", summary="Download a file",
         media_type="application/octet-stream")  # fmt: skip
    async def get_visitor_file(
        self,
        *,
        request: Request[Any, Any, Any],
        visitor: NamedDependency[VisitorCaller],
        attachment_id: FromPath[str],
        storage: NamedDependency[FileStore],
    ) -> Response[bytes]:
        """The bytes, of a file that is in the conversation as the visitor sees it, or that they uploaded."""
        standing = await find_standing(visitor.visitor)
        view = view_of(visitor.visitor, standing)
        row = await find_open_file(read_id(ATTACHMENT, attachment_id), view, visitor_id=visitor.visitor.id)
        content = await read_whole_file(storage, row)
        media_type = row.media_type if row.media_type in PASSIVE else UNKNOWN
        headers = {
            **SAFE_HEADERS,
            "Content-Disposition": content_disposition(row.name),
            "Cache-Control": "private, no-store",
        }
        return Response(strip_notes(content, media_type), media_type=media_type, headers=headers)


def takes_type(media_type: str, rules: FileRules) -> bool:
    """Whether the chat takes files that really are of this type."""
    return media_type.startswith(tuple(rules.media_types))


def show_own(row: AttachmentRow) -> AttachmentObject:
    """A file as its visitor gets it, by the path they may ask."""
    shown = show_attachment(row)
    return msgspec.structs.replace(shown, url=f"/widget/v1/attachments/{shown.id}")


async def read_whole_file(storage: FileStore, row: AttachmentRow) -> bytes:
    """All of a file that can be had, or why it cannot."""
    if row.redacted_at:
        raise Problem("gone_redacted", "The file has been redacted")
    if row.state == "pending":
        raise Problem("state_conflict", "The file is still on its way", retry_after=RETRY_SECONDS)
    if row.scan == "infected" or row.storage_key is None:
        raise Problem("not_found", "The file cannot be had")
    try:
        return b"".join([piece async for piece in await storage.open_file(row.storage_key)])
    except FileNotFoundError:
        raise Problem("not_found", "The file is no longer there") from None


async def _pieces(file: UploadFile, limit: int) -> AsyncIterator[bytes]:
    size = 0
    while piece := await file.read(CHUNK_BYTES):
        size += len(piece)
        if size > limit:
            raise file_too_large(limit)
        yield piece


def _unwanted(media_type: str) -> Problem:
    detail = f"This chat takes no {media_type}" if media_type != UNKNOWN else "This kind of file is not taken"
    error = FieldError(pointer="/file", code="unsupported_media", detail=detail)
    return Problem("unsupported_media", detail, errors=[error], hint="The types taken are in the chat's config")
