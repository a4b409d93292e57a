"""The two floors ours is measured beside, on the same server: a handler that only verifies, and one that also inserts.

Run as a process: `python -m tests.bench.floors verify|insert --port P --database URL`.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import asyncpg
import uvicorn
import uvloop
from litestar import Litestar, Request, Response, post
from litestar.params import FromPath

from channels.contract import Account, WebhookRequest
from channels.errors import Forged
from channels.http import Http
from channels.sms.twilio import TwilioSms, TwilioSmsSettings
from inbox.kit.clock import utc_now
from inbox.kit.ids import new_id
from tests.bench.load import ACCOUNT, NUMBER, TOKEN

PATH = "/hooks/sms-twilio/cha_floor/message"
TABLE = """
CREATE TABLE IF NOT EXISTS floor_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, channel_id uuid NOT NULL, url text NOT NULL,
    headers jsonb NOT NULL, body bytea NOT NULL, received_at timestamptz NOT NULL
)
"""
INSERT = "INSERT INTO floor_event (channel_id, url, headers, body, received_at) VALUES ($1, $2, $3, $4, $5)"
CHANNEL = new_id()


def make_floor(*, port: int, pool: Any) -> Litestar:
    """An application with nothing but the one handler; it inserts where there is a pool."""
    adapter = TwilioSms(Http())
    settings = TwilioSmsSettings(account_sid=ACCOUNT, auth_token=TOKEN, numbers=[NUMBER])
    hook_url = f"http://127.0.0.1:{port}{PATH.rpartition('/')[0]}"
    account = Account(channel_id="cha_floor", settings=settings, hook_url=hook_url)
    reply = adapter.accepted

    @post("/hooks/{adapter:str}/{channel_id:str}/{kind:str}", status_code=200)
    async def take(request: Request[Any, Any, Any], kind: FromPath[str]) -> Response[bytes]:
        headers = {name.decode(): value.decode() for name, value in request.scope["headers"]}
        body = await request.body()
        incoming = WebhookRequest(kind=kind, method="POST", url=f"{hook_url}/{kind}", headers=headers, body=body)
        try:
            adapter.verify(account, incoming)
        except Forged:
            return Response(b"", status_code=403)
        if pool is not None:
            await pool.execute(INSERT, CHANNEL, incoming.url, "{}", body, utc_now())
        return Response(reply.body, media_type=reply.media_type)

    return Litestar([take], openapi_config=None, logging_config=None)


async def run_floor(*, port: int, database: str, insert: bool) -> None:
    """Serve one floor until told to stop."""
    pool = await asyncpg.create_pool(database, reset=_leave_as_is) if insert else None
    if pool is not None:
        await pool.execute(TABLE)
    app = make_floor(port=port, pool=pool)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, loop="none", http="httptools", ws="none", backlog=2048, log_config=None,
        access_log=False, server_header=False, proxy_headers=False,
    )  # fmt: skip
    await uvicorn.Server(config).serve()


async def _leave_as_is(connection: object) -> None:
    """The reset asyncpg runs at each release is switched off, as ours is."""


def main() -> None:
    """Run one floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("floor", choices=["verify", "insert"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    args = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_floor(port=args.port, database=args.database, insert=args.floor == "insert"))


if __name__ == "__main__":
    main()
