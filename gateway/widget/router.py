"""The visitor protocol, wired: /widget/v1 with its own door, and the same problems and transactions as the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Request, Router
from litestar.di import Provide

from gateway.bodies import refuse_unstorable
from gateway.settings import Settings
from gateway.widget.door import WidgetDoor, WidgetTransactions
from gateway.widget.routes import CONTROLLERS
from gateway.widget.visitor_auth import VisitorCaller

PREFIX = "/widget/v1"
FORM_OVERHEAD_BYTES = 10_000
"""What a form adds to the one file in it."""


def widget_router(settings: Settings) -> Router:
    """Everything visitors can ask for. Handlers get who asks as `visitor`, and the process's desk as `widget_desk`."""
    return Router(
        PREFIX,
        route_handlers=CONTROLLERS,
        middleware=[
            WidgetDoor(),
            WidgetTransactions(
                remembered=timedelta(hours=settings.idempotency_hours),
                body_limit=settings.visitor_body_limit_bytes,
                form_limit=settings.attachment_limit_bytes + FORM_OVERHEAD_BYTES,
            ),
        ],
        before_request=refuse_unstorable,
        opt={"for_visitors": True},
        dependencies={"visitor": Provide(provide_visitor)},
    )


async def provide_visitor(request: Request[Any, Any, Any]) -> VisitorCaller:
    """What handlers get who ask for `visitor: VisitorCaller`."""
    caller: VisitorCaller | None = request.user
    if caller is None:
        raise RuntimeError("a public route has no visitor")
    return caller
