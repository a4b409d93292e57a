"""A real Postfix of a test's own: it takes mail over SMTP with STARTTLS and hands it over by LMTP, in a folder.

What it cannot hand over it keeps and tries again each second, as a real one does in minutes.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from smtplib import SMTP, SMTPException

from tests.mail.certificates import Certificate, make_certificate
from tests.ports import free_ports

PROGRAM = "/usr/sbin/postfix"
DOMAIN = "shop.example"
START_SECONDS = 60.0

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.test.example
mydestination =
alias_maps =
local_recipient_maps =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/certificate.pem
smtpd_tls_key_file = {folder}/key.pem
transport_maps = inline:{{ {{ {domain} = lmtp:inet:127.0.0.1:{lmtp} }} }}
default_transport = error:5.4.4 nothing leaves this machine
recipient_delimiter = +
message_size_limit = 60000000
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
smtputf8_enable = no
"""
SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """`port` takes mail for the domain, which goes by LMTP to `lmtp_port`; its certificate is for localhost."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.lmtp_port = free_ports(2)
        self.certificate: Certificate = make_certificate(folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it greets."""
        places = {"folder": self.folder, "port": self.port, "lmtp": self.lmtp_port, "domain": DOMAIN}
        (self.folder / "main.cf").write_text(MAIN.format(**places))
        (self.folder / "master.cf").write_text(SERVICES.format(**places))
        for name in ("queue", "data"):
            (self.folder / name).mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)
        with (self.folder / "start.log").open("ab") as log:
            command = [PROGRAM, "-c", str(self.folder), "start-fg"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with SMTP("127.0.0.1", self.port, timeout=2):
                    return
            except (OSError, SMTPException):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError(f"Postfix does not start: {self.told()}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        """End it, with all of its processes."""
        if self._process is not None:
            subprocess.run([PROGRAM, "-c", str(self.folder), "stop"], check=False, capture_output=True)
            self._process.terminate()
            self._process.wait(timeout=10)

    def told(self) -> str:
        """Its logs."""
        logs = [self.folder / "start.log", self.folder / "postfix.log"]
        return "\n".join(log.read_text(errors="replace") for log in logs if log.exists())


def find_postfix() -> str | None:
    """Why a real Postfix cannot run here; None if it can."""
    if os.geteuid() != 0:
        return "Postfix begins as root alone, to become its own user"
    if shutil.which(PROGRAM) is not None:
        return None
    why = "Postfix is not installed: apt-get install postfix"
    if os.environ.get("CI") == "true":
        raise RuntimeError(f"{why} (in CI it has to be there)")
    return why


@contextmanager
def running_postfix() -> Iterator[Postfix]:
    """One that is running, in a folder its own user can reach; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    folder.chmod(0o755)
    server = Postfix(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
