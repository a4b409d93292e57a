"""`switchboard serve`: the process that answers HTTP."""

from __future__ import annotations

import errno
import socket

import msgspec
import rich_click as click

from gateway.commands.exits import CommandFailed
from gateway.commands.failures import explained_failures
from gateway.commands.given import given_settings
from gateway.serve import run_forever, serve
from gateway.settings import Settings
from gateway.telemetry import configure_logs, report_crashes

WHY_NOT = {
    errno.EADDRINUSE: "is taken by another process; choose another with --port",
    errno.EACCES: "needs more rights; choose one above 1023",
    errno.EADDRNOTAVAIL: "is not at an address of this machine; check --host",
}


@click.command(name="serve")
@click.option("--with-worker", is_flag=True, help="Be the worker as well: the small set-up, one process for all.")
@click.option("--host", help="Listen on this address instead of SWITCHBOARD_HOST.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Listen on this port instead of SWITCHBOARD_PORT.")
def serve_command(*, with_worker: bool, host: str | None, port: int | None) -> None:
    """Answer HTTP: the API, the feed and the providers' webhooks. Run as many as you like."""
    settings = listen_at(given_settings(), host=host, port=port)
    check_port(settings.host, settings.port)
    configure_logs(settings)
    report_crashes()
    with explained_failures():
        run_forever(lambda: serve(settings, work=with_worker))


def listen_at(settings: Settings, *, host: str | None, port: int | None) -> Settings:
    """The settings with another address to listen on, where the command line names one."""
    return msgspec.structs.replace(settings, host=host or settings.host, port=port or settings.port)


def check_port(host: str, port: int) -> None:
    """CommandFailed unless this process could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = WHY_NOT.get(error.errno or 0, error.strerror or "cannot be listened on")
            raise CommandFailed(f"port {port} at {host} {why}") from error
