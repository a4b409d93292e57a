"""What an operator can set: environment variables `SWITCHBOARD_*`, one typed struct."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from gateway.environment import setting, settings_table
from inbox.webhooks.schedule import RETRY_SECONDS

PREFIX = "SWITCHBOARD_"
DEMO_SECRET_KEY = "switchboard demo key: published, protects nothing"  # noqa: S105 - it is refused outside the demo
WEB = ("http", "https")

PAGE_HEAD = """# Settings

Switchboard is set up by environment variables alone. All that is wrong with them is reported at once, before anything
starts; `switchboard config show` prints what is in force, secrets masked. An empty value counts as not set. In demo
mode, and only there, a file `.env` in the working directory is read as well; the environment wins over it.

This page is made from `gateway/settings.py` by `settings_page()`."""

Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]


def variable_name(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


class Settings(msgspec.Struct, kw_only=True, frozen=True, rename=variable_name):
    """Every setting, with its default; the end of a name tells its unit. Secrets are never part of its repr."""

    demo: Annotated[bool, setting("Demo mode: simulated providers, a published key, and a .env file is read.")] = False
    secret_key: Annotated[
        str,
        setting(
            "Encrypts channel secrets, signs links and hashes addresses in logs; keep a copy with the backups.",
            form="at least 32 random characters",
            secrecy="secret",
        ),
    ] = ""
    old_secret_keys: Annotated[
        tuple[str, ...],
        setting(
            "Further keys that open what was sealed with them, while keys are rotated; they seal nothing new.",
            form="keys separated by commas",
            secrecy="secret",
        ),
    ] = ()
    public_url: Annotated[str, setting("Where providers and browsers reach this gateway.", schemes=WEB)] = (
        "http://127.0.0.1:8000"
    )
    host: Annotated[str, setting("The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, setting("The TCP port to listen on.", ge=1, le=65_535)] = 8000
    drain_seconds: Annotated[
        float,
        setting(
            "How long requests are still taken after SIGTERM, so that balancers see we are not ready.", ge=0, le=60
        ),
    ] = 5
    stop_seconds: Annotated[float, setting("How long running work may take to finish at a stop.", ge=0, le=600)] = 10

    data_dir: Annotated[Path, setting("The one directory of everything kept on this machine.")] = msgspec.field(
        default_factory=lambda: default_data_dir(os.environ)
    )
    database_url: Annotated[
        str | None,
        setting("A Postgres to use instead of the private one.", schemes=("postgresql", "postgres"), secrecy="address"),
    ] = None
    database_pool_size: Annotated[
        int, setting("The most database connections of one process.", unit="connections", ge=2, le=500)
    ] = 10
    redis_url: Annotated[
        str | None,
        setting(
            "A Redis or Valkey to use instead of the private one.",
            schemes=("redis", "rediss", "unix"),
            secrecy="address",
        ),
    ] = None
    pg_bin: Annotated[Path | None, setting("Programs of another Postgres for the private database.")] = None
    storage_url: Annotated[
        str | None,
        setting(
            "Where attachments are kept instead of under the data directory.",
            schemes=("s3", "gs", "az", "file"),
            secrecy="address",
        ),
    ] = None

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], setting("The least important log lines to write.")
    ] = "info"
    log_format: Annotated[Literal["json", "text"], setting("Log lines for programs (json) or people (text).")] = "json"

    metrics_token: Annotated[str, setting("The bearer of /metrics; else only this machine may.", secrecy="secret")] = ""
    work_metrics_port: Annotated[
        int, setting("Where `switchboard work` shows its metrics and health; 0 is nowhere.", ge=0, le=65_535)
    ] = 0
    otlp_url: Annotated[
        str | None,
        setting("The OpenTelemetry collector of traces; needs the extra `otel`.", schemes=WEB, secrecy="address"),
    ] = None

    default_country: Annotated[
        Country | None,
        setting(
            "The country of phone numbers written without + and country code.",
            form="two capital letters, an ISO 3166-1 country",
        ),
    ] = None
    reopen_window_hours: Annotated[
        float, setting("How long after closing a conversation a new message joins it again.", ge=0, le=87_600)
    ] = 72

    mail_subject_days: Annotated[
        float, setting("How long a mail of the same subject and contact joins their conversation.", ge=0, le=3_650)
    ] = 30
    reply_address_days: Annotated[
        int, setting("How long the signed reply address of a mail finds its conversation.", ge=1, le=3_650)
    ] = 365
    mail_acknowledgement: Annotated[
        str, setting("What is answered by itself to a mail that begins a conversation; nothing where it is empty.")
    ] = ""
    mail_acknowledgement_subject: Annotated[str, setting("The subject of that answer.")] = "We have received your mail"
    mail_acknowledgement_hours: Annotated[
        float, setting("How often one address gets that answer at most.", ge=1, le=8_760)
    ] = 24
    mail_acknowledgements_per_minute: Annotated[
        int, setting("How many addresses get that answer in a minute at most.", unit="mails", ge=1, le=1_000)
    ] = 20

    undo_seconds: Annotated[
        float, setting("How long a message can be taken back before it leaves, unless the request says.", ge=0, le=60)
    ] = 0

    egress_allow: Annotated[
        tuple[str, ...],
        setting("Hosts on private networks that may be called all the same.", form="host names separated by commas"),
    ] = ()
    api_body_limit_bytes: Annotated[int, setting("The largest API body taken.", ge=1_000, le=100_000_000)] = 2_000_000
    attachment_limit_bytes: Annotated[
        int, setting("The largest attachment taken or fetched.", ge=1_000, le=1_000_000_000)
    ] = 25_000_000
    attachment_url_seconds: Annotated[
        int, setting("How long a signed attachment link of the API opens.", ge=10, le=300)
    ] = 300
    import_limit_bytes: Annotated[int, setting("The largest file an import takes.", ge=1_000, le=1_000_000_000)] = (
        50_000_000
    )
    import_limit_rows: Annotated[int, setting("The most rows an import takes.", unit="rows", ge=1, le=10_000_000)] = (
        500_000
    )
    export_hours: Annotated[float, setting("How long the file of an export can be downloaded.", ge=0.1, le=720)] = 24
    message_retention_days: Annotated[
        int, setting("How long messages and notes are kept, unless their channel says; 0 is for ever.", ge=0, le=36_500)
    ] = 0
    attachment_retention_days: Annotated[
        int, setting("How long files of messages are kept, unless their channel says; 0 is for ever.", ge=0, le=36_500)
    ] = 0
    media_url_seconds: Annotated[
        int, setting("How long a provider may fetch the media of a message we send.", ge=60, le=604_800)
    ] = 3600

    trusted_proxies: Annotated[
        tuple[str, ...],
        setting(
            "Proxies whose X-Forwarded-For is believed; without one, limits count the peer itself.",
            form="addresses or networks separated by commas",
        ),
    ] = ()
    allowed_origins: Annotated[
        tuple[str, ...],
        setting(
            "Web origins besides our own whose pages may use an agent's session.",
            form="origins separated by commas",
        ),
    ] = ()
    connection_limit: Annotated[
        int, setting("The most connections of one process.", unit="connections", ge=10, le=100_000)
    ] = 4000
    connections_per_address: Annotated[
        int,
        setting(
            "The most connections of one address; loopback and trusted proxies may have more.",
            unit="connections",
            ge=1,
            le=100_000,
        ),
    ] = 200
    head_seconds: Annotated[float, setting("How long a request's head may take to come.", ge=0.1, le=600)] = 10
    body_seconds: Annotated[
        float, setting("How long a request's body may take to come; at 1,000 bytes a second it must.", ge=1, le=3_600)
    ] = 60
    key_requests_per_minute: Annotated[
        int,
        setting("What an API key may ask for, unless it has a rate of its own.", unit="requests", ge=1, le=10_000_000),
    ] = 600
    failed_keys_per_minute: Annotated[
        int, setting("How often one address may show no good key.", unit="requests", ge=1, le=1_000_000)
    ] = 60
    session_idle_hours: Annotated[float, setting("How long an agent's session lasts unused.", ge=0.1, le=8_760)] = 24
    session_hours: Annotated[
        float, setting("How long an agent's session lasts at most; then they sign in again.", ge=0.1, le=8_760)
    ] = 168
    signin_failures_per_address: Annotated[
        int,
        setting("How often one address may fail to sign in within 5 minutes.", unit="attempts", ge=1, le=100_000),
    ] = 5
    signin_failures_per_email: Annotated[
        int,
        setting("How often signing in may fail for one mail address in 15 minutes.", unit="attempts", ge=1, le=100_000),
    ] = 10
    password_resets_per_address: Annotated[
        int,
        setting(
            "How often one address may ask for, or use, links to set a password within 30 minutes.",
            unit="attempts",
            ge=1,
            le=100_000,
        ),
    ] = 5
    invitation_hours: Annotated[float, setting("How long an invitation to set a password is good.", ge=0.1, le=24)] = 24
    password_reset_hours: Annotated[
        float, setting("How long a link to set a forgotten password is good.", ge=0.1, le=24)
    ] = 1
    signin_mail_channel: Annotated[
        str | None,
        setting("The mail channel by which agents get links; else the oldest.", form="the id of a channel, cha_..."),
    ] = None
    oidc_providers: Annotated[
        str,
        setting(
            "Identity providers that agents sign in by (docs/how-to/sign-in-with-oidc.md).",
            form="a JSON list of providers",
            secrecy="secret",
        ),
    ] = ""
    api_concurrency: Annotated[
        int, setting("The most API requests one process serves at a time.", unit="requests", ge=1, le=10_000)
    ] = 256
    stream_limit: Annotated[
        int, setting("The most event streams one process feeds.", unit="streams", ge=1, le=50_000)
    ] = 1000
    api_key_share: Annotated[
        float, setting("How much of either one API key may take.", unit="share of 1", ge=0.01, le=1)
    ] = 0.5
    hook_concurrency: Annotated[
        int, setting("The most webhooks one process takes at a time.", unit="requests", ge=1, le=10_000)
    ] = 256
    hook_body_bytes: Annotated[
        int,
        setting(
            "The most that large webhook bodies, mails with files, weigh together in one process before they are "
            "stored; more are put off.",
            unit="bytes",
            ge=1_000_000,
            le=10_000_000_000,
        ),
    ] = 100_000_000

    journal_batch: Annotated[
        int, setting("The most webhooks written to the journal by one statement.", unit="requests", ge=1, le=1_000)
    ] = 64
    journal_timeout_seconds: Annotated[
        float, setting("How long a webhook waits for the journal before the spool or a 503.", ge=0.1, le=10)
    ] = 2.0
    spool_limit_bytes: Annotated[
        int, setting("The most the spool may hold while Postgres is away.", ge=1_000_000, le=1_000_000_000_000)
    ] = 500_000_000
    raw_event_days: Annotated[
        int,
        setting(
            "How long requests of providers are kept after they were projected; what is in quarantine stays.",
            ge=1,
            le=3_650,
        ),
    ] = 30
    event_key_days: Annotated[
        int,
        setting(
            "How long it is remembered what has happened, so that it happens once; providers repeat for 8 days.",
            ge=8,
            le=3_650,
        ),
    ] = 90
    reconcile_minutes: Annotated[
        int,
        setting(
            "How often each channel is compared with its provider's own list; 0 is never.",
            unit="minutes",
            ge=0,
            le=1_440,
        ),
    ] = 15
    reconcile_window_hours: Annotated[
        float, setting("How far such a comparison looks back after an outage.", ge=0.1, le=168)
    ] = 24
    projection_batch: Annotated[
        int, setting("The most journal rows projected in one transaction.", unit="rows", ge=1, le=1_000)
    ] = 200
    projection_bytes: Annotated[
        int,
        setting(
            "The most that the raw events of one projection weigh; one may weigh more.", unit="bytes", ge=1_000_000
        ),
    ] = 32_000_000
    parse_deadline_seconds: Annotated[float, setting("How long one raw event may take to parse.", ge=0.1, le=60)] = 2.0
    parse_batch_seconds: Annotated[
        float, setting("How long a mail may take to parse before it leaves its batch and joins later.", ge=0.01, le=60)
    ] = 0.25
    parse_workers: Annotated[
        int, setting("The processes that parse mail beside this one.", unit="processes", ge=1, le=64)
    ] = 2
    parse_memory_bytes: Annotated[
        int, setting("The most memory one mail may take to parse.", ge=50_000_000, le=4_000_000_000)
    ] = 256_000_000
    poll_seconds: Annotated[float, setting("How often to look for work when nothing wakes us.", ge=0.05, le=60)] = 1.0

    smtpd_host: Annotated[str, setting("The address `switchboard smtpd` takes mail at.")] = "127.0.0.1"
    smtpd_port: Annotated[int, setting("The port `switchboard smtpd` takes mail at.", ge=1, le=65_535)] = 8025
    smtpd_name: Annotated[
        str | None, setting("The name it gives itself; by default the host of SWITCHBOARD_PUBLIC_URL.")
    ] = None
    smtpd_certificate: Annotated[
        Path | None, setting("Its certificate chain in PEM; without one it offers no STARTTLS.")
    ] = None
    smtpd_certificate_key: Annotated[
        Path | None, setting("The certificate's private key in PEM, if it is a file of its own.")
    ] = None
    smtpd_mail_bytes: Annotated[
        int, setting("The largest mail it takes.", unit="bytes", ge=100_000, le=500_000_000)
    ] = 50_000_000
    smtpd_connections: Annotated[
        int, setting("The most connections of one process.", unit="connections", ge=1, le=10_000)
    ] = 200
    smtpd_seconds: Annotated[float, setting("How long one command, or one mail, may take to come.", ge=1, le=3_600)] = (
        300
    )

    worker_concurrency: Annotated[
        int, setting("The most jobs one worker process runs at a time.", unit="jobs", ge=1, le=1_000)
    ] = 128
    worker_channel_share: Annotated[
        float, setting("How much of a worker one channel may take.", unit="share of 1", ge=0.01, le=1)
    ] = 0.25
    queue_age_seconds: Annotated[
        float,
        setting(
            "How long a channel's messages may wait for a worker; from 80 % of it on, new ones are refused.",
            ge=1,
            le=86_400,
        ),
    ] = 120
    job_lease_seconds: Annotated[
        float, setting("After how long a job of a worker that vanished is taken over.", ge=1, le=3_600)
    ] = 30
    send_timeout_seconds: Annotated[float, setting("How long a provider may take to answer.", ge=0.5, le=600)] = 10
    send_retry_base_seconds: Annotated[
        float, setting("The first wait before sending again; it doubles each time.", ge=0.1, le=3_600)
    ] = 2
    send_retry_max_seconds: Annotated[float, setting("The longest wait before sending again.", ge=0.1, le=86_400)] = 900
    send_attempts: Annotated[
        int, setting("After how many tries a message has failed.", unit="attempts", ge=1, le=100)
    ] = 12

    feed_retention_days: Annotated[int, setting("How long events can be read again by cursor.", ge=1, le=3_650)] = 7
    stream_heartbeat_seconds: Annotated[float, setting("How often a silent event stream shows life.", ge=1, le=60)] = 15
    stream_buffer_events: Annotated[
        int, setting("How far a slow stream reader may fall behind before it is cut.", ge=10, le=100_000)
    ] = 1000
    audit_retention_days: Annotated[int, setting("How long the audit log is kept.", ge=30, le=36_500)] = 730
    idempotency_hours: Annotated[int, setting("How long an Idempotency-Key is remembered.", ge=1, le=720)] = 24

    visitor_session_days: Annotated[
        int, setting("How long the session of a web chat's visitor lasts after their last visit.", ge=1, le=3_650)
    ] = 90
    visitor_days: Annotated[
        int, setting("How long a visitor who never wrote is remembered after their last visit.", ge=1, le=3_650)
    ] = 30
    visitor_streams: Annotated[
        int, setting("The most streams of one visitor in one process.", unit="streams", ge=1, le=100)
    ] = 5
    visitor_stream_limit: Annotated[
        int, setting("The most streams of visitors one process feeds.", unit="streams", ge=1, le=50_000)
    ] = 2000
    visitor_concurrency: Annotated[
        int, setting("The most requests of visitors one process serves at a time.", unit="requests", ge=1, le=10_000)
    ] = 256
    visitor_requests_per_minute: Annotated[
        int, setting("What a visitor may ask for.", unit="requests", ge=1, le=1_000_000)
    ] = 240
    visitor_messages_per_minute: Annotated[
        int, setting("How many messages a visitor may write.", unit="messages", ge=1, le=100_000)
    ] = 20
    visitor_sessions_per_minute: Annotated[
        int, setting("How many sessions one address may begin.", unit="sessions", ge=1, le=1_000_000)
    ] = 30
    visitor_conversations_per_half_day: Annotated[
        int,
        setting("How many conversations one address may begin in 12 hours.", unit="conversations", ge=1, le=100_000),
    ] = 6
    visitor_uploads_per_hour: Annotated[
        int, setting("How many files a visitor may send.", unit="files", ge=1, le=100_000)
    ] = 60
    visitor_mails_per_hour: Annotated[
        int, setting("How many transcripts and links visitors of one address may ask for.", unit="mails", ge=1)
    ] = 10
    web_push_key: Annotated[
        str,
        setting(
            "The key of notices to visitors' browsers; without it one is made, and kept sealed in the database.",
            form="the private key of a VAPID pair: 32 bytes in base64url",
            secrecy="secret",
        ),
    ] = ""
    web_push_contact: Annotated[
        str | None,
        setting(
            "Where push services may reach whoever runs this: mailto:... or https://...; by default our public URL.",
            schemes=("mailto", "https"),
        ),
    ] = None
    visitor_body_limit_bytes: Annotated[int, setting("The largest body of a visitor.", ge=1_000, le=10_000_000)] = (
        64_000
    )

    webhook_timeout_seconds: Annotated[
        float, setting("How long an integrator's endpoint may take to answer.", ge=0.1, le=60)
    ] = 15
    webhook_retry_seconds: Annotated[
        tuple[float, ...],
        setting(
            "The waits between the tries of one delivery; after the last it has failed.",
            form="numbers separated by commas",
        ),
    ] = RETRY_SECONDS
    webhook_throttle_seconds: Annotated[
        float, setting("How long an endpoint rests that is overloaded and does not say how long.", ge=0.1, le=3_600)
    ] = 60
    webhook_disable_days: Annotated[
        float, setting("After how long of nothing but failure an endpoint is disabled.", ge=0.0001, le=365)
    ] = 5
    webhook_secret_overlap_hours: Annotated[
        float, setting("How long a replaced signing secret goes on signing, unless told.", ge=0, le=720)
    ] = 24
    webhook_concurrency: Annotated[
        int, setting("The most webhook deliveries one process tries at a time.", unit="deliveries", ge=1, le=250)
    ] = 200
    webhook_endpoint_concurrency: Annotated[
        int, setting("How many of those one endpoint may have.", unit="deliveries", ge=1, le=200)
    ] = 16
    webhook_log_days: Annotated[int, setting("How long deliveries stay in the log.", ge=1, le=365)] = 14

    gateway_url: Annotated[
        str,
        setting("The gateway the command line client speaks to.", schemes=WEB),
    ] = msgspec.field(default="http://127.0.0.1:8000", name="SWITCHBOARD_URL")
    api_key: Annotated[str | None, setting("The API key of the command line client.", secrecy="secret")] = None

    def __repr__(self) -> str:
        """Nothing of the values: settings end up in tracebacks and debuggers."""
        return "Settings(***)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """As above, for rich's tracebacks."""
        return []


