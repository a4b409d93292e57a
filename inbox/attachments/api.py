"""Files over HTTP: put in by upload, got out by a short-lived link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal, TypeAlias

import msgspec
from litestar import Controller, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, MultipartBody, QueryParameter
from litestar.response import Redirect

from inbox.attachments.actions import upload_attachment
from inbox.attachments.links import sign_attachment_path
from inbox.attachments.queries import API_PATH, AttachmentRow, find_attachment
from inbox.attachments.storage import FileStore
from inbox.kit.clock import show_time, utc_now
from inbox.kit.errors import Problem
from inbox.kit.ids import read_id, show_id
from inbox.kit.secrets import SecretBox

CHUNK_BYTES = 65_536
RETRY_SECONDS = 2.0
"""When to ask again for a file that is still on its way."""


FormFile: TypeAlias = Annotated[
    UploadFile,
    msgspec.Meta(
        description="The file, with its name and type.",
        extra_json_schema={"type": "string", "format": "binary", "examples": ["(the bytes of door.jpg)"]},
    ),
]


class NewAttachment(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A form with one file."""

    file: FormFile


class AttachmentObject(msgspec.Struct, kw_only=True, frozen=True):
    """A file. Its type is what its bytes are, whatever the sender called it; sizes are in bytes and in pixels."""

    object: Literal["attachment"] = "attachment"
    id: str
    name: str | None
    media_type: str
    size: int | None
    width: int | None
    height: int | None
    sha256: str | None
    scan: Literal["unscanned", "clean", "infected"]
    state: Literal["pending", "stored", "failed"]
    url: str
    created_at: str


class AttachmentController(Controller):
    """Files that messages carry."""

    path = "/attachments"
    tags = ("Attachments",)

    @post(
        "/",
        opt={"scope": "messages:send", "problems": ["attachment_too_large"]},
        operation_id="uploadAttachment",
        summary="Upload a file",
    )
    async def upload_attachment(
        self, data: MultipartBody[NewAttachment], storage: NamedDependency[FileStore]
    ) -> AttachmentObject:
        """A form (multipart/form-data) with one field `file`. Name the id it gets in the parts of a message."""
        file = data.file
        row = await upload_attachment(storage, _pieces(file), name=file.filename, claimed=file.content_type)
        return show_attachment(row)

    @get(
        "/{attachment_id:str}",
        opt={"scope": "conversations:read", "problems": ["state_conflict", "gone_redacted"]},
        operation_id="getAttachment",
        summary="Download a file",
        status_code=302,
    )
    async def get_attachment(
        self,
        *,
        attachment_id: FromPath[str],
        storage: NamedDependency[FileStore],
        secret_box: NamedDependency[SecretBox],
        original: Annotated[
            bool, QueryParameter(description="A photo with what it says of where and when it was taken.")
        ] = False,
    ) -> Redirect:
        """Leads to a link that opens the file for some minutes, without an API key.

        A photo comes without the notes of the camera, unless the `original` is asked for.
        """
        row = await find_attachment(read_id("att", attachment_id))
        if row.redacted_at:
            raise Problem("gone_redacted", "The file has been redacted")
        if row.state == "pending":
            raise Problem("state_conflict", "The file is still on its way", retry_after=RETRY_SECONDS)
        if row.state == "failed":
            raise Problem("state_conflict", f"The file could not be fetched: {row.error or 'unknown'}")
        path = sign_attachment_path(secret_box, row.id, seconds=storage.url_seconds, now=utc_now(), original=original)
        return Redirect(path, status_code=302, headers={"Cache-Control": "no-store"})


def show_attachment(row: AttachmentRow) -> AttachmentObject:
    """A file as the API shows it."""
    shown = show_id("att", row.id)
    return AttachmentObject(
        id=shown,
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        width=row.width,
        height=row.height,
        sha256=row.sha256,
        scan=row.scan,
        state=row.state,
        url=f"{API_PATH}/{shown}",
        created_at=show_time(row.created_at),
    )


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(CHUNK_BYTES):
        yield piece
