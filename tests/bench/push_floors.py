"""The floors of tests/bench/push.py: on the same server, a POST whose bytes go to all sockets, with one INSERT or none.

Run as a process: `python -m tests.bench.push_floors --port P --database URL`. `POST /send` hands its body to every
socket, `POST /store` writes it durably first.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import asyncpg
import uvicorn
import uvloop

TABLE = (
    "CREATE TABLE IF NOT EXISTS floor_push (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)"
)
INSERT = "INSERT INTO floor_push (body) VALUES ($1)"


class Floor:
    """All that a push needs at the least."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.senders: set[Any] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """A socket, or a POST."""
        if scope["type"] == "websocket":
            await self.follow(receive, send)
        elif scope["type"] == "http":
            await self.push(scope, receive, send)

    async def follow(self, receive: Any, send: Any) -> None:
        """Be among those who are told."""
        await receive()
        await send({"type": "websocket.accept"})
        self.senders.add(send)
        while (await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": "{}"})
        self.senders.discard(send)

    async def push(self, scope: Any, receive: Any, send: Any) -> None:
        """Store it, tell it, answer."""
        body = (await receive())["body"]
        if scope["path"] == "/store":
            await self.pool.execute(INSERT, body)
        for tell in list(self.senders):
            await tell({"type": "websocket.send", "text": body.decode()})
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


async def serve(port: int, database: str) -> None:
    """Until stopped."""
    async with asyncpg.create_pool(database, min_size=2, max_size=2) as pool:
        await pool.execute(TABLE)
        config = uvicorn.Config(
            Floor(pool), port=port, loop="none", ws="websockets-sansio", ws_per_message_deflate=False,
            ws_ping_interval=None, log_level="warning", access_log=False, lifespan="off",
        )  # fmt: skip
        await uvicorn.Server(config).serve()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    args = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(args.port, args.database))


if __name__ == "__main__":
    main()
