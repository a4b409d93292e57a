"""What every channel of mail is set up with: who we are, whom we believe, how we sign, and how we send."""

from __future__ import annotations

import re
import ssl
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias

import idna
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from channels.contract import ChannelSettings, Secret

MAX_ADDRESS_CHARS = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
MAX_LOCAL_CHARS = 64  # RFC 5321 4.5.3.1.1
MIN_RSA_BITS = 1_024  # RFC 8301 3.2
SECURE_PORTS = {"tls": 465, "starttls": 587, "none": 25}

Security: TypeAlias = Literal["tls", "starttls", "none"]
Port: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Rate: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=100_000)]

# Written out rather than taken from RFC 5322: quoted local parts and address literals are nobody's business address.
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f-\x9f]+")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class EmailSettings(ChannelSettings, kw_only=True, frozen=True):
    """A mail address of ours.

    `aliases` are further addresses whose mail is this channel's; `name` stands beside the address in what we write.
    `trusted_authserv_id` is the host whose Authentication-Results are believed (RFC 8601); with `verify_dkim` we check
    signatures ourselves where it said nothing. `signature` is plain text under each mail, `reply_tags` puts a tag into
    the address that is answered to. The three of `dkim_` sign what we send: the private key is PEM, RSA or Ed25519.
    """

    address: str
    name: str | None = None
    aliases: list[str] = msgspec.field(default_factory=list)
    trusted_authserv_id: str | None = None
    verify_dkim: bool = True
    signature: str | None = None
    reply_tags: bool = True
    dkim_domain: str | None = None
    dkim_selector: str | None = None
    dkim_private_key: Secret | None = None

    def __post_init__(self) -> None:
        check_mail_address("address", self.address)
        for alias in self.aliases:
            check_mail_address("aliases", alias)
        check_one_line("name", self.name)
        check_one_line("trusted_authserv_id", self.trusted_authserv_id)
        _check_dkim(self)

    def __repr__(self) -> str:
        """Without the secrets: it may stand in a traceback."""
        return f"{type(self).__name__}(address={self.address!r})"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The address we write from, then the aliases, as `fold_address` writes them."""
        return tuple(dict.fromkeys(fold_address(each) for each in (self.address, *self.aliases)))


class SmtpSettings(EmailSettings, kw_only=True, frozen=True):
    """A mail address whose mail leaves over a server's SMTP, by a password or by OAuth 2 (XOAUTH2).

    `smtp_port` is 465 for "tls", 587 for "starttls" and 25 for "none", which carries no password and is meant for a
    relay on the same machine. `smtp_ca` are the certificates, in PEM, of a private authority to believe instead of the
    public ones. `sends_per_minute` is for this channel in each process that sends. OAuth 2 needs the
    token endpoint, the client and a refresh token; the access token is fetched and kept by us.
    """

    smtp_host: str
    smtp_port: Port | None = None
    smtp_security: Security = "tls"
    smtp_user: str | None = None
    smtp_password: Secret | None = None
    smtp_ca: str | None = None
    sends_per_minute: Rate = 120
    oauth_token_url: str | None = None
    oauth_client_id: str | None = None
    oauth_client_secret: Secret | None = None
    oauth_refresh_token: Secret | None = None
    oauth_scope: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_host("smtp_host", self.smtp_host)
        check_one_line("smtp_user", self.smtp_user)
        check_authority("smtp_ca", self.smtp_ca)
        check_oauth(self)
        secured = bool(self.smtp_password or self.oauth_refresh_token)
        if self.smtp_password and not self.smtp_user:
            raise ValueError("smtp_user is required where smtp_password is given")
        if secured and self.smtp_security == "none":
            raise ValueError("smtp_security none would show the password to everybody: choose tls or starttls")

    @property
    def submission_port(self) -> int:
        """The port mail is handed over at."""
        return self.smtp_port or SECURE_PORTS[self.smtp_security]

    @property
    def uses_oauth(self) -> bool:
        """Whether we log in with an access token in place of a password."""
        return bool(self.oauth_refresh_token)

    @property
    def endpoints(self) -> dict[str, tuple[str, int]]:
        """The hosts we connect to beside URLs."""
        return {"smtp_host": (self.smtp_host, self.submission_port)}


def fold_address(address: str) -> str:
    """An address as it is compared: all in lower case, the domain in its ASCII form (RFC 5891)."""
    local, _, domain = address.rpartition("@")
    return f"{local.lower()}@{ascii_domain(domain)}"


@lru_cache(maxsize=4096)
def ascii_domain(domain: str) -> str:
    """A domain as DNS and SMTP want it; one that IDNA has no form for stays, in lower case."""
    try:
        return idna.encode(domain.rstrip("."), uts46=True, transitional=False).decode()
    except idna.IDNAError:
        return domain.lower()


def check_mail_address(name: str, value: str) -> None:
    """ValueError unless a setting is an addr-spec whose local part is a plain word."""
    local, _, domain = value.rpartition("@")
    fits = len(value) <= MAX_ADDRESS_CHARS and len(local.encode()) <= MAX_LOCAL_CHARS
    if not fits or not _LOCAL.fullmatch(local) or not _LABEL.fullmatch(ascii_domain(domain)):
        raise ValueError(f"{name} must be a mail address such as help@shop.example, without a name or brackets")


def check_host(name: str, value: str) -> None:
    """ValueError unless a setting is a host name or an IP address, without a port."""
    if not _HOST.fullmatch(value):
        raise ValueError(f"{name} must be a host name such as mail.shop.example, without a port or a scheme")


def check_api_url(name: str, value: str) -> None:
    """ValueError unless a setting is where a provider's API may be."""
    if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", value):
        raise ValueError(f"{name} must be an http or https URL without user, query or fragment")


