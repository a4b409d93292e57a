"""Agents and API keys over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from inbox.kit.callers import Caller, Scope
from inbox.kit.clock import show_time, utc_now
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import AGENT, API_KEY, UnknownId, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.staff.actions import (
    add_agent,
    change_agent,
    change_api_key,
    create_api_key,
    delete_agent,
    revoke_api_key,
)
from inbox.staff.queries import After, AgentRow, KeyRow, find_agent, find_api_key, list_agents, list_api_keys
from inbox.staff.roles import Role

# One line without control characters; the end is spelled so that Python and JavaScript agree on it.
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+(?![\s\S])")]
Email: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        max_length=254,
        pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+(?![\s\S])",
        description="A mail address, unique among the agents.",
    ),
]
Scopes: TypeAlias = Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=20)]

Rate: TypeAlias = Annotated[
    int,
    msgspec.Meta(
        ge=1,
        le=10_000_000,
        description="Requests it may make in a minute; null is what the settings say.",
        examples=[6000],
    ),
]

WRITE = {"scope": "agents:write", "problems": ["state_conflict"]}


class AgentObject(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody who answers."""

    object: Literal["agent"] = "agent"
    id: str
    name: str
    email: str
    role: Role
    version: int
    created_at: str
    updated_at: str


class NewAgent(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An agent to take on."""

    name: Name
    email: Email
    role: Role = "agent"


class AgentPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change of an agent; what is absent stays."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    role: Role | UnsetType = UNSET


class ApiKeyObject(msgspec.Struct, kw_only=True, frozen=True):
    """An API key. `prefix` is how its secret begins."""

    object: Literal["api_key"] = "api_key"
    id: str
    name: str
    prefix: str
    scopes: list[Scope]
    agent_id: str | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    requests_per_minute: Rate | None
    created_at: str


class CreatedApiKey(ApiKeyObject, kw_only=True, frozen=True):
    """A new API key with its secret, which is shown this once."""

    secret: str


class NewApiKey(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An API key to make. Bound to an agent it acts in their name, else in its own."""

    name: Name
    scopes: Scopes
    agent_id: str | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    requests_per_minute: Rate | None = None


class ApiKeyPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change of an API key; what is absent stays."""

    name: Name | UnsetType = UNSET
    requests_per_minute: Rate | UnsetType | None = UNSET


class AgentController(Controller):
    """Agents: those who answer, and what they may do when they sign in."""

    path = "/agents"
    tags = ("Agents",)

    @get("/", opt={"scope": "agents:read"}, operation_id="listAgents", summary="List agents")
    async def list_agents(self, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None) -> Page[AgentObject]:
        """The agents, the newest first."""
        after = read_cursor(cursor, After, of="agents")
        rows = await list_agents(after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: (row.created_at, row.id), of="agents", show=show_agent)

    @post(
        "/",
        opt=WRITE,
        operation_id="createAgent",
        summary="Take an agent on",
    )
    async def create_agent(self, caller: NamedDependency[Caller], data: JSONBody[NewAgent]) -> AgentObject:
        """Make an agent; a mail address that another has is refused. Administrators are made by administrators."""
        if data.role == "admin" and not caller.may("admin"):
            raise Problem("scope_missing", "making an administrator needs the scope admin")
        agent = await add_agent(name=data.name, email=data.email, role=data.role, actor=caller.actor)
        return show_agent(agent)

    @get(
        "/me",
        opt={"scope": "agents:read", "problems": ["not_found"]},
        operation_id="getMyAgent",
        summary="Get the agent of this API key or session",
    )
    async def get_my_agent(self, caller: NamedDependency[Caller]) -> AgentObject:
        """The agent who signed in, or whom this API key acts for; 404 where it acts in its own name."""
        if caller.actor.type != "agent" or caller.actor.id is None:
            raise Problem("not_found", "This API key is not bound to an agent")
        return show_agent(await find_agent(read_id(AGENT, caller.actor.id)))

    @get("/{agent_id:str}", opt={"scope": "agents:read"}, operation_id="getAgent", summary="Get an agent")
    async def get_agent(self, agent_id: FromPath[str]) -> AgentObject:
        """One agent."""
        return show_agent(await find_agent(read_id(AGENT, agent_id)))

    @patch("/{agent_id:str}", opt=WRITE, operation_id="updateAgent", summary="Change an agent")
    async def update_agent(
        self, *, caller: NamedDependency[Caller], agent_id: FromPath[str], data: JSONBody[AgentPatch]
    ) -> AgentObject:
        """Change an agent's name, mail address or role (JSON merge patch).

        The role, and the address of who can sign in or is an administrator, are changed with the scope `admin` alone.
        A change of role ends the agent's sessions; who is no administrator any more loses the API keys with the scope
        `admin` that act in their name. The last administrator who can sign in stays one.
        """
        changes, as_admin = msgspec.to_builtins(data), caller.may("admin")
        agent = await change_agent(read_id(AGENT, agent_id), changes, actor=caller.actor, as_admin=as_admin)
        return show_agent(agent)

    @delete("/{agent_id:str}", opt=WRITE, operation_id="deleteAgent", summary="Let an agent go")
    async def delete_agent(self, caller: NamedDependency[Caller], agent_id: FromPath[str]) -> None:
        """Delete an agent, and end their sessions and API keys; what they wrote stays theirs.

        What they hold and is not closed is nobody's again, told as `conversation.assigned`. The last administrator who
        can sign in stays.
        """
        await delete_agent(read_id(AGENT, agent_id), actor=caller.actor, as_admin=caller.may("admin"))


class ApiKeyController(Controller):
    """API keys: made, listed and revoked by who holds the `admin` scope."""

    path = "/api-keys"
    tags = ("API keys",)

    @get("/", opt={"scope": "admin"}, operation_id="listApiKeys", summary="List API keys")
    async def list_api_keys(self, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None) -> Page[ApiKeyObject]:
        """The API keys, the newest first, revoked ones among them; never their secrets."""
        after = read_cursor(cursor, After, of="api-keys")
        rows = await list_api_keys(after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: (row.created_at, row.id), of="api-keys", show=show_api_key)

    @post("/", opt={"scope": "admin"}, operation_id="createApiKey", summary="Make an API key")
    async def create_api_key(self, caller: NamedDependency[Caller], data: JSONBody[NewApiKey]) -> CreatedApiKey:
        """Make an API key. The answer holds its secret, which is not shown again."""
        row, secret = await create_api_key(
            name=data.name,
            scopes=data.scopes,
            agent_id=await _bound_agent(data.agent_id),
            expires_at=_future(data.expires_at),
            requests_per_minute=data.requests_per_minute,
            actor=caller.actor,
        )
        return CreatedApiKey(**msgspec.structs.asdict(show_api_key(row)), secret=secret)

    @get("/{key_id:str}", opt={"scope": "admin"}, operation_id="getApiKey", summary="Get an API key")
    async def get_api_key(self, key_id: FromPath[str]) -> ApiKeyObject:
        """One API key, without its secret."""
        return show_api_key(await find_api_key(read_id(API_KEY, key_id)))

    @patch("/{key_id:str}", opt={"scope": "admin"}, operation_id="updateApiKey", summary="Change an API key")
    async def update_api_key(
        self, *, caller: NamedDependency[Caller], key_id: FromPath[str], data: JSONBody[ApiKeyPatch]
    ) -> ApiKeyObject:
        """Its name and how often it may ask; its scopes stay as they were made."""
        changes = msgspec.to_builtins(data)
        return show_api_key(await change_api_key(read_id(API_KEY, key_id), changes, actor=caller.actor))

    @delete("/{key_id:str}", opt={"scope": "admin"}, operation_id="revokeApiKey", summary="Revoke an API key")
    async def revoke_api_key(self, caller: NamedDependency[Caller], key_id: FromPath[str]) -> None:
        """End an API key; it opens nothing from a few seconds later on."""
        await revoke_api_key(read_id(API_KEY, key_id), actor=caller.actor)


async def _bound_agent(agent_id: str | None) -> UUID | None:
    if agent_id is None:
        return None
    try:
        return (await find_agent(read_id(AGENT, agent_id))).id
    except (UnknownId, Problem) as error:
        raise _refused("/agent_id", "unknown", detail="there is no such agent") from error


def _future(moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= utc_now():
        raise _refused("/expires_at", "too_early", detail="a key cannot have expired before it is made")
    return moment


def _refused(pointer: str, code: str, *, detail: str) -> Problem:
    return Problem("validation_failed", detail, errors=[FieldError(pointer=pointer, code=code, detail=detail)])


def show_agent(row: AgentRow) -> AgentObject:
    """An agent as the API shows it."""
    return AgentObject(
        id=show_id(AGENT, row.id),
        name=row.name,
        email=row.email,
        role=row.role,
        version=row.version,
        created_at=show_time(row.created_at),
        updated_at=show_time(row.updated_at),
    )


def show_api_key(row: KeyRow) -> ApiKeyObject:
    """An API key as the API shows it."""
    return ApiKeyObject(
        id=show_id(API_KEY, row.id),
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes,
        agent_id=show_id(AGENT, row.agent_id) if row.agent_id else None,
        expires_at=_show_moment(row.expires_at),
        revoked_at=_show_moment(row.revoked_at),
        last_used_at=_show_moment(row.last_used_at),
        requests_per_minute=row.requests_per_minute,
        created_at=show_time(row.created_at),
    )


def _show_moment(moment: datetime | None) -> str | None:
    return show_time(moment) if moment else None
