"""The long-running processes: `serve` answers HTTP, `work` does what was promised; each may run many times."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import structlog
import uvloop
from litestar import Litestar

from gateway.addresses import Proxies
from gateway.app import create_app, create_worker_app
from gateway.embedded import NotDurable, check_durability
from gateway.files import FileController
from gateway.hooks import Door, open_door
from gateway.live.api import LiveController
from gateway.live.realtime import Realtime, open_sockets
from gateway.migrate import migrate_database
from gateway.openapi import event_sample
from gateway.runtime import Runtime, open_runtime
from gateway.scraping import serving_beside
from gateway.sealed import check_keys
from gateway.service import run_service
from gateway.settings import Settings
from gateway.signin.oidc.client import OidcClient
from gateway.signin.routes import SIGNIN_CONTROLLERS, SIGNIN_ROUTES
from gateway.sockets import socket_options
from gateway.stream import StreamController
from gateway.tasks import end_tasks
from gateway.web import PAGE_ROUTES
from gateway.web.assets import own_assets
from gateway.webhooks import webhook_workshop
from gateway.widget.desk import WidgetDesk
from gateway.widget.router import widget_router
from gateway.wire import Connections, Patience, PatientServer
from inbox.kit.db import TRANSIENT
from inbox.kit.secrets import KeyMissing

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler

log = structlog.get_logger()

KEEP_ALIVE_SECONDS = 75
"""Longer than the idle time of common load balancers (60 s), so that they close first."""
BACKLOG = 2048
OTHER_FILES = 500
"""Files and connections beside those of clients: the database's, providers', the spool's."""
GC_THRESHOLDS = (50_000, 20, 20)
"""New objects, and rounds of the younger generations, before the next is looked through (Python: 700, 10, 10)."""


