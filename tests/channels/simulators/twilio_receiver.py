"""The other side of the simulated Twilio in tests: a receiver of its webhooks, and a caller of its REST side."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from litestar.params import FromPath
from twilio.request_validator import RequestValidator

from channels.simulators.serving import serve_app
from channels.simulators.twilio import TwilioAccount, TwilioNumber, TwilioSimulator, serve_simulator

ACCOUNT = "AC" + "1" * 32
TOKEN = "the account's auth token"
NUMBER = "+15550100000"
HANDSET = "+4915112345678"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


class Webhook(msgspec.Struct, kw_only=True, frozen=True):
    """One request as it came: the last step of its path, its form and its headers."""

    path: str
    host: str
    form: dict[str, str]
    headers: dict[str, str]

    def valid_for(self, token: str) -> bool:
        """Whether Twilio's own validator accepts it under this token."""
        url = f"http://{self.host}/{self.path}"
        return bool(RequestValidator(token).validate(url, self.form, self.headers["x-twilio-signature"]))


class WebhookReceiver:
    """Keeps every webhook, and answers with `answers` in turn, then 200."""

    def __init__(self, answers: Sequence[int] = ()) -> None:
        self.webhooks: list[Webhook] = []
        self.answers = list(answers)
        self.url = ""

    def told(self, field: str) -> list[str]:
        """One field of all webhooks, in the order they came."""
        return [webhook.form[field] for webhook in self.webhooks]


@post("/{path:str}", status_code=200)
async def _receive(request: Request[Any, Any, State], path: FromPath[str]) -> Response[str]:
    receiver: WebhookReceiver = request.app.state.receiver
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    receiver.webhooks.append(
        Webhook(path=path, host=request.headers["host"], form=form, headers=dict(request.headers.items()))
    )
    status = receiver.answers.pop(0) if receiver.answers else 200
    return Response("<Response/>", status_code=status, media_type="text/xml")


@contextlib.asynccontextmanager
async def receiving(answers: Sequence[int] = ()) -> AsyncIterator[WebhookReceiver]:
    """A receiver on loopback; any path of one step."""
    receiver = WebhookReceiver(answers)
    app = Litestar([_receive], state=State({"receiver": receiver}), openapi_config=None, logging_config=None)
    async with serve_app(app) as receiver.url:
        yield receiver


class Provider(msgspec.Struct, kw_only=True, frozen=True):
    """A served simulator, what receives its webhooks, and an HTTP client with the account's credentials."""

    twilio: TwilioSimulator
    receiver: WebhookReceiver
    rest: httpx.AsyncClient

    async def send(self, body: str = "Hello", *, to: str = HANDSET, **fields: str) -> httpx.Response:
        """Create a message over REST, reporting to the receiver's /status."""
        form = {"To": to, "From": NUMBER, "Body": body, "StatusCallback": f"{self.receiver.url}/status", **fields}
        return await self.rest.post(MESSAGES, data=form)


@contextlib.asynccontextmanager
async def provider(*, answers: Sequence[int] = (), number: TwilioNumber | None = None) -> AsyncIterator[Provider]:
    """A simulator without faults or waits, that owns NUMBER and posts to the receiver's /incoming."""
    async with receiving(answers) as receiver:
        owned = number or TwilioNumber(number=NUMBER, account_sid=ACCOUNT)
        owned.hook = owned.hook or f"{receiver.url}/incoming"
        twilio = TwilioSimulator([TwilioAccount(sid=ACCOUNT, token=TOKEN)], [owned], pace=0)
        async with (
            serve_simulator(twilio) as url,
            httpx.AsyncClient(base_url=url, auth=(ACCOUNT, TOKEN), trust_env=False, verify=False, timeout=30) as rest,
        ):
            yield Provider(twilio=twilio, receiver=receiver, rest=rest)
