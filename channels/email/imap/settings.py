"""What a mailbox is set up with: where it is, who we are there, and what becomes of a mail once it is stored."""

from __future__ import annotations

import re
import ssl
from typing import Annotated, Literal, TypeAlias

import msgspec

from channels.contract import Secret
from channels.email.settings import Port, Security, SmtpSettings, check_host, check_one_line

SECURE_PORTS = {"tls": 993, "starttls": 143, "none": 143}
MAX_FOLDERS = 50
MAX_FOLDER_CHARS = 500

AfterStoring: TypeAlias = Literal["nothing", "flag", "move"]
PollSeconds: TypeAlias = Annotated[int, msgspec.Meta(ge=5, le=3_600)]
MailBytes: TypeAlias = Annotated[int, msgspec.Meta(ge=100_000, le=200_000_000)]

# A flag of RFC 3501 2.3.2 or a keyword: an atom, in a length every server takes.
_FLAG = re.compile(r"\\?[A-Za-z0-9$_][A-Za-z0-9$_.-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ImapSettings(SmtpSettings, kw_only=True, frozen=True):
    """A mailbox that is read by IMAP and writes by SMTP.

    `imap_port` is 993 for "tls" and 143 for "starttls"; "none" shows password and mail to everybody on the way and is
    meant for a server on the same machine. `imap_user` and `imap_password` are those of SMTP unless given; OAuth 2 is
    used for both. `imap_access_token` is one that somebody else keeps fresh. `imap_ca` are the certificates, in PEM, of
    a private authority to believe instead of the public ones. New mail is told at once for the first of `folders` where
    the server can (IDLE); the others, and all of a server that cannot, are looked into every `poll_seconds`. `start`
    says whether the mail that is there already is taken as well. `after_storing` a mail is left as it is, gets the flag
    `stored_flag`, or is moved to `stored_folder`. Of a mail of more than `mail_bytes` only the beginning is fetched.
    """

    imap_host: str
    imap_port: Port | None = None
    imap_security: Security = "tls"
    imap_user: str | None = None
    imap_password: Secret | None = None
    imap_access_token: Secret | None = None
    imap_ca: str | None = None
    folders: list[str] = msgspec.field(default_factory=lambda: ["INBOX"])
    start: Literal["new", "all"] = "new"
    after_storing: AfterStoring = "nothing"
    stored_flag: str = "\\Seen"
    stored_folder: str | None = None
    poll_seconds: PollSeconds = 60
    mail_bytes: MailBytes = 50_000_000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_host("imap_host", self.imap_host)
        check_one_line("imap_user", self.imap_user)
        if not (self.password or self.imap_access_token or self.oauth_refresh_token):
            raise ValueError("smtp_password is required, or imap_password, or a token of OAuth 2")
        _check_folders(self)
        if not _FLAG.fullmatch(self.stored_flag):
            raise ValueError("stored_flag must be a flag such as \\Seen, or a keyword of letters, digits and $_.-")
        if self.imap_ca is not None:
            _check_authority(self.imap_ca)

    @property
    def realm(self) -> str:
        """Whose mailbox it is."""
        return f"{self.user}@{self.imap_host}".lower()

    @property
    def user(self) -> str:
        """Who logs in."""
        return self.imap_user or self.smtp_user or self.address

    @property
    def password(self) -> str | None:
        """The password for IMAP; None with OAuth 2."""
        return self.imap_password or self.smtp_password

    @property
    def mailbox_port(self) -> int:
        """The port mail is fetched at."""
        return self.imap_port or SECURE_PORTS[self.imap_security]

    @property
    def endpoints(self) -> dict[str, tuple[str, int]]:
        """The hosts we connect to beside URLs."""
        return {**super().endpoints, "imap_host": (self.imap_host, self.mailbox_port)}


def _check_folders(settings: ImapSettings) -> None:
    if not 0 < len(settings.folders) <= MAX_FOLDERS or len(set(settings.folders)) < len(settings.folders):
        raise ValueError(f"folders must name between 1 and {MAX_FOLDERS} folders, each once")
    named = [("folders", folder) for folder in settings.folders]
    named += [("stored_folder", settings.stored_folder)] if settings.stored_folder is not None else []
    for name, folder in named:
        if not 0 < len(folder) <= MAX_FOLDER_CHARS or _CONTROL.search(folder):
            raise ValueError(f"{name} must be names of folders, without control characters")
    if settings.after_storing == "move" and not settings.stored_folder:
        raise ValueError("stored_folder is required where after_storing is move")
    if settings.stored_folder in settings.folders:
        raise ValueError("stored_folder must not be one of the folders that are read")


def _check_authority(pem: str) -> None:
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ValueError("imap_ca must be certificates in PEM") from None
