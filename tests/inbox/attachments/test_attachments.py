"""Files over the API: uploaded, kept whole or not at all, and got by links that end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
import pytest

from gateway.files import FileController, sign_attachment_url
from gateway.settings import Settings
from gateway.storage import Storage, open_storage
from inbox.attachments.actions import (
    ExpectedAttachment,
    expect_attachments,
    give_up_attachment,
    keep_fetched,
    store_file,
)
from inbox.attachments.api import AttachmentController
from inbox.attachments.links import check_attachment_link, sign_attachment_path
from inbox.attachments.queries import attachment_part, find_attachment, find_attachments
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import new_id, read_id, show_id
from inbox.kit.secrets import SecretBox
from tests.api import Api, open_api
from tests.inbox.attachments import pictures
from tests.inbox.contacts.opened import add_channel_row, committed

LIMIT = 5_000
BOX = SecretBox(["0123456789abcdef0123456789abcdef"])


def make_storage(tmp_path: Path, *, limit: int = LIMIT) -> Storage:
    """A storage in a folder of the test's."""
    settings = msgspec.structs.replace(Settings(), data_dir=tmp_path, attachment_limit_bytes=limit)
    return open_storage(settings)


def kept_files(tmp_path: Path) -> list[Path]:
    """What lies in that folder."""
    return [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()]


def run_api(database_url: str, tmp_path: Path, body: Callable[[Api], Awaitable[None]], *, limit: int = LIMIT) -> None:
    """Run a test's body against the API of attachments, and the door for files."""

    async def opened() -> None:
        settings = msgspec.structs.replace(Settings(), data_dir=tmp_path, attachment_limit_bytes=limit)
        given = {"storage": open_storage(settings), "secret_box": BOX}
        async with open_api(
            database_url,
            settings=settings,
            controllers=[AttachmentController],
            routes=[FileController],
            dependencies=given,
        ) as api:
            await body(api)

    asyncio.run(opened())


async def upload(api: Api, content: bytes, *, name: str = "door.png", media_type: str = "image/png") -> Any:
    """The answer to an upload."""
    return await api.call("POST", "/v1/attachments", files={"file": (name, content, media_type)})


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    """Bytes as they come."""
    for piece in pieces:
        yield piece


def test_an_upload_comes_back_as_it_was(database_url: str, tmp_path: Path) -> None:
    """What was uploaded is described by its bytes, and the link gives exactly those bytes."""
    content = pictures.png(1280, 960) + bytes(range(256)) * 10

    async def body(api: Api) -> None:
        answer = await upload(api, content, name="../../Tür.png", media_type="text/html")
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made == {
            "object": "attachment",
            "id": made["id"],
            "name": "Tür.png",
            "media_type": "image/png",
            "size": len(content),
            "width": 1280,
            "height": 960,
            "sha256": hashlib.sha256(content).hexdigest(),
            "scan": "unscanned",
            "state": "stored",
            "url": f"/v1/attachments/{made['id']}",
            "created_at": made["created_at"],
        }
        redirect = await api.call("GET", made["url"])
        assert redirect.status_code == 302
        assert redirect.headers["cache-control"] == "no-store"
        found = await api.call("GET", redirect.headers["location"], key=None)
        assert found.status_code == 200
        assert found.content == content
        headers = found.headers
        assert headers["content-type"] == "image/png"
        assert headers["content-length"] == str(len(content))
        assert headers["content-disposition"] == "attachment; filename=\"T_r.png\"; filename*=UTF-8''T%C3%BCr.png"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert headers["cache-control"].startswith("private, max-age=")

    run_api(database_url, tmp_path, body)
    (kept,) = kept_files(tmp_path)
    assert kept.read_bytes() == content
    assert "door" not in kept.name


