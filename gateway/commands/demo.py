"""`switchboard demo`: a live inbox from one command."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import get_args

import msgspec
import rich_click as click

from gateway.commands.exits import CommandFailed
from gateway.commands.failures import explained_failures
from gateway.commands.given import given_settings
from gateway.commands.output import json_option, print_json
from gateway.demo.places import LOG_NAME
from gateway.demo.run import Plan, run_demo
from gateway.demo.scenarios import Scenario
from gateway.demo.screen import Screen
from gateway.demo.summary import Summary, is_flawless
from gateway.serve import run_forever
from gateway.settings import Settings
from gateway.telemetry import configure_logs

MAX_RATE = 200
DEFAULT_PUBLIC_URL = Settings().public_url


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="Listen on this port instead of SWITCHBOARD_PORT (8000).")
@click.option("--rate", type=click.FloatRange(0.1, MAX_RATE), default=5, show_default=True, help="Texts a second.")
@click.option("--duration", type=click.FloatRange(min=1), metavar="SECONDS", help="End by itself after this time.")
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same people and stories.")
@click.option("--scenario", type=click.Choice(get_args(Scenario)), default="calm", show_default=True,
              help="How well the simulated provider behaves.")  # fmt: skip
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Keep everything here.")
@json_option
def demo(
    *,
    port: int | None,
    rate: float,
    duration: float | None,
    seed: int,
    scenario: Scenario,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """See it live: people write to a shop in seven languages, by text and mail, agents answer over the API.

    Everything runs in this one process and on this machine: Postgres, Valkey, the gateway with its worker, a simulated
    Twilio and the customers' mail server. What was said is kept for the next run. Ctrl-C ends it; with --duration it
    ends by itself. At the end the providers' ledgers are compared with the timelines: it exits with 1 if anything was
    lost or doubled.
    """
    settings = demo_settings(given_settings(demo=True), port=port, data_dir=data_dir)
    plan = Plan(rate=rate, duration=duration, seed=seed, scenario=scenario)
    summary, failures = play_demo(settings, plan, Screen(aside=as_json))
    if as_json:
        print_json(summary)
    if not is_flawless(summary):
        raise CommandFailed(f"{summary.lost} messages were lost, {summary.doubled} doubled")
    if failures:
        raise CommandFailed(
            f"{len(failures)} stories broke off, the first by {type(failures[0]).__name__}: {failures[0]}"
        )


def demo_settings(settings: Settings, *, port: int | None, data_dir: Path | None) -> Settings:
    """The settings with what the command line says, and a public URL that leads to this very machine."""
    port = port or settings.port
    here = f"http://127.0.0.1:{port}"
    return msgspec.structs.replace(
        settings,
        port=port,
        data_dir=(data_dir or settings.data_dir).expanduser().absolute(),
        public_url=here if settings.public_url == DEFAULT_PUBLIC_URL else settings.public_url,
    )


def play_demo(settings: Settings, plan: Plan, screen: Screen) -> tuple[Summary, list[BaseException]]:
    """Run the demo on the fast event loop, its log in a file that begins anew with each run."""
    ended: list[tuple[Summary, list[BaseException]]] = []

    async def play() -> None:
        ended.append(await run_demo(settings, plan, screen))

    with explained_failures():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with (settings.data_dir / LOG_NAME).open("w") as log:
            configure_logs(settings, stream=log)
            try:
                run_forever(play)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
    return ended[0]
