"""The simulated Twilio as a web application, and serving it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from channels.simulators.serving import serve_app
from channels.simulators.twilio.control import CONTROL_HANDLERS
from channels.simulators.twilio.refusals import TwilioRefusal
from channels.simulators.twilio.rest import TWILIO_HANDLERS, answer_refusal
from channels.simulators.twilio.simulator import TwilioSimulator

log = logging.getLogger(__name__)

HTTP_REFUSALS = {404: 20404, 405: 20405}  # what the framework says no to, in Twilio's codes


def create_simulator(twilio: TwilioSimulator) -> Litestar:
    """The application: Twilio's REST side and `/sim` to drive it. To drop answers it needs the server of serving.py."""
    return Litestar(
        route_handlers=[*TWILIO_HANDLERS, *CONTROL_HANDLERS],
        state=State({"twilio": twilio}),
        exception_handlers={TwilioRefusal: _answer_refusal, HTTPException: _answer_http_error, Exception: _answer_bug},
        on_shutdown=[twilio.aclose],
        openapi_config=None,
        logging_config=None,
    )


@contextlib.asynccontextmanager
async def serve_simulator(twilio: TwilioSimulator, *, port: int = 0) -> AsyncIterator[str]:
    """Serve it in this event loop on a loopback port; yields its origin. Closed behind you."""
    async with serve_app(create_simulator(twilio), port=port) as url:
        twilio.url = url
        try:
            yield url
        finally:
            await twilio.aclose()  # before the server stops, which would wait for calls left unanswered


def _answer_refusal(_: Request[Any, Any, State], refusal: TwilioRefusal) -> Response[bytes]:
    return answer_refusal(refusal)


def _answer_http_error(request: Request[Any, Any, State], error: HTTPException) -> Response[bytes]:
    code = HTTP_REFUSALS.get(error.status_code)
    detail = request.scope["path"] if code else error.detail
    return answer_refusal(TwilioRefusal(code or 20001, detail, status=error.status_code))


def _answer_bug(_: Request[Any, Any, State], error: Exception) -> Response[bytes]:
    log.error("the simulator failed", exc_info=error)
    return answer_refusal(TwilioRefusal(20500))
