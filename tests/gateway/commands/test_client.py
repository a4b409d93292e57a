"""The command line's client, against a server of a few lines that speaks HTTP as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.commands import client as client_module
from gateway.commands.beacon import Beacon, find_beacon, light_beacon, put_out_beacon
from gateway.commands.client import GatewayClient, KeyRefused, Refused, open_gateway
from gateway.commands.exits import ExitCode, NotAllowed, Unreached
from gateway.commands.spoken import SpokenContact
from gateway.settings import default_data_dir

KEY = "sk_test"
PROBLEM = b'{"detail":"no","code":"not_found","hint":"look elsewhere","new_member":1}'


def answer(body: bytes, *, status: int = 200, kind: str = "application/json") -> bytes:
    """A whole HTTP answer that ends with its connection."""
    return b"HTTP/1.1 %d x\r\ncontent-type: %s\r\nconnection: close\r\n\r\n%s" % (status, kind.encode(), body)


def stream(*events: str) -> bytes:
    """An event stream that breaks off after these events."""
    return answer("".join(f"{event}\n\n" for event in events).encode(), kind="text/event-stream")


@asynccontextmanager
async def server(answers: Sequence[bytes]) -> AsyncIterator[tuple[str, list[str]]]:
    """Gives these answers in turn, the last one for ever; yields its URL and what it was asked."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[16:]) for line in head.lower().splitlines() if line.startswith("content-length:")), 0)
        asked.append(head + (await reader.readexactly(length)).decode())
        writer.write(answers[min(len(asked), len(answers)) - 1])
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for seconds in a test."""
    monkeypatch.setattr(client_module, "RETRY_SECONDS", (0.0,))


def test_a_broken_stream_is_taken_up_where_it_ended() -> None:
    """Each event is seen once: the next connection asks for what comes after the last id."""

    async def follow() -> None:
        answers = [
            stream('event: ready\ndata: {"cursor":"5"}', "id: 6\nevent: a\ndata: 1"),
            stream('event: ready\ndata: {"cursor":"9"}', "id: 7\nevent: b\ndata: 2", "id: 8\nevent: c\ndata: 3"),
        ]
        async with server(answers) as (url, asked), GatewayClient(url, KEY) as client:
            seen = []
            async for frame in client.follow():
                seen += [frame.data] if frame.event != "ready" else []
                if len(seen) == 3:
                    break
            assert seen == ["1", "2", "3"]
            assert "last-event-id" not in asked[0].lower()
            assert "last-event-id: 6" in asked[1].lower()

    asyncio.run(follow())


def test_a_stream_that_told_nothing_resumes_from_its_head() -> None:
    """What happened between two connections is not missed: `ready` says where the feed stood."""

    async def follow() -> None:
        ready = 'event: ready\ndata: {"cursor":"5"}'
        async with server([stream(ready), stream(ready, "id: 6\nevent: a\ndata: 1")]) as (url, asked):
            async with GatewayClient(url, KEY) as client:
                async for frame in client.follow():
                    if frame.event == "a":
                        break
            assert "last-event-id: 5" in asked[1].lower()

    asyncio.run(follow())


def test_a_gateway_that_is_not_there_ends_with_4() -> None:
    """The first connection must stand; later ones are tried again."""

    async def follow() -> None:
        async with GatewayClient("http://127.0.0.1:9", KEY) as client:
            async for _ in client.follow():
                raise AssertionError("nobody answered")

    with pytest.raises(Unreached, match="does not answer") as caught:
        asyncio.run(follow())
    assert caught.value.exit_code == ExitCode.UNREACHABLE


def ask(status: int, body: bytes) -> Any:
    """One request that is answered with this."""

    async def get() -> Any:
        async with server([answer(body, status=status)]) as (url, _), GatewayClient(url, KEY) as client:
            return await client.get("/contacts/x", SpokenContact)

    return asyncio.run(get())


def test_problems_are_told_with_their_hint_and_code() -> None:
    """A refusal by the gateway is one line, and what helps; of a bad key the exit code is 5."""
    with pytest.raises(Refused, match=r"no \(not_found\)\nlook elsewhere") as caught:
        ask(404, PROBLEM)
    assert (caught.value.status, caught.value.code, caught.value.exit_code) == (404, "not_found", ExitCode.FAILED)
    with pytest.raises(KeyRefused) as refused:
        ask(401, PROBLEM)
    assert refused.value.exit_code == ExitCode.NOT_ALLOWED


def test_another_server_is_not_taken_for_a_gateway() -> None:
    """An answer that is no problem of ours is told as such."""
    with pytest.raises(Refused, match="no Switchboard gateway"):
        ask(502, b"<html>")


def test_a_post_without_an_answer_is_repeated_under_the_same_key() -> None:
    """The gateway acts once, however often it is asked: the idempotency key stays."""

    async def post() -> None:
        async with server([b"", answer(b'{"id":"ctc_1"}')]) as (url, asked), GatewayClient(url, KEY) as client:
            assert (await client.post("/contacts", {}, SpokenContact)).id == "ctc_1"
        keys = {line for request in asked for line in request.lower().splitlines() if "idempotency" in line}
        assert (len(asked), len(keys)) == (2, 1)

    asyncio.run(post())


def test_lists_are_read_to_their_end() -> None:
    """Page after page, by the cursor of the one before."""

    async def read() -> None:
        first = answer(b'{"data":[{"id":"ctc_1"}],"page":{"next_cursor":"abc","has_more":true}}')
        last = answer(b'{"data":[{"id":"ctc_2"}],"page":{"next_cursor":null,"has_more":false}}')
        async with server([first, last]) as (url, asked), GatewayClient(url, KEY) as client:
            assert [each.id async for each in client.get_all("/contacts", SpokenContact)] == ["ctc_1", "ctc_2"]
            assert "cursor=abc" in asked[1]

    asyncio.run(read())


def test_a_running_demo_is_found_by_its_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tail` and `send` need no argument where a demo runs; its key opens its own gateway and no other."""
    monkeypatch.setenv("SWITCHBOARD_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("SWITCHBOARD_URL", raising=False)
    monkeypatch.delenv("SWITCHBOARD_API_KEY", raising=False)
    with pytest.raises(NotAllowed, match="an API key is needed"):
        open_gateway(url=None, key=None)
    path = light_beacon(tmp_path, Beacon(url="http://127.0.0.1:8123", api_key=KEY))
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_gateway(url=None, key=None).url == "http://127.0.0.1:8123"
    with pytest.raises(NotAllowed):
        open_gateway(url="http://127.0.0.1:9999", key=None)
    monkeypatch.setenv("SWITCHBOARD_URL", "https://inbox.example.org")
    assert open_gateway(url=None, key="sk_mine").url == "https://inbox.example.org"
    put_out_beacon(tmp_path)
    assert find_beacon({}, default=tmp_path) is None


def test_the_demos_note_is_looked_for_in_its_usual_place(tmp_path: Path) -> None:
    """Without SWITCHBOARD_DATA_DIR a demo and its clients agree on one folder."""
    folder = default_data_dir({"XDG_DATA_HOME": str(tmp_path)}, demo=True)
    folder.mkdir()
    light_beacon(folder, Beacon(url="http://127.0.0.1:1", api_key=KEY))
    assert find_beacon({}, default=folder) == Beacon(url="http://127.0.0.1:1", api_key=KEY)
