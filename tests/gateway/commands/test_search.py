"""`switchboard search`: hits of a running gateway, for people and for programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from gateway.commands.search import SpokenHit, SpokenMatch, SpokenPlace, describe_hit
from gateway.commands.spoken import SpokenEntry, SpokenName
from tests.gateway.commands.shell import Shell
from tests.journeys.gateway import eventually, open_journey


def hit(snippet: str, *matches: tuple[int, int]) -> SpokenHit:
    """A message of Ana's that was found."""
    author = SpokenName(id="ctc_1", name="Ana", type="contact")
    entry = SpokenEntry(
        id="ent_1", type="message", conversation_id="cnv_1", seq=1, direction="inbound", text=snippet, author=author,
        created_at="2026-11-21T09:14:03.120Z",
    )  # fmt: skip
    place = SpokenPlace(id="cnv_1", number=7, contact=author)
    spans = [SpokenMatch(offset=offset, length=length) for offset, length in matches]
    return SpokenHit(entry=entry, conversation=place, snippet=snippet, matches=spans)


def test_a_hit_is_one_line_with_its_matches_in_bold() -> None:
    """When, where, who, and the words; line breaks of the customer do not break ours."""
    line = describe_hit(hit("my\norder\x1b[31m", (3, 5)))
    assert line.plain == "2026-11-21 09:14  #7 Ana  Ana: my order [31m"
    assert [line.plain[span.start : span.end] for span in line.spans if str(span.style) == "bold"] == ["order"]


def test_what_came_in_is_found_from_the_command_line(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A text a provider brought is found by its words, in lines and as JSON; a wrong query says what was meant."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await journey.twilio.text_in("+34600111222", "Where is my crimson umbrella?")
            await eventually(lambda: found(journey.get("/v1/search", q="crimson")))
            key = journey.client.headers["authorization"].removeprefix("Bearer ")
            shell = Shell({"SWITCHBOARD_URL": journey.url, "SWITCHBOARD_API_KEY": key})
            lines = await asyncio.to_thread(shell.run, "search", "crimson", "is:open")
            assert "Where is my crimson umbrella?" in lines.stdout
            printed = await asyncio.to_thread(shell.run, "search", '"crimson umbrella"', "--json")
            [line] = [line for line in printed.stdout.splitlines() if line.startswith("[{")]  # beside the gateway's log
            assert json.loads(line)[0]["matches"] == [{"offset": 12, "length": 16}]
            refused = await asyncio.to_thread(shell.run, "search", "is:opne", code=1)
            assert "Did you mean `open`?" in refused.stderr

    asyncio.run(walk())


async def found(asked: Awaitable[Any]) -> Any:
    """What a search finds, if anything."""
    return (await asked)["data"]
