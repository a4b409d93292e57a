"""`switchboard smtpd` as it runs: a listener beside the projector, ended in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog

from gateway.hook_bodies import BodyRoom
from gateway.runtime import Runtime, open_runtime
from gateway.serve import prepared, spare_collector
from gateway.service import run_service
from gateway.settings import Settings
from gateway.smtpd.crowd import Crowd
from gateway.smtpd.reception import House, LocalReception, Reception

log = structlog.get_logger()

BACKLOG = 256
LOOK_SECONDS = 0.05


class Listening(msgspec.Struct, kw_only=True, frozen=True):
    """Where mail is taken: at a host and port, or a socket in the file system; and how it is spoken."""

    host: str
    port: int
    lmtp: bool = False
    path: Path | None = None


async def run_smtpd(settings: Settings, where: Listening) -> None:
    """Take mail until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with (
        open_runtime(settings) as runtime,
        prepared(runtime),
        run_service(runtime, work=False),
        open_smtpd(runtime, where) as port,
    ):
        log.info("taking_mail", port=port)
        spare_collector()
        await stop.wait()
        log.info("stopping")


@asynccontextmanager
async def open_smtpd(runtime: Runtime, where: Listening) -> AsyncIterator[int]:
    """The listener, for as long as the block lasts; yields its port. Mails that are coming in come to their end."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd tells there who writes to whom
    house, here = _house(runtime, where), set[Reception]()
    kind = LocalReception if where.lmtp else Reception
    server = await _listen(lambda: kind(house, here), where)
    try:
        yield 0 if where.path else server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await _see_off(here, seconds=runtime.settings.stop_seconds)
        await server.wait_closed()


async def _listen(meet: Callable[[], Reception], where: Listening) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if where.path is None:
        return await loop.create_server(meet, where.host, where.port, backlog=BACKLOG)
    await asyncio.to_thread(where.path.unlink, missing_ok=True)
    return await loop.create_unix_server(meet, str(where.path), backlog=BACKLOG)


def _house(runtime: Runtime, where: Listening) -> House:
    settings = runtime.settings
    return House(
        directory=runtime.directory,
        adapters=runtime.adapters,
        journal=runtime.journal,
        room=BodyRoom(settings.hook_body_bytes),
        crowd=Crowd(limit=settings.smtpd_connections, per_address=settings.connections_per_address),
        name=settings.smtpd_name or urlsplit(settings.public_url).hostname or "localhost",
        mail_bytes=settings.smtpd_mail_bytes,
        seconds=settings.smtpd_seconds,
        tls=load_certificate(settings.smtpd_certificate, settings.smtpd_certificate_key),
        lmtp=where.lmtp,
    )


def load_certificate(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What STARTTLS is offered with; None where no certificate is named. OSError where it cannot be used."""
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def _see_off(here: set[Reception], *, seconds: float) -> None:
    """Who only waits is told to go; a mail that is under way comes to its answer, if that is soon."""
    latest = asyncio.get_running_loop().time() + seconds
    while here:
        late = asyncio.get_running_loop().time() > latest
        for reception in [one for one in here if late or not one.busy]:
            reception.leave()
        if late:
            return
        await asyncio.sleep(LOOK_SECONDS)
