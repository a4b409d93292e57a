"""What a demo needs before anybody writes: channels, four agents and a published key. Repeatable, never doubled."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from gateway.commands.exits import CommandFailed
from gateway.demo.desk import Clerk
from gateway.demo.people import Line
from gateway.demo.stories import Language
from gateway.runtime import Runtime
from inbox.accounts.actions import ChannelChange, connect_channel, update_channel
from inbox.accounts.queries import live_channels
from inbox.kit.callers import SYSTEM, Scope
from inbox.kit.db import tx
from inbox.kit.ids import AGENT, show_id
from inbox.staff.actions import add_agent, create_api_key
from inbox.staff.keys import form_secret, hash_secret, secret_prefix
from inbox.staff.queries import find_caller, list_agents, list_api_keys

ADAPTER = "sms-twilio"
ACCOUNT_SID = "ACdec0de00dec0de00dec0de00dec0de00"
AUTH_TOKEN = "dec0de00dec0de00dec0de00dec0de00"  # noqa: S105 - the simulated account's, published and worth nothing
DEMO_API_KEY = "sk_published-key-of-the-demo-it-guards-nothing"
"""Always the same, so that the lines of the documentation can be copied; outside the demo no database knows it."""

LINES: dict[Line, tuple[str, str]] = {
    "orders": ("+16505550100", "Orders"),
    "europe": ("+442079460100", "Customer care Europe"),
}
"""The shop's numbers, out of the ranges kept for fiction, and what the channels are called."""

MAIL_ADAPTER = "email-smtp"
MAIL_ADDRESS, MAIL_NAME = "care@demo.example", "Customer care by mail"

STAFF: tuple[tuple[str, str, tuple[Language, ...]], ...] = (
    ("Bo Larsen", "bo@demo.example", ("en", "de")),
    ("Mina Haddad", "mina@demo.example", ("fr", "ar", "en")),
    ("Tomás Vidal", "tomas@demo.example", ("es", "pt")),
    ("Wei Chen", "wei@demo.example", ("zh", "en")),
)
CLERK_SCOPES: tuple[Scope, ...] = ("conversations:read", "conversations:write", "messages:send")
MAIL_HOST = "127.0.0.1"
MANY_ITEMS = 1000
DEMO_RATE = 100_000
"""Requests a minute of the demo's keys: whoever plays with it is not to be held up."""


class Seeded(msgspec.Struct, kw_only=True, frozen=True):
    """What there is to play with: hooks by number, agents by language, and the key that opens the API."""

    hooks: dict[str, str]
    clerks: dict[Language, list[Clerk]]
    api_key: str


async def seed_demo(runtime: Runtime, *, api_url: str, mail_port: int) -> Seeded:
    """Make what is missing; what an earlier run left is used again, pointed at this run's simulator.

    CommandFailed where the database is somebody's in earnest: the published key must never open that.
    """
    await _refuse_earnest()
    key = await _seed_key("demo", scopes=("admin",), secret=DEMO_API_KEY)
    hooks = {number: await _seed_channel(runtime, number, name, api_url=api_url) for number, name in LINES.values()}
    await _seed_mail(runtime, mail_port)
    return Seeded(hooks=hooks, clerks=await _seed_agents(), api_key=key)


async def _refuse_earnest() -> None:
    """A database with keys or channels, none of them the demo's, is not ours to play with."""
    keys = [row.prefix for row in await list_api_keys(after=None, limit=MANY_ITEMS)]
    used = keys or await live_channels()
    if used and secret_prefix(DEMO_API_KEY) not in keys:
        hint = "Choose another --data-dir, and leave SWITCHBOARD_DATABASE_URL to the private database."
        raise CommandFailed("this database belongs to a gateway that is no demo: nothing was changed", hint=hint)


async def _seed_channel(runtime: Runtime, number: str, name: str, *, api_url: str) -> str:
    settings: dict[str, Any] = {
        "account_sid": ACCOUNT_SID,
        "auth_token": AUTH_TOKEN,
        "numbers": [number],
        "api_url": api_url,
    }
    channel_id = await _seed(runtime, ADAPTER, number, name=name, settings=settings)
    return f"{runtime.catalogue.hook_url(ADAPTER, channel_id)}/message"


async def _seed_mail(runtime: Runtime, port: int) -> None:
    settings: dict[str, Any] = {
        "address": MAIL_ADDRESS,
        "name": "Demo shop",
        "smtp_host": MAIL_HOST,
        "smtp_port": port,
        "smtp_security": "none",
        "sends_per_minute": DEMO_RATE,
        "verify_dkim": False,
    }
    await _seed(runtime, MAIL_ADAPTER, MAIL_ADDRESS, name=MAIL_NAME, settings=settings)


async def _seed(runtime: Runtime, adapter: str, address: str, *, name: str, settings: dict[str, Any]) -> UUID:
    """The channel that holds an address, made or set up anew."""
    rows = [row for row in await live_channels() if row.adapter == adapter and address in row.addresses]
    async with tx():
        if not rows:
            return await connect_channel(adapter, name, settings=settings, catalogue=runtime.catalogue, actor=SYSTEM)
        change = ChannelChange(settings=settings)
        await update_channel(rows[0].id, change, catalogue=runtime.catalogue, actor=SYSTEM)
        return rows[0].id


async def _seed_agents() -> dict[Language, list[Clerk]]:
    known = {row.email: row for row in await list_agents(after=None, limit=MANY_ITEMS)}
    clerks: dict[Language, list[Clerk]] = {}
    for name, email, languages in STAFF:
        if email not in known:
            async with tx():
                known[email] = await add_agent(name=name, email=email)
        agent = known[email]
        secret = form_secret(urlsafe_b64encode(sha256(f"demo {email}".encode()).digest()).rstrip(b"=").decode())
        key = await _seed_key(f"demo: {name}", scopes=CLERK_SCOPES, agent_id=agent.id, secret=secret)
        clerk = Clerk(id=show_id(AGENT, agent.id), name=agent.name, api_key=key)
        for language in languages:
            clerks.setdefault(language, []).append(clerk)
    return clerks


async def _seed_key(name: str, *, scopes: tuple[Scope, ...], secret: str | None, agent_id: UUID | None = None) -> str:
    """A published key, always the same; where somebody revoked it, one of this run's own."""
    if secret and await find_caller(hash_secret(secret)):
        return secret
    try:
        async with tx():
            made = await create_api_key(
                name=name, scopes=scopes, agent_id=agent_id, secret=secret, requests_per_minute=DEMO_RATE
            )
            return made[1]
    except asyncpg.UniqueViolationError:
        return await _seed_key(name, scopes=scopes, agent_id=agent_id, secret=None)