@pytest.mark.parametrize("content", [pictures.HTML, pictures.SVG, pictures.XML])
def test_active_content_is_never_shown(database_url: str, tmp_path: Path, content: bytes) -> None:
    """HTML, SVG and XML, named and called a picture, come back as bytes to be saved."""

    async def body(api: Api) -> None:
        made = (await upload(api, content)).json()
        assert made["media_type"] == "application/octet-stream"
        location = (await api.call("GET", made["url"])).headers["location"]
        found = await api.call("GET", location, key=None)
        assert found.headers["content-type"] == "application/octet-stream"
        assert found.headers["content-disposition"].startswith("attachment;")

    run_api(database_url, tmp_path, body)


def test_a_file_above_the_limit_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    """413, no row, no bytes; a file of just the limit is taken, and an empty one too."""

    async def body(api: Api) -> None:
        for size in (LIMIT + 1, LIMIT * 10):
            refused = await upload(api, b"x" * size)
            assert (refused.status_code, refused.json()["code"]) == (413, "attachment_too_large")
        assert await fetch_value("SELECT count(*) FROM attachment") == 0
        for size in (LIMIT, 0):
            assert (await upload(api, b"x" * size)).json()["size"] == size

    run_api(database_url, tmp_path, body)
    assert len(kept_files(tmp_path)) == 2