def run_forever(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process's main coroutine on the fast event loop, in the main thread, until it ends."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def serve(settings: Settings, *, work: bool, ready: Callable[[Runtime], None] | None = None) -> None:
    """Answer HTTP until told to stop; with `work`, be the worker as well."""
    allow_connections(settings)
    async with open_runtime(settings) as runtime, prepared(runtime), run_service(runtime, work=work):
        server = Server(runtime, stop_seconds=settings.stop_seconds)
        if ready:
            ready(runtime)
        spare_collector()
        await server.serve()


async def work(settings: Settings) -> None:
    """Project and deliver until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_runtime(settings) as runtime, prepared(runtime):
        beside = serving_beside(create_worker_app(runtime), host=settings.host, port=settings.work_metrics_port)
        async with beside, run_service(runtime, work=True):
            log.info("working")
            spare_collector()
            await stop.wait()
            log.info("stopping")


def allow_connections(settings: Settings) -> None:
    """Raise this process's limit of open files to what its connections need, as far as it may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.connection_limit + OTHER_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("open_files_limited", limit=allowed)


def spare_collector() -> None:
    """Keep the garbage collector from walking again and again through what was loaded at the start and stays.

    A batch makes thousands of objects that go by themselves, and at the usual thresholds each thousand of them has the
    collector look for circles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


@asynccontextmanager
async def prepared(runtime: Runtime) -> AsyncIterator[None]:
    """The database prepared and the channels known; if it is away, it is prepared as soon as it comes."""
    late = None if await prepare_database(runtime) else asyncio.create_task(_prepare_late(runtime))
    await runtime.directory.refresh_or_recall()
    try:
        yield
    finally:
        if late is not None:
            await end_tasks([late])


async def _prepare_late(runtime: Runtime) -> None:
    """What would have kept the process from starting is said aloud now; what it knows of it goes on serving."""
    try:
        while not await prepare_database(runtime):  # noqa: ASYNC110 (nothing of ours happens when a database comes back)
            await asyncio.sleep(runtime.settings.poll_seconds)
    except (NotDurable, KeyMissing) as error:
        log.critical("database_refused", error=type(error).__name__)


async def prepare_database(runtime: Runtime) -> bool:
    """Refuse a database that may forget, or holds secrets we cannot read; bring its tables up to date.

    False if it is away.
    """
    try:
        if await check_durability(runtime.database_url):
            log.warning("commits_not_awaited")
        ran = await migrate_database(runtime.database_url)
        if ran:
            log.info("migrated", count=len(ran))
        await check_keys(runtime.box)
    except TRANSIENT as error:
        log.error("database_away", error=type(error).__name__)  # noqa: TRY400 (its absence is no bug of ours)
        return False
    return True


def build_app(
    runtime: Runtime,
    *,
    routes: Sequence[ControllerRouterHandler] = (),
    dependencies: Mapping[str, Any] | None = None,
) -> Litestar:
    """The whole application: the API, the stream, the files, and the providers' door before them.

    `routes` stand beside it, and `dependencies` are what their handlers ask for by name: a demo's.
    """
    desk = WidgetDesk(runtime)
    app = create_app(
        runtime,
        api_routes=[*SIGNIN_CONTROLLERS, LiveController, StreamController],
        routes=[FileController, *SIGNIN_ROUTES, *PAGE_ROUTES, widget_router(runtime.settings), *routes],
        dependencies={
            "hub": runtime.hub,
            "live_bus": runtime.live,
            "assets": own_assets(),
            "directory": runtime.directory,
            "catalogue": runtime.catalogue,
            "secret_box": runtime.box,
            "oidc_client": OidcClient(runtime.http),
            "storage": runtime.storage,
            "stream_heartbeat_seconds": runtime.settings.stream_heartbeat_seconds,
            "workshop": webhook_workshop(runtime),
            "event_sample": event_sample,
            "widget_desk": desk,
            **(dependencies or {}),
        },
        lifespan=[lambda _: desk.open()],
    )
    app.state.widget = desk
    app.state.realtime = _open_realtime(runtime, app)
    app.asgi_handler = open_sockets(open_door(app.asgi_handler, Door(runtime)), app.state.realtime)
    return app


def _open_realtime(runtime: Runtime, app: Litestar) -> Realtime:
    """The door for sockets, with the same checks that requests pass."""
    settings = runtime.settings
    return Realtime(
        settings,
        admission=app.state.admission,
        rights=app.state.rights,
        sightings=app.state.sightings,
        broadcast=runtime.broadcast,
        bus=runtime.live,
        heartbeat_seconds=settings.stream_heartbeat_seconds,
        docs_url=f"{settings.public_url.rstrip('/')}/docs",
    )


class Server(PatientServer):
    """Uvicorn on our loop. When told to stop it ends the live streams first: their clients come back elsewhere."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        stop_seconds: float,
        routes: Sequence[ControllerRouterHandler] = (),
        dependencies: Mapping[str, Any] | None = None,
    ) -> None:
        self.runtime = runtime
        self.leaving = False
        self.app = build_app(runtime, routes=routes, dependencies=dependencies)
        super().__init__(
            self.app,
            _connections(runtime.settings),
            host=runtime.settings.host,
            port=runtime.settings.port,
            loop="none",
            **socket_options(heartbeat_seconds=runtime.settings.stream_heartbeat_seconds),
            backlog=BACKLOG,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(stop_seconds),
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, and end with status 0: uvicorn's own would raise the signal once more."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in order: not ready any more, streams ended, balancers given the time to see it, requests answered.

        Ctrl-C and a second signal wait for no balancer.
        """
        self.app.state.health.stop()
        self.app.state.realtime.stop()
        self.runtime.hub.stop()
        patience = self.runtime.settings.drain_seconds
        if sig == signal.SIGINT or self.leaving or not patience:
            super().handle_exit(sig, frame)
            return
        self.leaving = True
        # Kept connections are let go of with an answer: to be closed idle, they would be closed under a request.
        self.config.encoded_headers.append((b"connection", b"close"))
        asyncio.get_running_loop().call_later(patience, super().handle_exit, sig, frame)


def _connections(settings: Settings) -> Connections:
    patience = Patience(
        head_seconds=settings.head_seconds,
        body_seconds=settings.body_seconds,
        connections=settings.connection_limit,
        connections_per_address=settings.connections_per_address,
    )
    return Connections(patience, Proxies(settings.trusted_proxies))
