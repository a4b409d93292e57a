"""`switchboard search`: messages and notes of a running gateway by what they say."""

from __future__ import annotations

import asyncio

import msgspec
import rich_click as click
from rich.console import Console
from rich.text import Text

from gateway.commands.client import GatewayClient, open_gateway
from gateway.commands.output import json_option, print_json, say_aside
from gateway.commands.spoken import SpokenEntry, SpokenName, SpokenPage
from gateway.commands.tail import key_option, print_event, url_option

MOST = 200
"""The most hits that are shown at a time: one page."""
ONE_LINE = dict.fromkeys([*range(32), 127], " ")
"""Line breaks and other control characters, one space each, so that matches stay where they are."""


class SpokenMatch(msgspec.Struct, kw_only=True):
    """Characters of a snippet that were looked for."""

    offset: int
    length: int


class SpokenPlace(msgspec.Struct, kw_only=True):
    """The conversation of a hit."""

    id: str
    number: int
    contact: SpokenName


class SpokenHit(msgspec.Struct, kw_only=True):
    """A message or note that was found."""

    entry: SpokenEntry
    conversation: SpokenPlace
    snippet: str
    matches: list[SpokenMatch]


@click.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, MOST), default=20, show_default=True, help="The most hits to show.")
@url_option
@key_option
@json_option
def search(*, query: tuple[str, ...], limit: int, url: str | None, key: str | None, as_json: bool) -> None:
    """Look for messages and notes: words, "exact words", and fields such as is:open tag:vip from:ana@x.org.

    It needs a key with the scope conversations:read. The newest hits come first. Put a query that begins with a dash,
    or has quotation marks or parentheses, into quotes of your shell.
    """
    client = open_gateway(url=url, key=key)
    page = asyncio.run(_search(client, " ".join(query), limit=limit))
    if as_json:
        print_json(page.data)
        return
    console = Console(highlight=False)
    for hit in page.data:
        print_event(describe_hit(hit), console)
    if page.page.has_more:
        say_aside(f"these are the newest {limit}; --limit shows up to {MOST}")


async def _search(client: GatewayClient, query: str, *, limit: int) -> SpokenPage[SpokenHit]:
    async with client:
        return await client.get("/search", SpokenPage[SpokenHit], q=query, limit=limit)


def describe_hit(hit: SpokenHit) -> Text:
    """One line: when, which conversation, who, and the words with what was looked for in bold."""
    author = hit.entry.author
    line = Text.assemble(
        (f"{hit.entry.created_at[:16].replace('T', ' ')}  ", "dim"),
        (f"#{hit.conversation.number} ", "cyan"),
        f"{hit.conversation.contact.name or hit.conversation.contact.id}  ",
        (f"{author.name or author.address or author.type}: ", "dim"),
    )
    words = Text(hit.snippet.translate(ONE_LINE))
    for match in hit.matches:
        words.stylize("bold", match.offset, match.offset + match.length)
    return line + words
