"""`switchboard openapi`: the API's description, without a running gateway."""

from __future__ import annotations

from pathlib import Path

import msgspec
import redis.asyncio as redis
import rich_click as click
from obstore.store import MemoryStore

from channels.http import Http
from channels.registry import load_adapters
from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.output import print_line, say_aside
from gateway.meta import gateway_version
from gateway.openapi import describe_api
from gateway.runtime import Runtime
from gateway.serve import Server
from gateway.settings import DEMO_SECRET_KEY, Settings
from gateway.storage import Storage

NOWHERE = "redis://127.0.0.1"


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
def openapi(*, output: Path | None) -> None:
    """Print the API's description (OpenAPI 3.1), as GET /openapi.json serves it."""
    give_document(describe_gateway_api(given_settings(serving=False)), output)


def give_document(document: bytes, output: Path | None) -> None:
    """Print a JSON document, or write it to a file."""
    text = msgspec.json.format(document, indent=2).decode()
    if output is None:
        print_line(text)
        return
    try:
        output.write_text(text + "\n")
    except OSError as error:
        raise CommandFailed(f"{output}: {error.strerror}") from error
    say_aside(f"written to {output}")


def describe_gateway_api(settings: Settings) -> bytes:
    """The document of the very application that is served, which is made for it and never started."""
    runtime = unopened_runtime(settings)
    app = Server(runtime, stop_seconds=0).app
    return msgspec.json.encode(describe_api(app, version=gateway_version()))


def unopened_runtime(settings: Settings) -> Runtime:
    """A runtime whose clients connect to nothing unless they are used."""
    http = Http(allow=settings.egress_allow)
    return Runtime(
        msgspec.structs.replace(settings, secret_key=settings.secret_key or DEMO_SECRET_KEY),
        database_url="",
        redis_client=redis.Redis.from_url(NOWHERE),
        http=http,
        adapters=load_adapters(http),
        storage=Storage(MemoryStore(), limit_bytes=0, url_seconds=0),
    )
