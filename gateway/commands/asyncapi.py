"""`switchboard asyncapi`: the description of what is told live, without a running gateway."""

from __future__ import annotations

from pathlib import Path

import msgspec
import rich_click as click

from gateway.asyncapi import describe_events
from gateway.commands.given import given_settings
from gateway.commands.openapi import give_document
from gateway.meta import gateway_version


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
def asyncapi(*, output: Path | None) -> None:
    """Print the description of what is told live (AsyncAPI 3.0), as GET /asyncapi.json serves it."""
    public_url = given_settings(serving=False).public_url
    give_document(msgspec.json.encode(describe_events(version=gateway_version(), public_url=public_url)), output)
