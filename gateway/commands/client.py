"""The command line's own client of the API: requests that say what went wrong, and the feed, resumed by its cursor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import msgspec

from gateway.commands.beacon import find_beacon
from gateway.commands.event_stream import Frame, FrameReader
from gateway.commands.exits import CommandFailed, ExitCode, NotAllowed, Unreached
from gateway.commands.given import given_settings
from gateway.commands.spoken import SpokenPage, SpokenProblem, StreamHead
from gateway.settings import default_data_dir

Item = TypeVar("Item")

REQUEST_SECONDS = 15.0
UPLOAD_SECONDS = 300.0
"""A whole file on its way."""
SILENCE_SECONDS = 65.0
"""A stream shows life every 15 seconds, or at the most every 60: longer silence is a broken connection."""
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
"""How long to wait before each new try of a broken stream; the last one from then on."""
POST_TRIES = 3
PAGE_ITEMS = 200
NOT_ALLOWED = {401, 403}
SERVER_ERRORS = 500
NO_KEY = "Make one with `switchboard keys create`, and give it as SWITCHBOARD_API_KEY or --key."


class Refused(CommandFailed):
    """The gateway answered with a problem."""

    def __init__(self, status: int, problem: SpokenProblem) -> None:
        words = problem.detail or problem.title or f"the gateway answered {status}"
        super().__init__(f"{words} ({problem.code})" if problem.code else words, hint=problem.hint)
        self.status = status
        self.code = problem.code


class KeyRefused(Refused):
    """The gateway does not know the key, or it lacks a scope."""

    exit_code = ExitCode.NOT_ALLOWED


class GatewayClient:
    """One gateway, spoken to with one key. Open it with `async with`."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=f"{self.url}/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=REQUEST_SECONDS,
            trust_env=False,
        )

    async def __aenter__(self) -> GatewayClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def get(self, path: str, kind: type[Item], **params: Any) -> Item:
        """One object."""
        return msgspec.json.decode(await self._ask("GET", path, params=params), type=kind)

    async def get_all(self, path: str, kind: type[Item], **params: Any) -> AsyncIterator[Item]:
        """Every item of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, SpokenPage[kind], limit=PAGE_ITEMS, **params, **cursor)  # type: ignore[valid-type]  # msgspec reads it
            for item in page.data:
                yield item
            if not page.page.has_more or page.page.next_cursor is None:
                return
            cursor = {"cursor": page.page.next_cursor}

    async def post(self, path: str, body: Any, kind: type[Item], *, idempotency_key: str | None = None) -> Item:
        """Do something, once: where no answer came, the same request is made again under the same key."""
        headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
        for left in reversed(range(POST_TRIES)):
            try:
                answer = await self._ask("POST", path, content=msgspec.json.encode(body), headers=headers)
                return msgspec.json.decode(answer, type=kind)
            except Unreached:
                if not left:
                    raise
                await asyncio.sleep(RETRY_SECONDS[0])
        raise AssertionError("the last try returns or raises")

    async def upload(self, path: str, content: bytes, kind: type[Item], *, name: str, fields: dict[str, str]) -> Item:
        """A form with one file."""
        files, headers = {"file": (name, content)}, {"Idempotency-Key": uuid4().hex}
        answer = await self._ask("POST", path, files=files, data=fields, headers=headers, timeout=UPLOAD_SECONDS)
        return msgspec.json.decode(answer, type=kind)

    async def download(self, path: str) -> AsyncIterator[bytes]:
        """The bytes of a file, piece by piece."""
        try:
            async with self._http.stream("GET", path, timeout=UPLOAD_SECONDS) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _refusal(answer.status_code, await answer.aread())
                async for piece in answer.aiter_bytes():
                    yield piece
        except httpx.HTTPError as error:
            raise self._away(error) from error

    async def patch(self, path: str, body: Any, kind: type[Item]) -> Item:
        """Change what the body names of something."""
        return msgspec.json.decode(await self._ask("PATCH", path, content=msgspec.json.encode(body)), type=kind)

    async def delete(self, path: str) -> None:
        """Remove something."""
        await self._ask("DELETE", path)

    async def follow(
        self, *, after: str | None = None, on_break: Callable[[str], None] | None = None, **params: Any
    ) -> AsyncIterator[Frame]:
        """The feed from a cursor, or from now, for ever: a broken connection is taken up where it ended."""
        reader, broken = FrameReader(after), 0
        while True:
            try:
                async for frame in self._stream(reader, params):
                    broken = 0
                    yield frame
                reason = "the gateway ended the stream"
            except (Unreached, Refused) as error:
                if reader.last_id is None or (isinstance(error, Refused) and error.status < SERVER_ERRORS):
                    raise
                reason = error.message
            if on_break:
                on_break(reason)
            await asyncio.sleep(RETRY_SECONDS[min(broken, len(RETRY_SECONDS) - 1)])
            broken += 1

    async def _stream(self, reader: FrameReader, params: Mapping[str, Any]) -> AsyncIterator[Frame]:
        reader.begin()
        headers = {"Last-Event-ID": reader.last_id} if reader.last_id else {}
        timeout = httpx.Timeout(REQUEST_SECONDS, read=SILENCE_SECONDS)
        try:
            async with self._http.stream(
                "GET", "/events/stream", params=_given(params), headers=headers, timeout=timeout
            ) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _refusal(answer.status_code, await answer.aread())
                async for line in answer.aiter_lines():
                    if frame := reader.take_line(line):
                        _note_head(reader, frame)
                        yield frame
        except httpx.HTTPError as error:
            raise self._away(error) from error

    async def _ask(self, method: str, path: str, **options: Any) -> bytes:
        if "params" in options:
            options["params"] = _given(options["params"])
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise self._away(error) from error
        if answer.is_success:
            return answer.content
        raise _refusal(answer.status_code, answer.content)

    def _away(self, error: httpx.HTTPError) -> Unreached:
        return Unreached(
            f"the gateway at {self.url} does not answer ({type(error).__name__})",
            hint="Start one with `switchboard demo` or `switchboard serve`, or name another by SWITCHBOARD_URL.",
        )


def open_gateway(*, url: str | None, key: str | None) -> GatewayClient:
    """The gateway meant: by option, by SWITCHBOARD_URL and SWITCHBOARD_API_KEY, or the demo of the data directory.

    The demo's key is used for the demo's gateway alone.
    """
    settings = given_settings(serving=False)
    stated = url or (settings.gateway_url if os.environ.get("SWITCHBOARD_URL", "").strip() else None)
    beacon = find_beacon(os.environ, default=default_data_dir(os.environ, demo=True))
    chosen = stated or (beacon.url if beacon else settings.gateway_url)
    its_key = beacon.api_key if beacon and beacon.url == chosen.rstrip("/") else None
    chosen_key = key or settings.api_key or its_key
    if chosen_key is None:
        raise NotAllowed(f"an API key is needed for {chosen}", hint=NO_KEY)
    return GatewayClient(chosen, chosen_key)


def _note_head(reader: FrameReader, frame: Frame) -> None:
    """`ready` says where the feed stands now: from there a stream is resumed that has told nothing yet."""
    if frame.event == "ready" and reader.last_id is None:
        reader.last_id = msgspec.json.decode(frame.data, type=StreamHead).cursor
        reader.begin()


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _refusal(status: int, body: bytes) -> Refused:
    try:
        problem = msgspec.json.decode(body, type=SpokenProblem)
    except msgspec.DecodeError:  # not ours: a proxy's page, or another server altogether
        problem = SpokenProblem(detail=f"what listens there is no Switchboard gateway: it answered {status}")
    return (KeyRefused if status in NOT_ALLOWED else Refused)(status, problem)
