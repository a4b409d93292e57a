"""`switchboard users`: the agents who can sign in, and as what."""

from __future__ import annotations

import secrets
import sys
from datetime import timedelta
from typing import get_args
from uuid import UUID

import click as plain
import msgspec
import rich_click as click

from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table, say_aside
from gateway.commands.running import open_tables, run_operator
from gateway.settings import Settings
from gateway.signin.letters import link_url
from inbox.kit.clock import show_time
from inbox.kit.db import tx
from inbox.kit.ids import AGENT, read_id, show_id
from inbox.staff.actions import add_agent, change_agent, unbind_agent
from inbox.staff.invitations.actions import make_link
from inbox.staff.passwords.actions import set_password
from inbox.staff.passwords.queries import passwords_changed
from inbox.staff.queries import AgentRow, find_agent, list_agents
from inbox.staff.roles import Role
from inbox.staff.sessions.actions import revoke_sessions
from inbox.staff.subjects.queries import find_agent_of_email, issuers_of

LIST_ITEMS = 1000
PASSWORD_BYTES = 15

who_argument = click.argument("who", metavar="MAIL|ID")
role_choice = click.Choice(get_args(Role))


class ShownUser(msgspec.Struct, kw_only=True):
    """An agent as they are printed; a password or link once, when it is made."""

    id: str
    name: str
    email: str
    role: Role
    signs_in_by: list[str]
    created_at: str
    password: str | None = None
    url: str | None = None


@click.group()
def users() -> None:
    """Agents who sign in: take them on, invite them, set roles and passwords."""


@users.command(name="list")
@json_option
def list_users(*, as_json: bool) -> None:
    """List the agents, the newest first: their role, and by what they can sign in."""
    settings = given_settings(serving=False)
    shown = run_operator(settings, lambda: _list(settings))
    if as_json:
        print_json(shown)
        return
    head = ["ID", "NAME", "MAIL", "ROLE", "SIGNS IN BY"]
    print_table(
        head, [(one.id, one.name, one.email, one.role, ", ".join(one.signs_in_by) or "nothing") for one in shown]
    )


@users.command(name="add")
@click.argument("email", metavar="MAIL")
@click.option("--name", help="By default what stands before the @.")
@click.option("--role", type=role_choice, default="agent", show_default=True, help="What they may do.")
@click.option("--password", "with_password", is_flag=True, help="Make a password and print it, in place of a link.")
@json_option
def add_user(*, email: str, name: str | None, role: Role, with_password: bool, as_json: bool) -> None:
    """Take an agent on, and print the link by which they choose their password."""
    settings = given_settings(serving=False)
    shown = run_operator(settings, lambda: _add(settings, email, name=name, role=role, with_password=with_password))
    if as_json:
        print_json(shown)
        return
    if shown.password:
        say_aside(f"{shown.id}, {shown.role}; the password is not shown again:")
    else:
        say_aside(f"{shown.id}, {shown.role}; the link is good once, for {settings.invitation_hours:g} hours:")
    print_line(shown.password or shown.url or "")


@users.command(name="password")
@who_argument
@click.option("--generate", is_flag=True, help="Make one and print it; else it is asked for, or read from a pipe.")
def set_user_password(*, who: str, generate: bool) -> None:
    """Set an agent's password; their sessions end."""
    settings = given_settings(serving=False)
    password = secrets.token_urlsafe(PASSWORD_BYTES) if generate else _asked_password()
    run_operator(settings, lambda: _set_password(settings, who, password))
    if generate:
        say_aside("keep it now, it is not shown again:")
    print_line(password if generate else f"set: {who}")


@users.command(name="role")
@who_argument
@click.argument("role", type=role_choice)
def set_user_role(*, who: str, role: Role) -> None:
    """Make somebody an administrator, or an agent again; their sessions end."""
    settings = given_settings(serving=False)
    run_operator(settings, lambda: _set_role(settings, who, role))
    print_line(f"{role}: {who}")


@users.command(name="invite")
@who_argument
@json_option
def invite_user(*, who: str, as_json: bool) -> None:
    """Print a link by which an agent chooses a password; the link before it opens nothing any more."""
    settings = given_settings(serving=False)
    shown = run_operator(settings, lambda: _invite(settings, who))
    if as_json:
        print_json(shown)
    else:
        say_aside(f"{shown.email}; the link is good once, for {settings.invitation_hours:g} hours:")
        print_line(shown.url or "")


