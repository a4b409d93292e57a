"""What settings must hold to beyond their types, and what works but should be known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import phonenumbers

from gateway.addresses import Proxies
from gateway.environment import SettingProblem
from gateway.origins import is_bare_origin
from gateway.settings import DEMO_SECRET_KEY, Settings
from gateway.signin.oidc.providers import WrongProviders, read_providers
from gateway.spans import tracing_installed
from gateway.widget.webpush import PushKey, UnusableKey
from inbox.conversations.canned.templates import TemplateInvalid, compile_template
from inbox.kit.ids import CHANNEL, UnknownId, read_id
from inbox.visitors.push.subscription import read_encoded

SECRET_KEY_CHARS = 32
SECRET_KEY_VARIETY = 8
"""The fewest different characters of a key: random hex of the shortest length has about 14."""
EXAMPLE_WORDS = ("change", "example", "replace", "switchboard", "password", "secret")
"""Words of keys out of documentation; a random key of 64 characters holds one of them once in millions."""
MAKE_KEY = "set it to the output of: openssl rand -hex 32"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
HOST = re.compile(r"[a-z0-9_.:\[\]/-]+")
LEASE_TO_TIMEOUT = 2
"""A job's lease must be this many times a send's timeout: a lease that ends in mid-send would send twice."""
MAX_WEBHOOK_WAITS = 30
METRICS_TOKEN_CHARS = 16
MAX_WEBHOOK_WAIT_SECONDS = 604_800
OLD_KEY_CHARS = 8
"""Shorter than this is a slip, such as a stray comma; what the keys were, they were."""


def find_doubts(settings: Settings) -> Iterator[str]:
    """What works but should be known."""
    public = urlsplit(settings.public_url)
    if public.scheme == "http" and public.hostname not in LOOPBACK:
        yield "SWITCHBOARD_PUBLIC_URL is http://: messages and signatures cross the network in clear"
    if settings.secret_key == DEMO_SECRET_KEY and settings.host not in LOOPBACK:
        yield "the demo's key is published: whoever reaches it at SWITCHBOARD_HOST can forge links; set your own key"


def _check_secret_key(settings: Settings) -> Iterator[SettingProblem]:
    key = settings.secret_key
    if settings.demo:
        return
    if not key:
        yield SettingProblem("SWITCHBOARD_SECRET_KEY", "is missing", MAKE_KEY)
    elif any(word in key.lower() for word in EXAMPLE_WORDS):
        yield SettingProblem("SWITCHBOARD_SECRET_KEY", "is an example out of documentation, known to all", MAKE_KEY)
    elif len(key) < SECRET_KEY_CHARS or len(set(key)) < SECRET_KEY_VARIETY:
        problem = f"is shorter than {SECRET_KEY_CHARS} characters or repeats a few of them, so it can be guessed"
        yield SettingProblem("SWITCHBOARD_SECRET_KEY", problem, MAKE_KEY)


def _check_web_addresses(settings: Settings) -> Iterator[SettingProblem]:
    addresses = {"SWITCHBOARD_PUBLIC_URL": settings.public_url, "SWITCHBOARD_URL": settings.gateway_url}
    for name, url in addresses.items():
        parts = urlsplit(url)
        if not parts.hostname or "@" in parts.netloc or "?" in url or "#" in url:
            problem = "needs a host, and no user, query or fragment"
            yield SettingProblem(name, problem, "set it to an address like https://inbox.example.org")


def _check_country(settings: Settings) -> Iterator[SettingProblem]:
    if settings.default_country and not phonenumbers.country_code_for_region(settings.default_country):
        fix = "use the ISO 3166-1 letters, such as GB for the United Kingdom"
        yield SettingProblem("SWITCHBOARD_DEFAULT_COUNTRY", "is no country with telephone numbers", fix)


def _check_hosts(settings: Settings) -> Iterator[SettingProblem]:
    if any("://" in host or not HOST.fullmatch(host) for host in settings.egress_allow):
        fix = "name hosts alone, separated by commas: crm.internal, 10.0.0.8"
        yield SettingProblem("SWITCHBOARD_EGRESS_ALLOW", "holds something that is no host", fix)


def _check_old_keys(settings: Settings) -> Iterator[SettingProblem]:
    if any(len(key) < OLD_KEY_CHARS for key in settings.old_secret_keys):
        problem = f"holds a key of fewer than {OLD_KEY_CHARS} characters"
        yield SettingProblem("SWITCHBOARD_OLD_SECRET_KEYS", problem, "name the former keys whole, separated by commas")


def _check_proxies(settings: Settings) -> Iterator[SettingProblem]:
    try:
        Proxies(settings.trusted_proxies)
    except ValueError:
        fix = "name addresses or networks, separated by commas: 10.0.0.8, 10.1.0.0/16"
        yield SettingProblem("SWITCHBOARD_TRUSTED_PROXIES", "holds something that is no network", fix)


def _check_order(settings: Settings) -> Iterator[SettingProblem]:
    if settings.send_retry_base_seconds > settings.send_retry_max_seconds:
        fix = "make it at least SWITCHBOARD_SEND_RETRY_BASE_SECONDS"
        yield SettingProblem("SWITCHBOARD_SEND_RETRY_MAX_SECONDS", "is less than the first wait", fix)
    if settings.job_lease_seconds < LEASE_TO_TIMEOUT * settings.send_timeout_seconds:
        fix = f"make it at least {LEASE_TO_TIMEOUT} times SWITCHBOARD_SEND_TIMEOUT_SECONDS"
        yield SettingProblem("SWITCHBOARD_JOB_LEASE_SECONDS", "could end while a provider is still asked", fix)


def _check_webhook_waits(settings: Settings) -> Iterator[SettingProblem]:
    waits = settings.webhook_retry_seconds
    if len(waits) > MAX_WEBHOOK_WAITS or not all(0 <= wait <= MAX_WEBHOOK_WAIT_SECONDS for wait in waits):
        problem = f"holds a wait outside 0 to {MAX_WEBHOOK_WAIT_SECONDS}, or more than {MAX_WEBHOOK_WAITS} of them"
        yield SettingProblem("SWITCHBOARD_WEBHOOK_RETRY_SECONDS", problem, "list waits in seconds: 5,300,1800")


def _check_tracing(settings: Settings) -> Iterator[SettingProblem]:
    if settings.otlp_url and not tracing_installed():
        fix = "install them with: pip install 'switchboard[otel]'"
        yield SettingProblem("SWITCHBOARD_OTLP_URL", "needs packages that are not installed", fix)


def _check_metrics_token(settings: Settings) -> Iterator[SettingProblem]:
    if settings.metrics_token and len(settings.metrics_token) < METRICS_TOKEN_CHARS:
        problem = f"is shorter than {METRICS_TOKEN_CHARS} characters, so it can be guessed"
        yield SettingProblem("SWITCHBOARD_METRICS_TOKEN", problem, MAKE_KEY)


def _check_acknowledgement(settings: Settings) -> Iterator[SettingProblem]:
    try:
        compile_template(settings.mail_acknowledgement)
    except TemplateInvalid as wrong:
        fix = "write plain text; {{ channel.name }} is the name of the channel that took the mail"
        yield SettingProblem("SWITCHBOARD_MAIL_ACKNOWLEDGEMENT", f"is no template: {wrong}", fix)
    subject = settings.mail_acknowledgement_subject
    if not subject.strip() or not subject.isprintable():
        fix = "write one line of text"
        yield SettingProblem("SWITCHBOARD_MAIL_ACKNOWLEDGEMENT_SUBJECT", "is no line of text", fix)


def _check_origins(settings: Settings) -> Iterator[SettingProblem]:
    if not all(is_bare_origin(origin) for origin in settings.allowed_origins):
        fix = "name origins alone, separated by commas: https://desk.example.org"
        yield SettingProblem("SWITCHBOARD_ALLOWED_ORIGINS", "holds something that is no web origin", fix)


def _check_oidc_providers(settings: Settings) -> Iterator[SettingProblem]:
    try:
        read_providers(settings.oidc_providers)
    except WrongProviders as wrong:
        yield SettingProblem("SWITCHBOARD_OIDC_PROVIDERS", str(wrong), "see docs/how-to/sign-in-with-oidc.md")


def _check_signin_mail(settings: Settings) -> Iterator[SettingProblem]:
    try:
        read_id(CHANNEL, settings.signin_mail_channel or f"{CHANNEL}_{'0' * 32}")
    except UnknownId:
        fix = "copy it from `switchboard channels list`"
        yield SettingProblem("SWITCHBOARD_SIGNIN_MAIL_CHANNEL", "is no id of a channel", fix)


def _check_web_push(settings: Settings) -> Iterator[SettingProblem]:
    if not settings.web_push_key:
        return
    try:
        PushKey(read_encoded(settings.web_push_key) or b"")
    except UnusableKey as wrong:
        fix = "give the private key of a VAPID pair in base64url, or leave it out: then one is made"
        yield SettingProblem("SWITCHBOARD_WEB_PUSH_KEY", f"is no key: {wrong}", fix)


Rule = Callable[[Settings], Iterator[SettingProblem]]
RULES: tuple[Rule, ...] = (
    _check_secret_key,
    _check_web_addresses,
    _check_country,
    _check_hosts,
    _check_order,
    _check_old_keys,
    _check_proxies,
    _check_webhook_waits,
    _check_tracing,
    _check_metrics_token,
    _check_acknowledgement,
    _check_origins,
    _check_oidc_providers,
    _check_signin_mail,
    _check_web_push,
)
