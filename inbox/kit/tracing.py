"""The id of the request being served, for whoever wants to write it beside what it caused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


def request_id() -> str | None:
    """The `X-Request-Id` of the request this task works for; None outside any request."""
    return _REQUEST_ID.get()


@contextmanager
def working_for(request: str | None) -> Iterator[None]:
    """Work in the name of a request: a job carries on the id of the request that asked for it."""
    token = _REQUEST_ID.set(request)
    try:
        yield
    finally:
        _REQUEST_ID.reset(token)
