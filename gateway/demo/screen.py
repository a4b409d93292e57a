"""What the demo shows: its steps, where everything is, the conversations as they happen, and the figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.commands.spoken import SpokenEnvelope
from gateway.commands.tail import print_event
from gateway.commands.timeline import Timeline
from gateway.demo.summary import Summary, is_flawless

CALM_LINES = 12
"""The most lines a second that people can follow; the others are only counted."""
REFRESH = 4


class Screen:
    """A terminal, or a file. With `aside` everything is told on standard error, as standard output is a program's."""

    def __init__(self, *, aside: bool, console: Console | None = None) -> None:
        self.console = console or Console(stderr=aside, highlight=False)
        self._timeline = Timeline()
        self._second = 0
        self._shown = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step of starting up: a spinner while it lasts, a line with its time when it is done."""
        begun = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(title, spinner="dots"):
                yield
        else:
            yield
        seconds = time.monotonic() - begun
        self.console.print(Text.assemble(("✓ ", "bold green"), f"{title:<34}", (f"{seconds:5.1f} s", "dim")))

    def say(self, text: str | Text = "", *, style: str = "") -> None:
        """A line of our own."""
        self.console.print(text, style=style or None, soft_wrap=True)

    def show_places(self, places: dict[str, str], lines: list[str]) -> None:
        """Where everything is, and what to try."""
        table = Table.grid(padding=(0, 2))
        for name, place in places.items():
            table.add_row(Text(name, style="bold"), Text(place, style="cyan"))
        self.say()
        self.console.print(table, soft_wrap=True)
        self.say()
        self.say("In another terminal:", style="bold")
        for line in lines:
            self.say(Text(f"  {line}", style="green"))
        self.say()

    def show_event(self, envelope: SpokenEnvelope) -> None:
        """Something that happened, as long as it can be followed."""
        line = self._timeline.describe_event(envelope)
        if line is None:
            return
        second = int(time.monotonic())
        self._shown = self._shown + 1 if second == self._second else 1
        self._second = second
        if self._shown <= CALM_LINES or not self.console.is_terminal:
            print_event(line, self.console)

    @contextmanager
    def figures(self, tell: Callable[[], Text]) -> Iterator[None]:
        """A line below all others that keeps the figures of the moment; nothing where there is no terminal."""
        if not self.console.is_terminal:
            yield
            return
        with Live(get_renderable=tell, console=self.console, refresh_per_second=REFRESH, transient=True):
            yield

    def show_summary(self, summary: Summary, *, seconds: float, waiting: int) -> None:
        """The figures of the run, and the verdict."""
        table = Table.grid(padding=(0, 2))
        for name, figure, meaning in summary_rows(summary):
            bad = name in {"lost", "doubled"} and figure != "0"
            table.add_row(Text(name), Text(figure, style="bold red" if bad else "bold", justify="right"), Text(meaning))
        self.say()
        self.console.print(table)
        if waiting:
            self.say(f"{waiting} replies were still on their way", style="yellow")
        self.say()
        if is_flawless(summary):
            self.say(f"✓ nothing lost, nothing doubled in {seconds:.0f} s", style="bold green")
        else:
            self.say(f"✗ {summary.lost} lost and {summary.doubled} doubled in {seconds:.0f} s", style="bold red")


def summary_rows(summary: Summary) -> list[tuple[str, str, str]]:
    """The figures with what they mean."""
    first = summary.first_stored_seconds
    return [
        ("sent", str(summary.sent), "texts, mails and chats from customers"),
        ("stored", str(summary.stored), "of them in a timeline"),
        ("answered", str(summary.answered), "replies the API took"),
        ("delivered", str(summary.delivered), "of them with the customer"),
        ("lost", str(summary.lost), "acknowledged and gone, either way"),
        ("doubled", str(summary.doubled), "there more than once, either way"),
        ("first stored", f"{first:.1f} s" if first is not None else "never", "after the start of the command"),
    ]
