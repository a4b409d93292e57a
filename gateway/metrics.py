"""What a process counts and times, for Prometheus: every name, its labels and its unit, in one place.

Labels are channel ids, providers, job types and the like: few, and nothing of what people write or who they are. What
is not counted as it happens but looked up when asked is in `measures`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
PREFIX = "switchboard"
BRIEF = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Bounds in seconds of what somebody waits for."""
LONG = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
"""Bounds in seconds of what takes its time."""


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, namespace=PREFIX, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, namespace=PREFIX, registry=REGISTRY)


def _histogram(name: str, text: str, *labels: str, bounds: tuple[float, ...] = BRIEF) -> Histogram:
    return Histogram(name, text, labels, namespace=PREFIX, registry=REGISTRY, buckets=bounds)


INBOUND_RECEIVED = _counter("inbound_received", "Webhooks by what was answered.", "channel", "provider", "result")
INBOUND_ACK_SECONDS = _histogram("inbound_ack_seconds", "From a webhook's arrival to its answer.", "provider")
INBOUND_SIGNATURE_FAILURES = _counter(
    "inbound_signature_failures", "Webhooks that were not the provider's.", "channel", "provider"
)
INBOUND_SPOOLED = _counter("inbound_spooled", "Webhooks kept on disk because the database was away.")
INBOUND_DUPLICATES = _counter("inbound_duplicates", "Facts told again, which happened once.", "channel", "provider")
INBOUND_PARSE_ERRORS = _counter(
    "inbound_parse_errors", "Requests put in quarantine, by why.", "channel", "provider", "code"
)
INBOUND_TO_VISIBLE_SECONDS = _histogram(
    "inbound_to_visible_seconds", "From a webhook's arrival to its entry.", "provider", bounds=LONG
)

JOBS_FINISHED = _counter("jobs_finished", "Jobs by how a run of them ended.", "type", "outcome")
JOBS_RETRIES = _counter("jobs_retries", "Jobs put back to be tried again.", "type")
SEND_ATTEMPTS = _counter("send_attempts", "Messages handed to providers, by what they said.", "provider", "outcome")
SEND_LATENCY_SECONDS = _histogram("send_latency_seconds", "How long providers took to answer.", "provider", bounds=LONG)
PROVIDER_THROTTLED_SECONDS = _counter("provider_throttled_seconds", "How long providers asked us to wait.", "provider")
WEBHOOK_ATTEMPTS = _counter("webhook_attempts", "Tries at integrators' endpoints, by how they ended.", "outcome")

REQUESTS = _counter("http_requests", "API requests by route and status.", "method", "route", "status")
REQUEST_SECONDS = _histogram("http_request_seconds", "How long API requests took.", "method", "route")
STREAM_DROPPED_SLOW = _counter("stream_dropped_slow", "Event streams cut off because they did not keep up.")
LIVE_SOCKETS_REFUSED = _counter("live_sockets_refused", "WebSockets that were not let in, by why.", "code")
LIVE_SOCKETS_CLOSED = _counter("live_sockets_closed", "WebSockets that are over, by close code.", "code")
LIVE_FRAMES_REFUSED = _counter("live_frames_refused", "Frames of clients that were refused, by why.", "code")
LIVE_SOCKETS_BEHIND = _counter("live_sockets_behind", "How often a WebSocket had to read on from the database.")

LIVE_SOCKETS = _gauge("live_sockets", "WebSockets open in this process.")
STREAM_CONNECTIONS = _gauge("stream_connections", "Event streams open in this process.")
VISITOR_STREAMS = _gauge("visitor_streams", "Streams of web-chat visitors open in this process.")
EVENTLOOP_LAG_SECONDS = _gauge("eventloop_lag_seconds", "The longest the event loop was late in the last seconds.")
DB_POOL_IN_USE = _gauge("db_pool_in_use", "Database connections of this process that are at work.")
DB_POOL_SIZE = _gauge("db_pool_size", "Database connections of this process.")
DB_POOL_WAIT_SECONDS = _histogram("db_pool_wait_seconds", "Waits for a database connection because none was free.")
DB_UP = _gauge("db_up", "Whether the database answered the measures.")
REDIS_UP = _gauge("redis_up", "Whether Redis answered.")
REDIS_WRITABLE = _gauge("redis_writable", "Whether Redis took a value of working size.")
SPOOL_ITEMS = _gauge("spool_items", "Webhooks on this machine's disk that wait for the database.")
SPOOL_BYTES = _gauge("spool_bytes", "Their size on disk.")
SPOOL_OLDEST_AGE_SECONDS = _gauge("spool_oldest_age_seconds", "How long the oldest of them has waited.")
DISK_USED_SHARE = _gauge("disk_used_share", "How full the disk of the data directory is, from 0 to 1.")

JOBS_DEPTH = _gauge("jobs_depth", "Jobs that are not done.", "type")
JOBS_OLDEST_AGE_SECONDS = _gauge("jobs_oldest_age_seconds", "How long the oldest due job has waited.", "type")
JOBS_DEAD = _gauge("jobs_dead", "Jobs that were given up; look at `switchboard jobs list --state dead`.")
OUTBOX_HELD = _gauge("outbox_held", "Whether sending is held by an operator.")
SEND_UNKNOWN = _gauge("send_unknown", "Messages of which nobody knows whether they were sent.")
QUARANTINE_OPEN = _gauge("quarantine_open", "Requests of providers that could not be projected.")
INTAKE_WAITING = _gauge("intake_waiting", "Requests of providers that wait to be projected.")
IMAP_LAG_SECONDS = _gauge(
    "imap_lag_seconds", "How long the mail that was stored last had lain in its mailbox; 0 once all is read.", "channel"
)
IMAP_LAST_SUCCESS_TIMESTAMP = _gauge(
    "imap_last_success_timestamp", "When a mailbox was last read, in Unix time; 0 where it never was.", "channel"
)
WEBHOOK_ENDPOINTS_DISABLED = _gauge("webhook_endpoints_disabled", "Integrators' endpoints that are disabled.")
WEBHOOK_DELIVERIES_WAITING = _gauge("webhook_deliveries_waiting", "Deliveries to integrators that are not done.")
ERASURES_PENDING = _gauge("erasures_pending", "Contacts whose erasure was asked for and is not through.")
REPLICATION_SLOT_BYTES = _gauge("replication_slot_bytes", "The most WAL any replication slot keeps.")