def check_one_line(name: str, value: str | None) -> None:
    """ValueError where a setting that stands in a header or command has control characters."""
    if value is not None and _CONTROL.search(value):
        raise ValueError(f"{name} must not have control characters or line breaks in it")


def check_authority(name: str, pem: str | None) -> None:
    """ValueError unless a setting is certificates."""
    if pem is None:
        return
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ValueError(f"{name} must be certificates in PEM") from None


def check_oauth(settings: SmtpSettings) -> None:
    """ValueError unless the settings of OAuth 2 are all there or none."""
    given = [settings.oauth_token_url, settings.oauth_client_id, settings.oauth_refresh_token]
    if any(given) and not all(given):
        raise ValueError("oauth_token_url goes with oauth_client_id and oauth_refresh_token: give all or none")
    if settings.oauth_refresh_token and not settings.smtp_user:
        raise ValueError("smtp_user is required with OAuth 2: it is whose mailbox the token is for")


def _check_dkim(settings: EmailSettings) -> None:
    given = [settings.dkim_domain, settings.dkim_selector, settings.dkim_private_key]
    if any(given) and not all(given):
        raise ValueError("dkim_domain goes with dkim_selector and dkim_private_key: give all or none")
    for name, value in (("dkim_domain", settings.dkim_domain), ("dkim_selector", settings.dkim_selector)):
        if value is not None and not _LABEL.fullmatch(value):
            raise ValueError(f"{name} must be written as in DNS: letters, digits, dots and hyphens")
    if settings.dkim_private_key:
        _check_key(settings.dkim_private_key)


def _check_key(pem: str) -> None:
    """ValueError, without a word of the key, unless it can sign."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("dkim_private_key must be a private key in PEM without a passphrase") from None
    strong = isinstance(key, RSAPrivateKey) and key.key_size >= MIN_RSA_BITS
    if not strong and not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"dkim_private_key must be RSA of at least {MIN_RSA_BITS} bits, or Ed25519")
