"""Whether this process lives, can serve, and can take webhooks; and what it is (reliability.md 3)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from gateway.migrate import RAN, pending_after
from inbox.kit.db import tx
from inbox.repair.queries import is_outbox_held
from migrations.piccolo_app import APP_NAME

CHECK_SECONDS = 1.5
"""How long a part may take to show that it works: a probe gets its answer within 2 s."""
WORKING_BYTES = 20_000
"""A full Redis still answers PING and takes small values: the probe writes at the size in use."""
PROBE_KEY_SECONDS = 10
NOBODY = UUID(int=0)
PROBE_WRITE = """
INSERT INTO remembered_request (api_key_id, key, fingerprint, status, media_type, body)
VALUES ($1, $2, '', 200, '', '')
"""

State: TypeAlias = Literal["ok", "degraded", "down"]
Check: TypeAlias = Callable[[], Awaitable[None]]
WORST: dict[State, int] = {"ok": 0, "degraded": 1, "down": 2}


class Part(msgspec.Struct, kw_only=True, frozen=True):
    """One thing we stand on: `check` raises where it does not work, which then means `otherwise`."""

    name: str
    check: Check
    otherwise: State = "down"
    inbound: bool = False


class PartHealth(msgspec.Struct, kw_only=True, frozen=True):
    """How one part is; `reason` is a word for the log and the operator, never an address or a credential."""

    name: str
    state: State
    reason: str | None = None


class HealthObject(msgspec.Struct, kw_only=True, frozen=True):
    """How the process is: the worst of its parts."""

    object: Literal["health"] = "health"
    id: Literal["live", "ready", "inbound"]
    state: State
    parts: list[PartHealth]


DOWN = {503: ResponseSpec(HealthObject, generate_examples=False, description="A part that is needed is down")}


class Stopping(Exception):
    """The process has been told to stop: send nothing new here."""


class Health:
    """The parts of one process. Those with `inbound` are all that taking webhooks needs."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = [*parts, Part(name="process", check=self._check_running)]
        self._stopping = False

    def stop(self) -> None:
        """Be ready no more, so that balancers go elsewhere while running requests end."""
        self._stopping = True

    async def report(self, name: Literal["ready", "inbound"]) -> HealthObject:
        """Check every part that counts, all at once."""
        asked = [part for part in self._parts if name == "ready" or part.inbound]
        found = list(await asyncio.gather(*(_check_part(part) for part in asked)))
        worst = max(found, key=lambda part: WORST[part.state])
        return HealthObject(id=name, state=worst.state, parts=found)

    async def _check_running(self) -> None:
        if self._stopping:
            raise Stopping


async def _check_part(part: Part) -> PartHealth:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await part.check()
    except Exception as error:  # noqa: BLE001  whatever a part fails with, it is not well
        return PartHealth(name=part.name, state=part.otherwise, reason=type(error).__name__)
    return PartHealth(name=part.name, state="ok")


class NotWritten(Exception):
    """Raised on purpose, so that the probe's write is rolled back."""


class MigrationsPending(Exception):
    """The database lacks tables of this release: run `switchboard migrate`."""


async def check_database() -> None:
    """A real write, rolled back: a full disk or a standby answers SELECT 1 as well."""
    try:
        async with tx() as connection:
            await connection.execute(PROBE_WRITE, NOBODY, os.urandom(8).hex())
            raise NotWritten  # noqa: TRY301  the way to roll back
    except NotWritten:
        return


async def check_migrations() -> None:
    """The tables are those of this release, or of a later one."""
    async with tx() as connection:
        ran = [row["name"] for row in await connection.fetch(RAN, APP_NAME)]
    if pending_after(ran):
        raise MigrationsPending


class Held(Exception):
    """The outbox is held: nothing leaves until `switchboard outbox release`."""


async def check_outbox() -> None:
    """Things leave, unless somebody holds them back."""
    if await is_outbox_held():
        raise Held


def check_redis(client: Any) -> Check:
    """A write of working size to this Redis, and its end."""

    async def check() -> None:
        key = f"switchboard:health:{os.getpid()}"
        await client.set(key, b"x" * WORKING_BYTES, ex=PROBE_KEY_SECONDS)
        await client.delete(key)

    return check


def check_blocking(probe: Callable[[], object]) -> Check:
    """A check that blocks, such as the spool's write to disk, in a thread of its own."""

    async def check() -> None:
        await asyncio.to_thread(probe)

    return check


class HealthController(Controller):
    """For balancers and operators: no API key needed."""

    path = "/health"
    tags = ("Health",)
    opt = {"public": True}  # noqa: RUF012  Litestar's own spelling

    @get("/live", operation_id="getLiveness", summary="Whether the process lives")
    async def show_liveness(self) -> HealthObject:
        """Touches nothing: restart the process when this does not answer."""
        return HealthObject(id="live", state="ok", parts=[])

    @get("/ready", operation_id="getReadiness", summary="Whether the process can serve", responses=DOWN)
    async def show_readiness(self, health: NamedDependency[Health]) -> Response[HealthObject]:
        """Each part with its state; 503 when one is down, 200 when the worst is degraded."""
        return _answer(await health.report("ready"))

    @get(
        "/ready/inbound",
        operation_id="getInboundReadiness",
        summary="Whether the process can take webhooks",
        responses=DOWN,
    )
    async def show_inbound_readiness(self, health: NamedDependency[Health]) -> Response[HealthObject]:
        """Stays 200 while webhooks can be kept on disk, whatever the database does."""
        return _answer(await health.report("inbound"))


def _answer(report: HealthObject) -> Response[HealthObject]:
    return Response(
        report,
        status_code=HTTP_503_SERVICE_UNAVAILABLE if report.state == "down" else HTTP_200_OK,
        headers={"Cache-Control": "no-store"},
    )
