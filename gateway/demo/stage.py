"""Everything a demo runs on, opened in order and closed in reverse: simulator, servers, gateway, worker."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from channels.simulators.mail import MailSimulator, PostOffice, serve_mail
from channels.simulators.mail.client import serve_mail_client
from channels.simulators.twilio import TwilioAccount, TwilioNumber, TwilioSimulator, serve_simulator
from gateway.commands.exits import CommandFailed
from gateway.demo.chats import ChatLine
from gateway.demo.handset.api import SimulatorController
from gateway.demo.handset.arrivals import Arrivals
from gateway.demo.handset.playground import Playground
from gateway.demo.phones import Post
from gateway.demo.seeding import ACCOUNT_SID, AUTH_TOKEN, MAIL_ADDRESS, MAIL_HOST, Seeded, seed_demo
from gateway.runtime import Runtime, open_runtime
from gateway.serve import BACKLOG, Server, prepare_database
from gateway.service import run_service
from gateway.settings import Settings
from gateway.smtpd import Listening, open_smtpd

if TYPE_CHECKING:
    from gateway.demo.screen import Screen

START_SECONDS = 120.0
LOOK_SECONDS = 0.01
CROWD = 100_000
"""What visitors may do at the address from which all of a demo's come."""
STOP_SECONDS = 5.0
"""How long a demo's running work may take to finish: people wait for their prompt."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - addresses to be replaced, not listened on


class Stage(msgspec.Struct, kw_only=True, frozen=True):
    """What is there when everything runs."""

    url: str
    twilio: TwilioSimulator
    mail: MailSimulator
    mail_client: str
    post: Post
    chat: ChatLine
    seeded: Seeded


@asynccontextmanager
async def open_stage(settings: Settings, screen: Screen, *, seed: int) -> AsyncIterator[Stage]:
    """Start everything, a step a line; nothing of it is left when this ends."""
    listener = open_port(settings.host, settings.port)
    url = f"http://{_bracketed(ANYWHERE.get(settings.host, settings.host))}:{settings.port}"
    account = TwilioAccount(sid=ACCOUNT_SID, token=AUTH_TOKEN)
    twilio = TwilioSimulator([account], [], seed=seed, routes={settings.public_url: [url]})
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        with screen.step("Simulated Twilio"):
            api_url = await stack.enter_async_context(serve_simulator(twilio))
        mail = MailSimulator(seed=seed)
        with screen.step("Simulated mail server"):
            mail_port = await stack.enter_async_context(serve_mail(mail))
        settings = _let_through(settings, urlsplit(api_url).netloc, f"{MAIL_HOST}:{mail_port}")
        with screen.step("Postgres and Valkey"):
            runtime = await stack.enter_async_context(open_runtime(settings))
        with screen.step("Tables"):
            await prepare_database(runtime)
        with screen.step("Numbers, mail, chat, agents, API key"):
            seeded = await seed_demo(runtime, api_url=api_url, mail_port=mail_port, url=url)
            await runtime.directory.refresh()
            _connect_numbers(twilio, seeded)
        with screen.step("Gateway with worker"):
            await stack.enter_async_context(run_service(runtime, work=True))
            entrance = await stack.enter_async_context(open_smtpd(runtime, Listening(host=MAIL_HOST, port=0)))
            post = Post(address=MAIL_ADDRESS, office=PostOffice(host=MAIL_HOST, port=entrance))
            playground = Playground(
                twilio=twilio,
                mail=mail,
                post=post,
                chat=seeded.chat,
                arrivals=Arrivals(twilio, mail),
                url=settings.public_url,
            )
            await stack.enter_async_context(_serving(runtime, listener, playground))
        client = await stack.enter_async_context(serve_mail_client(mail, post.office))
        yield Stage(url=url, twilio=twilio, mail=mail, mail_client=client, post=post, chat=seeded.chat, seeded=seeded)


def open_port(host: str, port: int) -> socket.socket:
    """The listening socket of the gateway, taken before anything else; CommandFailed where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        why = "is taken, perhaps by another demo" if taken else f"cannot be listened on: {error.strerror}"
        raise CommandFailed(f"port {port} at {host} {why}", hint=f"Choose another: --port {port + 1}") from error
    return listener


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _let_through(settings: Settings, *places: str) -> Settings:
    """The simulators are on this machine: the gateway may call them, and nothing else here.

    All visitors come from this one address, so that what limits an address would limit the demo.
    """
    return msgspec.structs.replace(
        settings,
        egress_allow=(*settings.egress_allow, *places),
        stop_seconds=min(settings.stop_seconds, STOP_SECONDS),
        visitor_sessions_per_minute=CROWD,
        visitor_messages_per_minute=CROWD,
        visitor_conversations_per_half_day=CROWD,
        visitor_uploads_per_hour=CROWD,
        visitor_mails_per_hour=CROWD,
    )


def _connect_numbers(twilio: TwilioSimulator, seeded: Seeded) -> None:
    for number, hook in seeded.hooks.items():
        twilio.numbers[number] = TwilioNumber(number=number, account_sid=ACCOUNT_SID, hook=hook)


@asynccontextmanager
async def _serving(runtime: Runtime, listener: socket.socket, playground: Playground) -> AsyncIterator[None]:
    server = _StageServer(
        runtime,
        stop_seconds=runtime.settings.stop_seconds,
        routes=[SimulatorController],
        dependencies={"playground": playground},
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(START_SECONDS):
            while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn tells by this flag alone
                await asyncio.sleep(LOOK_SECONDS)
        yield
    finally:
        runtime.hub.stop()
        playground.arrivals.stop()
        server.should_exit = True
        await serving


class _StageServer(Server):
    """A gateway that leaves the signals to the demo."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None are captured."""
        yield
