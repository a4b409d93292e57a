"""Job type -> function: the only such table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.deliver import deliver_message
from gateway.media import fetch_attachment
from gateway.outcomes import Outcome
from gateway.runtime import Runtime
from inbox.outbox.jobs import ClaimedJob, DeliverMessage, FetchMedia

RUN: dict[type, Callable[[Runtime, ClaimedJob, Any], Awaitable[Outcome]]] = {
    DeliverMessage: deliver_message,
    FetchMedia: fetch_attachment,
}


def run_job(runtime: Runtime, claimed: ClaimedJob) -> Awaitable[Outcome]:
    """Begin what the job asks for."""
    return RUN[type(claimed.job)](runtime, claimed, claimed.job)