def test_an_upload_needs_its_file(database_url: str, tmp_path: Path) -> None:
    """A form without the file, with a word instead of it, or no form at all: refused, never a 500."""

    async def body(api: Api) -> None:
        for options in (
            {"files": {"other": ("a", b"x", "text/plain")}},
            {"files": {"file": (None, b"just words")}},
            {"files": {"file": ("a", b"x"), "more": ("b", b"y")}},
            {"json": {"file": "x"}},
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
            {"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
        ):
            answer = await api.call("POST", "/v1/attachments", **options)
            assert 400 <= answer.status_code < 500, options
            assert answer.json()["code"] in {"validation_failed", "unsupported_media", "malformed_json"}

    run_api(database_url, tmp_path, body)


@pytest.mark.parametrize(
    "name", ["\u200b.htaccess", "../../x", "a\r\nSet-Cookie: x", "CON", "x" * 300, "inv\u202efdp.exe"]
)
def test_hostile_names_are_stored_harmless(database_url: str, tmp_path: Path, name: str) -> None:
    """No name gets out of its header or into the storage."""

    async def body(api: Api) -> None:
        made = (await upload(api, b"x", name=name)).json()
        location = (await api.call("GET", made["url"])).headers["location"]
        found = await api.call("GET", location, key=None)
        assert found.status_code == 200
        assert "set-cookie" not in found.headers
        assert "\u202e" not in (made["name"] or "")
        assert len(made["name"]) <= 150

    run_api(database_url, tmp_path, body)


def test_links_open_one_file_for_a_while(database_url: str, tmp_path: Path) -> None:
    """Another id, another moment, another signature, a link that ended: all alike, nothing there."""

    async def body(api: Api) -> None:
        one, two = [(await upload(api, b"x")).json()["id"] for _ in range(2)]
        location = (await api.call("GET", f"/v1/attachments/{one}")).headers["location"]
        query = parse_qs(urlsplit(location).query)
        expires, signature = query["expires"][0], query["signature"][0]
        ended = sign_attachment_url(BOX, read_id("att", one), seconds=-1)
        foreign = sign_attachment_url(
            SecretBox(["another secret key for another place"]), read_id("att", one), seconds=60
        )
        for path in (
            ended,
            foreign,
            location.replace(one, two),
            f"/files/{one}?expires={int(expires) + 1}&signature={signature}",
            f"/files/{one}?expires={expires}&signature={signature[:-1]}",
            f"/files/{one}?expires={expires}&signature=",
            f"/files/{one}?expires=x&signature={signature}",
            f"/files/{one}?expires=%C2%B2&signature={signature}",
            f"/files/{one}?expires={'9' * 400}&signature={signature}",
            f"/files/{one}",
            "/files/att_1",
            sign_attachment_url(BOX, new_id(), seconds=60),
        ):
            answer = await api.call("GET", path, key=None)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert (await api.call("GET", location, key=None)).status_code == 200

    run_api(database_url, tmp_path, body)


def test_a_link_names_its_end() -> None:
    """A link is good until the second it names, and not from then on."""
    now, attachment = utc_now(), new_id()
    query = parse_qs(urlsplit(sign_attachment_path(BOX, attachment, seconds=60, now=now)).query)
    expires, signature = int(query["expires"][0]), query["signature"][0]

    def opens(after: float) -> bool:
        moment = now + timedelta(seconds=after)
        return check_attachment_link(BOX, attachment, expires=expires, signature=signature, now=moment)

    assert opens(0)
    assert opens(58.9)
    assert not opens(60)
    assert not opens(61)


def test_downloads_need_the_scope(database_url: str, tmp_path: Path) -> None:
    """Reading conversations gives the link, sending messages the upload; ids of nobody give 404."""

    async def body(api: Api) -> None:
        reader, sender = await api.make_key("conversations:read"), await api.make_key("messages:send")
        made = (await upload(api, b"x")).json()
        assert (await api.call("GET", made["url"], key=reader)).status_code == 302
        assert (await api.call("GET", made["url"], key=sender)).status_code == 403
        files = {"file": ("a", b"x")}
        assert (await api.call("POST", "/v1/attachments", key=reader, files=files)).status_code == 403
        assert (await api.call("POST", "/v1/attachments", key=sender, files=files)).status_code == 201
        for unknown in (show_id("att", new_id()), "att_1", "x"):
            assert (await api.call("GET", f"/v1/attachments/{unknown}")).status_code == 404

    run_api(database_url, tmp_path, body)


def test_a_file_whose_bytes_are_gone_is_not_found(database_url: str, tmp_path: Path) -> None:
    """A link to bytes that the storage lost answers 404, not 500."""

    async def body(api: Api) -> None:
        made = (await upload(api, b"x")).json()
        location = (await api.call("GET", made["url"])).headers["location"]
        await execute("UPDATE attachment SET storage_key = 'nothing'")
        assert (await api.call("GET", location, key=None)).status_code == 404

    run_api(database_url, tmp_path, body)


async def expect(channel_id: UUID, *, name: str | None = None) -> UUID:
    """A file that is announced."""
    expected = ExpectedAttachment(
        id=new_id(), channel_id=channel_id, media_type="image/jpeg", name=name, source_url="https://provider.example/1"
    )
    await committed(expect_attachments([expected]))
    return expected.id


def test_files_of_a_provider_come_later(database_url: str, tmp_path: Path) -> None:
    """Announced, then kept with what its bytes say, or given up; until then there is no link."""

    async def body(api: Api) -> None:
        channel = await add_channel_row(new_id())
        kept, lost = await expect(channel, name="a/b.jpg"), await expect(channel)
        pending = await api.call("GET", f"/v1/attachments/{show_id('att', kept)}")
        assert (pending.status_code, pending.headers["retry-after"]) == (409, "2")
        stored = await store_file(make_storage(tmp_path), chunks(pictures.gif(3, 4)), claimed="image/jpeg")
        await keep_fetched(kept, stored, name="other.gif")
        await keep_fetched(await expect(channel), stored, name="named.gif")
        await give_up_attachment(lost, error="404 at the provider")
        row = await find_attachment(kept)
        assert (row.name, row.media_type, row.width, row.height, row.state) == ("b.jpg", "image/gif", 3, 4, "stored")
        assert await fetch_value("SELECT count(*) FROM attachment WHERE name = 'named.gif'") == 1
        assert (await api.call("GET", f"/v1/attachments/{show_id('att', kept)}")).status_code == 302
        failed = await api.call("GET", f"/v1/attachments/{show_id('att', lost)}")
        assert (failed.status_code, "404 at the provider" in failed.json()["detail"]) == (409, True)
        part = attachment_part(row)
        assert (part.id, part.url) == (show_id("att", kept), f"/v1/attachments/{show_id('att', kept)}")
        assert await find_attachments([]) == {}

    run_api(database_url, tmp_path, body)
