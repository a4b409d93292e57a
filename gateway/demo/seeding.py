"""What a demo needs before anybody writes: channels, four agents with a published password, and a published key.

Repeatable, never doubled.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from channels.events import Address
from gateway.commands.exits import CommandFailed
from gateway.demo.chats import ChatLine
from gateway.demo.desk import Clerk
from gateway.demo.people import Line
from gateway.demo.stories import Language
from gateway.runtime import Runtime
from inbox.accounts.actions import ChannelChange, connect_channel, update_channel
from inbox.accounts.queries import live_channels
from inbox.contacts.actions import spell_address, upsert_contact
from inbox.contacts.contact import ContactChange
from inbox.kit.callers import SYSTEM, Scope
from inbox.kit.db import tx
from inbox.kit.errors import Problem
from inbox.kit.ids import AGENT, show_id
from inbox.staff.actions import add_agent, create_api_key
from inbox.staff.keys import form_secret, hash_secret, secret_prefix
from inbox.staff.passwords.actions import set_password
from inbox.staff.passwords.queries import find_password
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

CHAT_ADAPTER = "webchat-widget"
CHAT_NAME = "Demo shop chat"
IDENTITY_SECRET = "the demo shop's secret: published, proves nothing"  # noqa: S105 - as it says
GREETING = "Hello! Ask us anything about your order: Bo, Mina, Tomás and Wei are here."
SHOP_COLOR = "#1f6f5c"
MACHINE_ORIGINS = ("http://127.0.0.1:*", "http://localhost:*")
"""The pages that may show the chat: whatever runs on this machine, so that one can try it in pages of one's own."""

DEMO_PASSWORD = "switchboard-demo"  # noqa: S105 - published: it opens a demo
BOSS = "bo@demo.example"
"""Who may set things up; the login that is printed."""
STAFF: tuple[tuple[str, str, tuple[Language, ...]], ...] = (
    ("Bo Larsen", BOSS, ("en", "de")),
    ("Mina Haddad", "mina@demo.example", ("fr", "ar", "en")),
    ("Tomás Vidal", "tomas@demo.example", ("es", "pt")),
    ("Wei Chen", "wei@demo.example", ("zh", "en")),
)
CLERK_SCOPES: tuple[Scope, ...] = ("conversations:read", "conversations:write", "messages:send")
CUSTOMER, CUSTOMER_ID = "Ana Ruiz", "customer-ana"
CUSTOMER_MAIL, CUSTOMER_PHONE = "ana@customers.example", "+34600111222"
"""Whom one plays on the page `/sim`, unless one types another number: also who logs in to the shop there."""

MAIL_HOST = "127.0.0.1"
MANY_ITEMS = 1000
DEMO_RATE = 100_000
"""Requests a minute of the demo's keys: whoever plays with it is not to be held up."""


class Seeded(msgspec.Struct, kw_only=True, frozen=True):
    """What there is to play with: hooks by number, agents by language, the key that opens the API, and the chat."""

    hooks: dict[str, str]
    clerks: dict[Language, list[Clerk]]
    api_key: str
    chat: ChatLine


async def seed_demo(runtime: Runtime, *, api_url: str, mail_port: int, url: str) -> Seeded:
    """Make what is missing; what an earlier run left is used again, pointed at this run's simulator.

    `url` is where browsers reach the gateway. CommandFailed where the database is somebody's in earnest: the published
    key must never open that.
    """
    await _refuse_earnest()
    key = await _seed_key("demo", scopes=("admin",), secret=DEMO_API_KEY)
    hooks = {number: await _seed_channel(runtime, number, name, api_url=api_url) for number, name in LINES.values()}
    await _seed_mail(runtime, mail_port)
    chat = await _seed_chat(runtime, url)
    await _seed_customer()
    return Seeded(hooks=hooks, clerks=await _seed_agents(), api_key=key, chat=chat)


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


async def _seed_chat(runtime: Runtime, url: str) -> ChatLine:
    settings: dict[str, Any] = {
        "name": "Nook & Co.",
        "origins": sorted({url, *MACHINE_ORIGINS}),
        "verification": "optional",
        "identity_secret": IDENTITY_SECRET,
        "greeting": GREETING,
        "theme": {"color": SHOP_COLOR},
    }
    channel_id = await _seed(runtime, CHAT_ADAPTER, None, name=CHAT_NAME, settings=settings)
    return ChatLine(url=url, origin=url, channel_id=show_id("cha", channel_id), identity_secret=IDENTITY_SECRET)


async def _seed_customer() -> None:
    """Whom one plays is known to the shop by phone, mail and account: on whichever they write, it is one person.

    Where somebody has made two of them in an earlier run, they stay two.
    """
    change = ContactChange(name=CUSTOMER, language="es", external={"user": CUSTOMER_ID})
    addresses = [Address(kind="phone", value=CUSTOMER_PHONE), Address(kind="email", value=CUSTOMER_MAIL)]
    with suppress(Problem):
        async with tx():
            await upsert_contact(change, [spell_address(address) for address in addresses], actor=SYSTEM)


async def _seed(runtime: Runtime, adapter: str, address: str | None, *, name: str, settings: dict[str, Any]) -> UUID:
    """The channel that holds an address, or the one of an adapter without any, made or set up anew."""
    rows = [
        row for row in await live_channels() if row.adapter == adapter and (not address or address in row.addresses)
    ]
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
                known[email] = await add_agent(name=name, email=email, role="admin" if email == BOSS else "agent")
        agent = known[email]
        await _seed_password(agent.id)
        secret = form_secret(urlsafe_b64encode(sha256(f"demo {email}".encode()).digest()).rstrip(b"=").decode())
        key = await _seed_key(f"demo: {name}", scopes=CLERK_SCOPES, agent_id=agent.id, secret=secret)
        clerk = Clerk(id=show_id(AGENT, agent.id), name=agent.name, api_key=key)
        for language in languages:
            clerks.setdefault(language, []).append(clerk)
    return clerks


async def _seed_password(agent_id: UUID) -> None:
    """The published password; where somebody chose another, that stays."""
    if await find_password(agent_id) is None:
        async with tx():
            await set_password(agent_id, DEMO_PASSWORD)


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
