"""Where everything of a running demo is, and what to try with it, in words. Pure."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.demo.seeding import BOSS, DEMO_PASSWORD
from gateway.demo.stage import Stage
from gateway.settings import default_data_dir

A_CUSTOMER = "+447700900123"
A_WRITER = "you@customers.example"
LOG_NAME = "demo.log"


def places_of(stage: Stage, log: Path) -> dict[str, str]:
    """Names and addresses."""
    return {
        "Try it": f"{stage.url}/sim   customer and agent, side by side",
        "Console": f"{stage.url}/console",
        "Login": f"{BOSS}   {DEMO_PASSWORD}",
        "API": f"{stage.url}/v1",
        "Reference": f"{stage.url}/docs",
        "API key": stage.seeded.api_key,
        "Numbers": " and ".join(stage.seeded.hooks),
        "Phones": f"{stage.twilio.url}/sim/handsets",
        "Mailboxes": f"{stage.mail_client}/sim/mailboxes",
        "Mail": f"{stage.post.address} at smtp://{stage.post.office.host}:{stage.post.office.port}",
        "Log": str(log),
    }


def things_to_try(stage: Stage, data_dir: Path) -> list[str]:
    """Lines that can be copied into another terminal."""
    usual = data_dir == default_data_dir(os.environ, demo=True)
    where = "" if usual else f"SWITCHBOARD_DATA_DIR={data_dir} "
    number = next(reversed(stage.seeded.hooks))
    return [
        f"{where}switchboard tail",
        f'{where}switchboard send --to {A_CUSTOMER} "Hello from Switchboard"',
        f"curl -H 'Authorization: Bearer {stage.seeded.api_key}' '{stage.url}/v1/conversations?limit=3'",
        f'curl -d \'{{"to":"{number}","body":"Anybody there?"}}\' '
        f"{stage.twilio.url}/sim/handsets/{A_CUSTOMER}/messages",
        f'curl -d \'{{"to":"{stage.post.address}","subject":"Hello","text":"Anybody there?"}}\' '
        f"{stage.mail_client}/sim/mailboxes/{A_WRITER}/mails",
    ]
