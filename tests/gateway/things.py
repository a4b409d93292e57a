"""Routes that write and then do as they are told: what transactions are tested with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, JSONBody, MultipartBody

from gateway.settings import Settings
from inbox.kit.db import execute, fetch_value, in_transaction
from inbox.kit.errors import Problem
from tests.api import Api, open_api

OPT = {"scope": "admin"}
WRITE = "INSERT INTO agent (id, name, email) VALUES (gen_random_uuid(), $1, $2)"
COUNT = "SELECT count(*) FROM agent"


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    """A body for the tests."""

    name: str


class Upload(msgspec.Struct):
    """A form for the tests."""

    file: UploadFile


class Gate:
    """Holds handlers until the test lets them go on."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()


GATE: dict[str, Gate] = {}


@post("/things", opt=OPT)
async def make_thing(data: JSONBody[Thing]) -> dict[str, Any]:
    """Write, and tell what was written and that a transaction is open."""
    await execute(WRITE, data.name, data.name)
    return {"made": data.name, "count": await fetch_value(COUNT), "in_transaction": in_transaction()}


@post("/things/{how:str}", opt=OPT)
async def break_thing(how: FromPath[str], data: JSONBody[Thing]) -> Response[bytes]:
    """Write, then fail in the way asked for."""
    await execute(WRITE, data.name, data.name)
    if how == "problem":
        raise Problem("state_conflict", "no")
    if how == "bug":
        raise ValueError(how)
    if how == "wait":
        GATE["wait"].entered.set()
        await GATE["wait"].opened.wait()
    if how == "placed":
        headers = {"Link": '</v1/things>; rel="up"', "ETag": '"v1"', "Location": "/v1/things/1", "X-Moment": "1"}
        return Response(b"{}", status_code=201, headers=headers, media_type="application/json")
    return Response(b"", status_code=409 if how == "status" else 201, media_type="text/plain")


@post("/files", opt=OPT)
async def take_file(data: MultipartBody[Upload]) -> dict[str, int]:
    """Count the bytes of a file."""
    await execute(WRITE, "file", "file")
    return {"size": len(await data.file.read()), "count": await fetch_value(COUNT)}


@get("/things", opt=OPT)
async def read_things() -> dict[str, Any]:
    """Read, and tell that no transaction is open."""
    return {"count": await fetch_value(COUNT), "in_transaction": in_transaction()}


ROUTES = [make_thing, break_thing, take_file, read_things]


def run_things(database_url: str, steps: Callable[[Api], Awaitable[None]], *, settings: Settings | None = None) -> None:
    """Run a test's steps against the application with the routes above."""

    async def main() -> None:
        async with open_api(database_url, settings=settings, controllers=ROUTES) as api:
            await steps(api)

    asyncio.run(main())


async def count_things(api: Api) -> int:
    """How many writes have lasted."""
    return int((await api.call("GET", "/v1/things")).json()["count"])


async def send_thing(api: Api, name: str = "a", *, key: str | None = None, path: str = "/v1/things") -> httpx.Response:
    """One POST, with an Idempotency-Key if given."""
    return await api.call("POST", path, json={"name": name}, headers={"Idempotency-Key": key} if key else {})
