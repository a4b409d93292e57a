"""Everything one process holds open: settings, database, Redis, HTTP client, adapters; opened and closed here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import redis.asyncio as redis
import structlog

from channels.contract import Adapter, Closing, Unpacking
from channels.email.authentication import TxtResolver
from channels.http import Http
from channels.registry import load_adapters
from gateway.directory import ChannelDirectory
from gateway.embedded import open_embedded
from gateway.files import sign_attachment_url
from gateway.hub import FeedHub
from gateway.journal import Journal
from gateway.live.broadcast import Broadcast
from gateway.live.bus import LiveBus
from gateway.parsing import ParserPool
from gateway.redis_client import connect_redis
from gateway.settings import Settings
from gateway.spans import NO_TRACER, TracedHttp, Tracer, open_tracer
from gateway.spool import Spool
from gateway.storage import Storage, open_storage
from gateway.together import Batches
from inbox.accounts.catalogue import Catalogue
from inbox.contacts.erased import lend_ledger_box
from inbox.kit.db import close_database, open_database
from inbox.kit.secrets import SecretBox

log = structlog.get_logger()

REDIS_SECONDS = 0.2
"""How long Redis may take: it only wakes readers, and nobody waits for it."""


class Runtime:
    """The clients of one process, handed to whatever needs them; a test builds one with what it tests."""

    def __init__(
        self,
        settings: Settings,
        *,
        database_url: str,
        redis_client: redis.Redis,
        http: Http,
        adapters: dict[str, Adapter],
        storage: Storage,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self.settings = settings
        self.database_url = database_url
        self.redis = redis_client
        self.http = http
        self.adapters = adapters
        self.storage = storage
        self.tracer = tracer
        self.batches = Batches()
        self.box = SecretBox([settings.secret_key, *settings.old_secret_keys])
        lend_ledger_box(self.box)
        self.catalogue = Catalogue(
            adapters=adapters, box=self.box, public_url=settings.public_url, check_url=http.check_egress
        )
        self.directory = ChannelDirectory(self.catalogue, cache=settings.data_dir / "channels.cache")
        self.spool = Spool(settings.data_dir / "spool", box=self.box, limit=settings.spool_limit_bytes)
        self.hub = FeedHub(redis_client, buffer=settings.stream_buffer_events, poll_seconds=settings.poll_seconds)
        self.live = LiveBus(redis_client, retry_seconds=settings.poll_seconds)
        self.broadcast = Broadcast(self.hub, self.live)
        self.parsers = ParserPool(
            [name for name, adapter in adapters.items() if isinstance(adapter, Unpacking)],
            quick=settings.parse_workers,
            memory_bytes=settings.parse_memory_bytes,
            find_records=TxtResolver().find_records,
        )
        self.journal = Journal(self.spool, batch=settings.journal_batch, timeout=settings.journal_timeout_seconds)

    def media_url(self, attachment_id: UUID) -> str:
        """Where a provider may fetch a file of ours, for a while."""
        return self.settings.public_url + sign_attachment_url(
            self.box, attachment_id, seconds=self.settings.media_url_seconds
        )


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """Connect to everything, starting the private servers where no others are named; close it all at the end.

    Nothing here waits for the database: a process that starts during an outage must be able to verify and spool.
    """
    async with AsyncExitStack() as stack:
        database_url, redis_url = await _servers(settings, stack)
        await open_database(database_url, size=settings.database_pool_size)
        stack.push_async_callback(close_database)
        client = connect_redis(redis_url, seconds=REDIS_SECONDS)
        stack.push_async_callback(client.aclose)
        tracer = await stack.enter_async_context(open_tracer(settings))
        http = _client(settings, tracer)
        stack.push_async_callback(http.aclose)
        runtime = Runtime(
            settings,
            database_url=database_url,
            redis_client=client,
            http=http,
            adapters=load_adapters(http),
            storage=open_storage(settings),
            tracer=tracer,
        )
        for adapter in runtime.adapters.values():
            if isinstance(adapter, Closing):
                stack.push_async_callback(adapter.aclose)
        stack.push_async_callback(runtime.parsers.aclose)
        stack.push_async_callback(runtime.directory.close)
        stack.callback(runtime.spool.close)
        yield runtime


def _client(settings: Settings, tracer: Tracer) -> Http:
    allow, timeout = settings.egress_allow, settings.send_timeout_seconds
    if not tracer.active:
        return Http(allow=allow, timeout=timeout)
    return TracedHttp(tracer, allow=allow, timeout=timeout)


async def _servers(settings: Settings, stack: AsyncExitStack) -> tuple[str, str]:
    """The URLs of Postgres and Redis: those of the settings, else of the private servers."""
    database_url, redis_url = settings.database_url, settings.redis_url
    if database_url and redis_url:
        return database_url, redis_url
    embedded = await open_embedded(
        settings.data_dir, postgres=not database_url, redis=not redis_url, pg_bin=settings.pg_bin
    )
    stack.push_async_callback(embedded.close)
    found = database_url or embedded.database_url, redis_url or embedded.redis_url
    if found[0] is None or found[1] is None:
        raise RuntimeError("the private servers did not say where they are")
    return found[0], found[1]