SECTIONS = {
    "demo": "The service",
    "data_dir": "Where things are kept",
    "log_level": "Logs, metrics and traces",
    "default_country": "The inbox",
    "egress_allow": "The network and its limits",
    "journal_batch": "Taking messages in",
    "smtpd_host": "Taking mail in",
    "worker_concurrency": "Sending",
    "feed_retention_days": "Events and requests",
    "visitor_session_days": "Web chat",
    "webhook_timeout_seconds": "Webhooks to integrators",
    "gateway_url": "The command line client",
}


def settings_schema() -> dict[str, Any]:
    """The settings as a JSON Schema (2020-12), the properties named as the environment variables."""
    return msgspec.json.schema(Settings, schema_hook=lambda _: {"type": "string", "format": "path"})


def settings_page() -> str:
    """The page docs/reference/settings.md."""
    shown = {"data_dir": "$XDG_DATA_HOME/switchboard, in demo mode switchboard-demo"}
    return "\n".join([PAGE_HEAD, *settings_table(Settings, SECTIONS, shown), ""])


def default_data_dir(environ: Mapping[str, str], *, demo: bool = False) -> Path:
    """`switchboard` in the XDG data home; the demo has its own, so that its published key never meets real data."""
    stated = Path(environ.get("XDG_DATA_HOME", ""))
    home = Path(environ.get("HOME") or Path.home())
    base = stated if stated.is_absolute() else home / ".local" / "share"
    return base / ("switchboard-demo" if demo else "switchboard")
