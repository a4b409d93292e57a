"""Bodies on their way in: limits, types, forms."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.settings import Settings
from tests.api import Api
from tests.gateway.things import count_things, run_things

FIELD = b"--x\r\nContent-Disposition: form-data; name=t\r\n"


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_limit_is_refused_before_it_is_read(database_url: str, announced: bool) -> None:
    """The limit holds for what is announced and for what really comes, and reading ends there."""
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1000
            yield b" " * 1000

    async def steps(api: Api) -> None:
        content: Any = b" " * 1_000_000 if announced else body()
        refused = await api.call("POST", "/v1/things", content=content)
        assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
        assert sent <= 12_000
        assert await count_things(api) == 0

    run_things(database_url, steps, settings=Settings(api_body_limit_bytes=10_000))


LIMITS = Settings(api_body_limit_bytes=1000, attachment_limit_bytes=20_000, import_limit_bytes=20_000)


def test_a_file_over_the_limit_is_refused(database_url: str) -> None:
    """Files have a limit of their own, with a code of its own."""

    async def steps(api: Api) -> None:
        fits = await api.call("POST", "/v1/files", files={"file": ("a.bin", b"x" * 20_000)})
        assert fits.json()["size"] == 20_000
        refused = await api.call("POST", "/v1/files", files={"file": ("a.bin", b"x" * 40_000)})
        assert (refused.status_code, refused.json()["code"]) == (413, "attachment_too_large")

    run_things(database_url, steps, settings=LIMITS)


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Encoding": "gzip"}, gzip.compress(b'{"name":"a"}', mtime=0), 415),
        ({"Content-Encoding": "br"}, b"x", 415),
        ({"Content-Encoding": "identity"}, b'{"name":"a"}', 201),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"name=a", 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ({"Content-Type": "application/merge-patch+json"}, b'{"name":"a"}', 201),
        ({"Content-Type": "application/json; charset=utf-8"}, b'{"name":"a"}', 201),
        ({}, b'{"name":"a"}', 201),
    ],
)
def test_only_plain_json_is_read(database_url: str, headers: dict[str, str], content: bytes, status: int) -> None:
    """Compressed bodies (T21) and other types are refused; a body without a type is taken for JSON."""

    async def steps(api: Api) -> None:
        answer = await api.call("POST", "/v1/things", content=content, headers=headers)
        assert answer.status_code == status, answer.text
        assert status == 201 or answer.json()["code"] == "unsupported_media"

    run_things(database_url, steps)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"--x", b"--x\r\n", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\na",
        b"--x\r\n\r\na\r\n--x--\r\n", b"\x00" * 100,
        FIELD + b"Content-Type: text/plain; charset=klingon\r\n\r\na\r\n--x--\r\n",
        FIELD + b"\r\n\xff\r\n--x--\r\n",
        (FIELD + b"\r\na\r\n") * 1001 + b"--x--\r\n",
    ],
)  # fmt: skip
def test_a_broken_form_is_refused(database_url: str, content: bytes) -> None:
    """T46: parts without end, without name, with unknown charsets or by the thousand are 4xx, never 500."""

    async def steps(api: Api) -> None:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await api.call("POST", "/v1/files", content=content, headers=headers)
        assert answer.status_code in {400, 413, 422}, answer.text
        assert answer.headers["content-type"] == "application/problem+json"

    run_things(database_url, steps)


def test_a_form_without_a_boundary_is_refused(database_url: str) -> None:
    """A multipart type that names no boundary cannot be read."""

    async def steps(api: Api) -> None:
        answer = await api.call("POST", "/v1/files", content=b"x", headers={"Content-Type": "multipart/form-data"})
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")

    run_things(database_url, steps)
