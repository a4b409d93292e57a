"""`switchboard smtpd`: the process that takes mail over SMTP or LMTP."""

from __future__ import annotations

import ssl
from pathlib import Path

import rich_click as click

from gateway.commands.exits import CommandFailed
from gateway.commands.failures import explained_failures
from gateway.commands.given import given_settings
from gateway.commands.serve import check_port
from gateway.serve import run_forever
from gateway.settings import Settings
from gateway.smtpd import Listening, load_certificate, run_smtpd
from gateway.telemetry import configure_logs, report_crashes


@click.command(name="smtpd")
@click.option("--lmtp", is_flag=True, help="Speak LMTP, for a mail server of yours that delivers here.")
@click.option("--host", help="Listen on this address instead of SWITCHBOARD_SMTPD_HOST.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Listen on this port instead of SWITCHBOARD_SMTPD_PORT.")
@click.option(
    "--socket", "path", type=click.Path(dir_okay=False, path_type=Path), help="Listen on this Unix socket instead."
)
def smtpd_command(*, lmtp: bool, host: str | None, port: int | None, path: Path | None) -> None:
    """Take mail for the addresses of our channels, and for no others: nothing is relayed.

    A mail is answered 250 when it is stored, and 451 while the database is away, so that its server tries again.
    """
    settings = given_settings()
    where = Listening(host=host or settings.smtpd_host, port=port or settings.smtpd_port, lmtp=lmtp, path=path)
    if path is None:
        check_port(where.host, where.port)
    check_certificate(settings)
    configure_logs(settings)
    report_crashes()
    with explained_failures():
        run_forever(lambda: run_smtpd(settings, where))


def check_certificate(settings: Settings) -> None:
    """CommandFailed unless the certificate the settings name can be used."""
    try:
        load_certificate(settings.smtpd_certificate, settings.smtpd_certificate_key)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or type(error).__name__
        hint = "Name PEM files this process may read, the key among them."
        raise CommandFailed(f"SWITCHBOARD_SMTPD_CERTIFICATE cannot be used: {why}", hint=hint) from error
