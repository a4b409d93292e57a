"""One demo from start to end: open the stage, let people write, let all settle, check, sum up."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress
from datetime import timedelta

import msgspec

from channels.simulators.mail import MailFaults
from channels.simulators.twilio import Faults
from gateway.commands.beacon import Beacon, light_beacon, put_out_beacon
from gateway.demo.audit import Audit, audit_run, keep_ours, read_timelines
from gateway.demo.cast import Cast, gather_cast
from gateway.demo.places import LOG_NAME, places_of, things_to_try
from gateway.demo.scenarios import TOLD, Scenario, mail_faults, scenario_faults
from gateway.demo.screen import Screen
from gateway.demo.stage import Stage, open_stage
from gateway.demo.summary import Summary, sum_up
from gateway.settings import Settings
from inbox.kit.clock import show_time, utc_now

SETTLE_SECONDS = 60.0
HURRIED_SECONDS = 2.0
"""How long everything may take to settle: at the planned end, and when somebody pressed Ctrl-C."""
LOOK_SECONDS = 0.2
CLOCK_SLACK = timedelta(seconds=1)
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Plan(msgspec.Struct, kw_only=True, frozen=True):
    """What was asked for: texts a second, how long in seconds (None: until Ctrl-C), and which of all possible runs."""

    rate: float
    duration: float | None
    seed: int
    scenario: Scenario


class Curtain:
    """Ends the traffic: at the time that was planned, or by Ctrl-C. A second Ctrl-C ends everything at once."""

    def __init__(self) -> None:
        self.fallen = asyncio.Event()
        self.pulled = False
        self._show = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._pull)

    async def fall_after(self, seconds: float | None) -> None:
        """Wait for the end, planned or not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.fallen.wait()
        self.fallen.set()

    def _pull(self) -> None:
        if self.fallen.is_set() and self._show:
            self._show.cancel()
        self.pulled = True
        self.fallen.set()


async def run_demo(settings: Settings, plan: Plan, screen: Screen) -> tuple[Summary, list[BaseException]]:
    """Run it; the figures say whether anything was lost or doubled, and the errors why stories broke off."""
    since = show_time(utc_now() - CLOCK_SLACK)
    async with (
        open_stage(settings, screen, seed=plan.seed) as stage,
        gather_cast(stage, screen, since=since, rate=plan.rate, seed=plan.seed) as cast,
    ):
        light_beacon(settings.data_dir, Beacon(url=stage.url, api_key=stage.seeded.api_key))
        try:
            screen.show_places(places_of(stage, settings.data_dir / LOG_NAME), things_to_try(stage, settings.data_dir))
            begun = time.monotonic()
            curtain = Curtain()
            with screen.figures(cast.figures):
                await _let_people_write(stage, cast, plan, curtain, screen)
                await _settle(cast, seconds=HURRIED_SECONDS if curtain.pulled else SETTLE_SECONDS)
            audit = await _check(cast, since=since, settled=not curtain.pulled)
            summary = sum_up(audit, first_stored=cast.first_stored)
            screen.show_summary(summary, seconds=time.monotonic() - begun, waiting=audit.waiting)
            return summary, [] if curtain.pulled else cast.traffic.failures
        finally:
            put_out_beacon(settings.data_dir)


async def _let_people_write(stage: Stage, cast: Cast, plan: Plan, curtain: Curtain, screen: Screen) -> None:
    """Traffic until the curtain falls, then the answers that were begun."""
    stage.twilio.faults, stage.mail.faults = scenario_faults(plan.scenario), mail_faults(plan.scenario)
    if TOLD[plan.scenario]:
        screen.say(TOLD[plan.scenario], style="bold yellow")
    writing = asyncio.create_task(cast.traffic.run(curtain.fallen))
    await curtain.fall_after(plan.duration)
    await writing
    stage.twilio.faults, stage.mail.faults = Faults(), MailFaults()
    await cast.traffic.finish(HURRIED_SECONDS if curtain.pulled else SETTLE_SECONDS)


async def _settle(cast: Cast, *, seconds: float) -> None:
    """Wait until nothing is on its way any more, or the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not cast.is_settled:  # noqa: ASYNC110 - it is made of the states of three parties
                await asyncio.sleep(LOOK_SECONDS)


async def _check(cast: Cast, *, since: str, settled: bool) -> Audit:
    """The ledgers, phones and mailboxes against what the API tells."""
    numbers = {number for number, _ in cast.phones.arrived}
    timelines = keep_ours(await read_timelines(cast.client, since=since, numbers=numbers), cast.phones.is_ours)
    return audit_run(cast.phones.told, cast.phones.arrived, timelines, settled=settled)
