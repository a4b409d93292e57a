"""The whole wiring of the web application, on one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Router
from litestar.di import Provide

from gateway.auth import Authentication, KeyRing, check_routes, provide_caller, recording_uses
from gateway.bodies import TypedRequest, refuse_unstorable
from gateway.health import (
    Health,
    HealthController,
    Part,
    check_blocking,
    check_database,
    check_migrations,
    check_redis,
)
from gateway.links import LinkedResponse
from gateway.meta import MetaController
from gateway.options import AllowedMethods
from gateway.problems import ProblemAnswers
from gateway.reference import REFERENCE_ROUTES
from gateway.tracing import trace_requests
from gateway.transactions import Transactions
from inbox.api import CONTROLLERS

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler

    from gateway.runtime import Runtime
    from gateway.settings import Settings

API = "/v1"
FORM_OVERHEAD_BYTES = 10_000
"""What a form adds to the one file in it."""


def create_app(
    runtime: Runtime,
    *,
    controllers: Sequence[ControllerRouterHandler] = CONTROLLERS,
    api_routes: Sequence[ControllerRouterHandler] = (),
    routes: Sequence[ControllerRouterHandler] = (),
    dependencies: Mapping[str, Any] | None = None,
) -> Litestar:
    """The application over an open runtime.

    `api_routes` join the `controllers` below /v1, with its keys, transactions and problems; `routes` stand beside it.
    `dependencies` are values that handlers ask for by name.
    """
    settings = runtime.settings
    ring, health = KeyRing(), Health(health_parts(runtime))
    given = {
        "settings": settings,
        "health": health,
        "default_country": settings.default_country,
        **(dependencies or {}),
    }
    api = api_router(settings, [*controllers, MetaController, *api_routes])
    app = Litestar(
        route_handlers=[api, HealthController, *REFERENCE_ROUTES, *routes],
        dependencies={name: Provide(_always(value), sync_to_thread=False) for name, value in given.items()},
        exception_handlers={Exception: ProblemAnswers(f"{settings.public_url.rstrip('/')}/docs")},
        lifespan=[lambda _: recording_uses(ring)],
        request_class=TypedRequest,
        response_class=LinkedResponse,
        request_max_body_size=None,  # the API's own limits stand below, those of webhooks with their adapters
        openapi_config=None,  # gateway.openapi describes the routes
        logging_config=None,  # gateway.telemetry has it
    )
    check_routes(app, prefix=API)
    app.state.key_ring, app.state.health = ring, health
    app.asgi_handler = trace_requests(app.asgi_handler)
    return app


def api_router(settings: Settings, routes: Sequence[ControllerRouterHandler]) -> Router:
    """The public API: every request passes from the top of the middleware to its end, and then meets its handler."""
    return Router(
        API,
        route_handlers=routes,
        middleware=[
            AllowedMethods(),
            Authentication(),
            Transactions(
                remembered=timedelta(hours=settings.idempotency_hours),
                body_limit=settings.api_body_limit_bytes,
                form_limit=settings.attachment_limit_bytes + FORM_OVERHEAD_BYTES,
            ),
        ],
        before_request=refuse_unstorable,
        dependencies={"caller": Provide(provide_caller)},
    )


def health_parts(runtime: Runtime) -> list[Part]:
    """What this process stands on. Without Redis it serves, less lively; without the database it takes webhooks."""
    return [
        Part(name="database", check=check_database),
        Part(name="migrations", check=check_migrations),
        Part(name="redis", check=check_redis(runtime.redis), otherwise="degraded"),
        Part(name="spool", check=check_blocking(runtime.spool.check_writable), inbound=True),
    ]


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value
