"""`switchboard tail`: what happens on a gateway, as it happens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import msgspec
import rich_click as click
from rich.console import Console
from rich.text import Text

from gateway.commands.client import GatewayClient, open_gateway
from gateway.commands.event_stream import Frame
from gateway.commands.output import print_line, say_aside
from gateway.commands.spoken import SpokenEnvelope
from gateway.commands.timeline import Timeline

STREAM_WORDS = frozenset({"ready", "reset"})
"""Events of the stream itself; all others are envelopes."""
url_option = click.option("--url", help="The gateway, instead of SWITCHBOARD_URL or the demo that runs here.")
key_option = click.option("--key", help="The API key, instead of SWITCHBOARD_API_KEY or the demo's.")

_envelope = msgspec.json.Decoder(SpokenEnvelope).decode


@click.command()
@url_option
@key_option
@click.option("--conversation", metavar="ID", help="Only this conversation.")
@click.option("--after", metavar="CURSOR", help="Begin after this cursor instead of now.")
@click.option("--all", "everything", is_flag=True, help="Show every event, however small.")
@click.option("--json", "as_json", is_flag=True, help="Print the events as they are, one line of JSON each.")
def tail(
    *, url: str | None, key: str | None, conversation: str | None, after: str | None, everything: bool, as_json: bool
) -> None:
    """Watch all conversations of a running gateway, until Ctrl-C.

    It needs a key with the scope events:read. A broken connection is taken up where it ended: nothing is missed and
    nothing is shown twice.
    """
    client = open_gateway(url=url, key=key)
    show = print_line if as_json else LinePrinter(everything=everything).show
    asyncio.run(_follow(client, show, after=after, conversation=conversation, as_json=as_json))


class LinePrinter:
    """Prints events for people: cut to the width of a terminal, whole where they go into a file."""

    def __init__(self, *, everything: bool, console: Console | None = None) -> None:
        self._timeline = Timeline(everything=everything)
        self._console = console or Console(highlight=False)

    def show(self, data: str) -> None:
        """One envelope, as JSON."""
        line = self._timeline.describe_event(_envelope(data))
        if line is not None:
            print_event(line, self._console)


def print_event(line: Text, console: Console) -> None:
    """One line of a terminal, cut to its width; the whole of it where it goes into a file."""
    if console.is_terminal:
        console.print(line, no_wrap=True, overflow="ellipsis")
    else:
        console.print(line, soft_wrap=True)


async def _follow(
    client: GatewayClient, show: Callable[[str], None], *, after: str | None, conversation: str | None, as_json: bool
) -> None:
    async with client:
        async for frame in client.follow(after=after, conversation=conversation, on_break=_tell_break):
            if frame.event not in STREAM_WORDS:
                show(frame.data)
                sys.stdout.flush()
            elif not as_json or frame.event == "reset":
                _tell_stream(frame, client.url)


def _tell_stream(frame: Frame, url: str) -> None:
    if frame.event == "ready":
        say_aside(f"watching {url}; Ctrl-C ends it")
    else:
        say_aside(
            "the cursor is older than the feed: events in between were not shown", label="warning", color="yellow"
        )


def _tell_break(reason: str) -> None:
    say_aside(f"{reason.splitlines()[0]}; trying again", label="warning", color="yellow")
