"""The whole wiring of the web application, on one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Router
from litestar.di import Provide

from channels.sms.segments import count_segments
from gateway.admission import Admission, guard_requests, reporting_quotas
from gateway.auth import Authentication, KeyRing, check_routes, provide_caller, recording_uses
from gateway.bodies import TypedRequest, refuse_unstorable
from gateway.conditional import Conditional
from gateway.cors import share_answers
from gateway.health import (
    Health,
    HealthController,
    Part,
    check_blocking,
    check_database,
    check_migrations,
    check_outbox,
    check_redis,
)
from gateway.links import LinkedResponse
from gateway.live.rights import Rights, checking_rights
from gateway.measures import Measures
from gateway.meta import MetaController
from gateway.options import AllowedMethods
from gateway.pressure import Pressure, watching_pressure
from gateway.problems import ProblemAnswers
from gateway.quotas import Quotas
from gateway.reference import REFERENCE_ROUTES
from gateway.scraping import show_metrics
from gateway.signin.api import SessionController
from gateway.signin.limits import SigninLimits
from gateway.signin.oidc.providers import read_providers
from gateway.tracing import trace_requests
from gateway.transactions import Transactions
from inbox.api import CONTROLLERS
from inbox.kit.secrets import SecretBox
from inbox.privacy.retention.queries import Keeping

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
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
) -> Litestar:
    """The application over an open runtime.

    `api_routes` join the `controllers` below /v1, with its keys, transactions and problems; `routes` stand beside it.
    `dependencies` are values that handlers ask for by name, `lifespan` what runs as long as the application.
    """
    settings = runtime.settings
    ring, health = KeyRing(), Health(health_parts(runtime))
    admission = Admission(ring, Quotas(runtime.redis), settings=settings)
    docs_url = f"{settings.public_url.rstrip('/')}/docs"
    pressure, measures = Pressure(settings.queue_age_seconds), Measures(runtime)
    limits = SigninLimits(runtime.redis, settings)
    given = {**_settled(settings), "health": health, "measures": measures, "key_ring": ring, "signin_limits": limits}
    rights = given["rights"] = Rights(ring.still_valid)
    given |= dependencies or {}
    api = api_router(settings, [*controllers, MetaController, SessionController, *api_routes])
    app = Litestar(
        route_handlers=[api, HealthController, show_metrics, *REFERENCE_ROUTES, *routes],
        dependencies={name: Provide(_always(value), sync_to_thread=False) for name, value in given.items()},
        exception_handlers={Exception: ProblemAnswers(docs_url)},
        lifespan=[
            lambda _: recording_uses(ring),
            lambda _: reporting_quotas([admission.quotas, *limits.quotas]),
            lambda _: watching_pressure(pressure),
            lambda _: measures.watching(),
            lambda _: checking_rights(rights),
            *lifespan,
        ],
        request_class=TypedRequest,
        response_class=LinkedResponse,
        request_max_body_size=None,  # the API's own limits stand below, those of webhooks with their adapters
        openapi_config=None,  # gateway.openapi describes the routes
        logging_config=None,  # gateway.telemetry has it
    )
    check_routes(app, prefix=API)
    app.state.pressure, app.state.box = pressure, _box(settings)
    app.state.admission, app.state.health, app.state.sightings = admission, health, ring.sightings
    app.state.rights = rights
    guarded = guard_requests(app.asgi_handler, admission, prefix=API, docs_url=docs_url)
    app.asgi_handler = trace_requests(share_answers(guarded, settings, prefix=API), runtime.tracer)
    return app


def _settled(settings: Settings) -> dict[str, Any]:
    """What handlers ask for that the settings alone decide."""
    return {
        "settings": settings,
        "default_country": settings.default_country,
        "undo_seconds": settings.undo_seconds,
        "reopen_window": timedelta(hours=settings.reopen_window_hours),
        "count_segments": count_segments,
        "event_key_days": settings.event_key_days,
        "import_limit_bytes": settings.import_limit_bytes,
        "keeping": default_keeping(settings),
        "metrics_token": settings.metrics_token,
        "oidc_providers": read_providers(settings.oidc_providers),
    }


def create_worker_app(runtime: Runtime) -> Litestar:
    """What a process shows that only works: its health and its measures."""
    measures = Measures(runtime)
    given = {
        "health": Health(health_parts(runtime)),
        "measures": measures,
        "metrics_token": runtime.settings.metrics_token,
    }
    return Litestar(
        route_handlers=[HealthController, show_metrics],
        dependencies={name: Provide(_always(value), sync_to_thread=False) for name, value in given.items()},
        exception_handlers={Exception: ProblemAnswers(f"{runtime.settings.public_url.rstrip('/')}/docs")},
        lifespan=[lambda _: measures.watching()],
        openapi_config=None,
        logging_config=None,
    )


def api_router(settings: Settings, routes: Sequence[ControllerRouterHandler]) -> Router:
    """The public API: every request passes from the top of the middleware to its end, and then meets its handler."""
    return Router(
        API,
        route_handlers=routes,
        middleware=[
            AllowedMethods(),
            Authentication(),
            Conditional(),
            Transactions(
                remembered=timedelta(hours=settings.idempotency_hours),
                body_limit=settings.api_body_limit_bytes,
                form_limit=max(settings.attachment_limit_bytes, settings.import_limit_bytes) + FORM_OVERHEAD_BYTES,
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
        Part(name="outbox", check=check_outbox, otherwise="degraded"),
        Part(name="redis", check=check_redis(runtime.redis), otherwise="degraded"),
        Part(name="spool", check=check_blocking(runtime.spool.check_writable), inbound=True),
    ]


def default_keeping(settings: Settings) -> Keeping:
    """How long things are kept where a channel does not say."""
    return Keeping(
        message_days=settings.message_retention_days,
        attachment_days=settings.attachment_retention_days,
        raw_event_days=settings.raw_event_days,
    )


def _box(settings: Settings) -> SecretBox | None:
    return SecretBox([settings.secret_key, *settings.old_secret_keys]) if settings.secret_key else None


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value