@users.command(name="unbind")
@who_argument
@click.option("--issuer", help="The identity provider, as `users list` shows it; by default all of them.")
def unbind_user(*, who: str, issuer: str | None) -> None:
    """Have identity providers know an agent no more: the next with their address there is bound in their place."""
    settings = given_settings(serving=False)
    gone = run_operator(settings, lambda: _unbind(settings, who, issuer))
    print_line(f"unbound: {who} from {count_things(gone, 'identity provider{s}')}")


@users.group(name="sessions")
def user_sessions() -> None:
    """The browsers an agent is signed in with."""


@user_sessions.command(name="revoke")
@who_argument
def revoke_user_sessions(*, who: str) -> None:
    """Sign an agent out everywhere; running gateways forget the sessions within seconds."""
    settings = given_settings(serving=False)
    ended = run_operator(settings, lambda: _revoke(settings, who))
    print_line(f"ended: {count_things(ended, 'session{s}')} of {who}")


def _asked_password() -> str:
    """From the terminal, twice and unseen; from a pipe, its first line."""
    if sys.stdin.isatty():
        return str(plain.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


async def _list(settings: Settings) -> list[ShownUser]:
    async with open_tables(settings):
        rows = await list_agents(after=None, limit=LIST_ITEMS + 1)
        shown = await _show(rows)
    if len(rows) > LIST_ITEMS:
        raise CommandFailed(f"there are more than {LIST_ITEMS} agents", hint="List them by the API: GET /v1/agents")
    return shown


async def _show(rows: list[AgentRow]) -> list[ShownUser]:
    """Agents as they are printed."""
    ids = [row.id for row in rows]
    changed, issuers = await passwords_changed(ids), await issuers_of(ids)
    return [
        ShownUser(
            id=show_id(AGENT, row.id),
            name=row.name,
            email=row.email,
            role=row.role,
            signs_in_by=(["password"] if row.id in changed else []) + issuers.get(row.id, []),
            created_at=show_time(row.created_at),
        )
        for row in rows
    ]


async def _add(settings: Settings, email: str, *, name: str | None, role: Role, with_password: bool) -> ShownUser:
    if not email.partition("@")[0] or not email.partition("@")[2]:
        raise CommandFailed(f"{email} is no mail address")
    password = secrets.token_urlsafe(PASSWORD_BYTES) if with_password else None
    async with open_tables(settings), tx():
        agent = await add_agent(name=name or email.partition("@")[0], email=email, role=role)
        if password:
            await set_password(agent.id, password)
        url = None if password else await _make_url(settings, agent.id)
        [shown] = await _show([agent])
    return msgspec.structs.replace(shown, password=password, url=url)


async def _set_password(settings: Settings, who: str, password: str) -> None:
    async with open_tables(settings), tx():
        await set_password(await _find(who), password)


async def _set_role(settings: Settings, who: str, role: Role) -> None:
    async with open_tables(settings), tx():
        await change_agent(await _find(who), {"role": role})


async def _invite(settings: Settings, who: str) -> ShownUser:
    async with open_tables(settings), tx():
        agent = await find_agent(await _find(who))
        url = await _make_url(settings, agent.id)
        [shown] = await _show([agent])
    return msgspec.structs.replace(shown, url=url)


async def _unbind(settings: Settings, who: str, issuer: str | None) -> int:
    async with open_tables(settings), tx():
        return await unbind_agent(await _find(who), issuer=issuer)


async def _revoke(settings: Settings, who: str) -> int:
    async with open_tables(settings), tx():
        return await revoke_sessions(await _find(who))


async def _find(who: str) -> UUID:
    """An agent by id or mail address."""
    if "@" not in who:
        return read_id(AGENT, who)
    found = await find_agent_of_email(who)
    if found is None:
        raise CommandFailed(f"no agent has the mail address {who}", hint="See `switchboard users list`.")
    return found


async def _make_url(settings: Settings, agent_id: UUID) -> str:
    link = await make_link(agent_id, "invitation", lasts=timedelta(hours=settings.invitation_hours))
    return link_url(settings.public_url, "invitation", token=link.token)
