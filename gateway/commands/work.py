"""`switchboard work`: the process that does what was promised."""

from __future__ import annotations

import rich_click as click

from gateway.commands.failures import explained_failures
from gateway.commands.given import given_settings
from gateway.commands.serve import check_port
from gateway.serve import run_forever, work
from gateway.telemetry import configure_logs, report_crashes


@click.command(name="work")
def work_command() -> None:
    """Deliver messages and project the journal. Run as many as you like, on any host."""
    settings = given_settings()
    if settings.work_metrics_port:
        check_port(settings.host, settings.work_metrics_port)
    configure_logs(settings)
    report_crashes()
    with explained_failures():
        run_forever(lambda: work(settings))
