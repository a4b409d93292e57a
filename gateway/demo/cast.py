"""Who takes part in a demo, and what is told of it while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

from rich.text import Text

from gateway.commands.client import GatewayClient
from gateway.commands.spoken import SpokenEnvelope
from gateway.demo.age import process_age
from gateway.demo.desk import Desk
from gateway.demo.phones import Phones
from gateway.demo.screen import Screen
from gateway.demo.seeding import LINES
from gateway.demo.stage import Stage
from gateway.demo.traffic import Traffic
from gateway.demo.watch import Watch
from gateway.tasks import end_tasks

FIRST_PEOPLE = 24
"""How many people the shop knows from the start; more come as they are needed."""


class Cast:
    """Customers with phones and mailboxes, agents at a desk, and one who watches the feed and shows it."""

    def __init__(
        self, stage: Stage, client: GatewayClient, screen: Screen, *, since: str, rate: float, seed: int
    ) -> None:
        self.client = client
        self.first_stored: float | None = None
        lines: dict[str, str] = {line: number for line, (number, _) in LINES.items()}
        self.phones = Phones(stage.twilio, lines, Random(seed), mail=stage.mail, post=stage.post, chat=stage.chat)
        clerks = {clerk.id: clerk for speakers in stage.seeded.clerks.values() for clerk in speakers}
        self.desk = Desk(client, clerks.values(), stage.twilio, mail=stage.mail)
        self.watch = Watch(
            client, since=since, is_ours=self.phones.is_ours, on_event=self._tell, on_unknown=self.desk.look_into
        )
        self.traffic = Traffic(self.phones, self.desk, self.watch, clerks=stage.seeded.clerks, rate=rate, seed=seed)
        self._screen = screen

    @property
    def is_settled(self) -> bool:
        """Everything that was written is where it belongs, as far as the feed tells."""
        told = {message.sid for message in self.phones.told if message.acknowledged}
        waiting = self.phones.under_way + self.watch.under_way + self.desk.looking
        return not waiting and told <= self.watch.seen.keys()

    def figures(self) -> Text:
        """The figures of the moment, on one line."""
        watch = self.watch
        figures = {
            "sent": self.phones.sent,
            "stored": len(watch.seen),
            "answered": len(watch.replies),
            "delivered": watch.delivered,
        }
        told = Text("  ")
        for name, figure in figures.items():
            told.append(f"{name} ", style="dim").append(f"{figure:<6}", style="bold")
        return told.append(f"on the way {watch.under_way}", style="yellow" if watch.under_way else "dim")

    def _tell(self, envelope: SpokenEnvelope) -> None:
        if self.first_stored is None and self.watch.seen:
            self.first_stored = process_age()
        self._screen.show_event(envelope)


@asynccontextmanager
async def gather_cast(stage: Stage, screen: Screen, *, since: str, rate: float, seed: int) -> AsyncIterator[Cast]:
    """Everybody in place, with some customers the shop knows already; they go home when this ends."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(GatewayClient(stage.url, stage.seeded.api_key))
        cast = Cast(stage, client, screen, since=since, rate=rate, seed=seed)
        stack.push_async_callback(cast.desk.leave)
        stack.push_async_callback(cast.phones.leave)
        with screen.step("First customers"):
            watching = asyncio.create_task(cast.watch.run())
            stack.push_async_callback(end_tasks, [watching])
            await _first_of(cast.watch.ready.wait(), watching)
            await cast.traffic.invite(FIRST_PEOPLE)
        yield cast


async def _first_of(wanted: object, other: asyncio.Task[None]) -> None:
    """Wait for what is wanted; where the other ends before, by an error, that is raised."""
    waiting = asyncio.ensure_future(wanted)  # type: ignore[call-overload]  # any awaitable
    await asyncio.wait({waiting, other}, return_when=asyncio.FIRST_COMPLETED)
    if other.done():
        waiting.cancel()
        other.result()
