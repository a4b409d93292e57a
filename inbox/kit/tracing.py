"""The request and the trace being served, for whoever wants to write them beside what they caused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
_TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)


def request_id() -> str | None:
    """The `X-Request-Id` of the request this task works for; None outside any request."""
    return _REQUEST_ID.get()


def traceparent() -> str | None:
    """Where in which trace this task stands, as W3C Trace Context 3.2 writes it; None where nothing is traced."""
    return _TRACEPARENT.get()


@contextmanager
def working_for(request: str | None) -> Iterator[None]:
    """Work in the name of a request: a job carries on the id of the request that asked for it."""
    token = _REQUEST_ID.set(request)
    try:
        yield
    finally:
        _REQUEST_ID.reset(token)


@contextmanager
def within_trace(parent: str | None) -> Iterator[None]:
    """Work at a place of a trace: what is asked for and told inside the `with` goes on from there."""
    token = _TRACEPARENT.set(parent)
    try:
        yield
    finally:
        _TRACEPARENT.reset(token)
