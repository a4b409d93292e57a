"""A real Dovecot of a test's own: its config, run directory, certificate and mailboxes in a folder, on free ports.

One password lets everybody in; a mailbox exists as soon as somebody logs in or a mail is dropped into it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from imaplib import IMAP4
from pathlib import Path

from tests.mail.certificates import Certificate, make_certificate
from tests.ports import free_ports

PROGRAM = "/usr/sbin/dovecot"
PASSWORD = "correct-horse-battery"
USER = "help"
START_SECONDS = 60.0
MAILS_AS = "nobody"
"""Dovecot reads no mail as root."""

CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = {secure}
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 100
maildir_very_dirty_syncs = no
imap_idle_notify_interval = 10s
first_valid_uid = 1
{who}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  {chroot}
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  {chroot}
  # It would answer ever later to an address that gave a wrong password.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  {chroot}
}}
imap_capability = {capability}
"""
PLAIN_CAPABILITY = "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS"
"""A server that knows neither IDLE nor MOVE."""


class Dovecot:
    """`port` is for the open line and STARTTLS, `tls_port` for TLS; `certificate` is for localhost and 127.0.0.1."""

    def __init__(self, folder: Path, *, bare: bool = False, secure_only: bool = False) -> None:
        self.folder = folder
        self.port, self.tls_port = free_ports(2)
        self.certificate: Certificate = make_certificate(folder)
        self._bare = bare
        self._secure_only = secure_only
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0

    def start(self) -> None:
        """Start it, and wait until it lets somebody in."""
        self._write_config()
        command = [PROGRAM, "-F", "-c", str(self.folder / "dovecot.conf")]
        with (self.folder / "start.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with IMAP4("127.0.0.1", self.port, timeout=2):
                    return
            except (OSError, IMAP4.error):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError(f"Dovecot does not start: {self._told()}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        """End it with all its connections."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
            process.kill()
            process.wait()

    def maildir(self, user: str = USER) -> Path:
        """Where the INBOX of somebody lies."""
        folder = self.folder / "mail" / user
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._give(self.folder / "mail", folder, *(folder / name for name in ("tmp", "new", "cur")))
        return folder

    def drop(self, *mails: bytes, user: str = USER) -> None:
        """Put mails into an INBOX as a mail server delivers them: written beside, then renamed."""
        folder = self.maildir(user)
        for mail in mails:
            self._number += 1
            name = f"{int(time.time())}.M{self._number:06d}P1.test"
            (folder / "tmp" / name).write_bytes(mail)
            self._give(folder / "tmp" / name)
            (folder / "tmp" / name).rename(folder / "new" / name)

    def renumber(self, *, user: str = USER) -> None:
        """Number the INBOX and its mails anew, as a move to another server does; it stops for that."""
        self.stop()
        folder = self.maildir(user)
        (folder / "dovecot-uidvalidity").unlink(missing_ok=True)
        for path in [*folder.glob("dovecot-uidvalidity.*"), *folder.glob("dovecot.index*")]:
            path.unlink(missing_ok=True)
        later = int(time.time()) + 1_000 + self._number
        (folder / "dovecot-uidlist").write_text(f"3 V{later} N1 G{os.urandom(16).hex()}\n")
        self._give(folder / "dovecot-uidlist")
        self.start()

    @contextmanager
    def client(self, *, user: str = USER, folder: str | None = "INBOX") -> Iterator[IMAP4]:
        """Another client of somebody's mailbox, with a folder open; it blocks."""
        client = IMAP4("127.0.0.1", self.port, timeout=30)
        if self._secure_only:
            client.starttls(self.certificate.client_context())
        client.login(user, PASSWORD)
        if folder is not None:
            client.select(folder)
        try:
            yield client
        finally:
            with suppress(OSError, IMAP4.error):
                client.logout()

    def _write_config(self) -> None:
        self.folder.chmod(0o755)
        (self.folder / "mail").mkdir(exist_ok=True)
        root = os.geteuid() == 0
        person = pwd.getpwnam(MAILS_AS) if root else pwd.getpwuid(os.geteuid())
        # Without root everything runs as ourselves, and nothing can be locked into a directory.
        who = "" if root else f"default_login_user = {person.pw_name}\ndefault_internal_user = {person.pw_name}"
        text = CONFIG.format(
            folder=self.folder,
            secure="yes" if self._secure_only else "no",
            who=who,
            password=PASSWORD,
            mail_user=person.pw_uid,
            mail_group=person.pw_gid,
            chroot="" if root else "chroot =",
            port=self.port,
            tls_port=self.tls_port,
            capability=PLAIN_CAPABILITY if self._bare else "",
        )
        (self.folder / "dovecot.conf").write_text(text)

    def _give(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            person = pwd.getpwnam(MAILS_AS)
            for path in paths:
                os.chown(path, person.pw_uid, person.pw_gid)

    def _told(self) -> str:
        logs = [self.folder / "start.log", self.folder / "dovecot.log"]
        return "\n".join(log.read_text()[-1_000:] for log in logs if log.exists())


def find_dovecot() -> str | None:
    """Why there is no Dovecot to test with; None where there is."""
    if shutil.which(PROGRAM):
        return None
    if os.environ.get("CI"):
        raise RuntimeError(f"{PROGRAM} is missing, and CI has to have it")
    return f"{PROGRAM} is not installed (Debian: dovecot-imapd)"


@contextmanager
def running_dovecot(*, bare: bool = False, secure_only: bool = False) -> Iterator[Dovecot]:
    """A Dovecot that runs while inside, in a folder others may look into: it reads mail as somebody else."""
    with tempfile.TemporaryDirectory(prefix="switchboard-dovecot-") as folder:
        server = Dovecot(Path(folder), bare=bare, secure_only=secure_only)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def make_mail(number: int, *, sender: str = "ada@customer.example", text: str | None = None) -> bytes:
    """A plain mail with a Message-ID of its own."""
    mail = EmailMessage()
    mail["From"] = f"Customer {number} <{sender}>"
    mail["To"] = "help@shop.example"
    mail["Subject"] = f"Order {number}"
    mail["Message-ID"] = f"<{number:06d}@customer.example>"
    mail["Date"] = "Sun, 22 Nov 2026 09:00:00 +0000"
    mail.set_content(text or f"Where is my order {number}?")
    return mail.as_bytes()
