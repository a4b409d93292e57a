"""By what an agent signs in, over HTTP: looked at by administrators, who also unbind them from identity providers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from inbox.kit.callers import Caller
from inbox.kit.clock import show_time
from inbox.kit.ids import AGENT, read_id, show_id
from inbox.staff.actions import unbind_agent
from inbox.staff.passwords.queries import find_password
from inbox.staff.queries import find_agent
from inbox.staff.subjects.queries import find_bindings

ISSUER_CHARS = 1000
Issuer = Annotated[str, msgspec.Meta(examples=["https://id.acme.example"])]


class BoundSubject(msgspec.Struct, kw_only=True, frozen=True):
    """An identity provider that knows the agent, and since when."""

    issuer: Issuer
    bound_at: str


class AgentSignin(msgspec.Struct, kw_only=True, frozen=True):
    """By what an agent can sign in; `password_changed_at` is null where they have no password."""

    object: Literal["agent_signin"] = "agent_signin"
    id: Annotated[str, msgspec.Meta(description="The agent's id.", examples=["agt_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    password_changed_at: str | None
    subjects: list[BoundSubject]


class AgentSigninController(Controller):
    """Agents: those who answer, and what they may do when they sign in."""

    path = "/agents/{agent_id:str}/signin"
    tags = ("Agents",)

    @get("/", opt={"scope": "admin"}, operation_id="getAgentSignin", summary="Get by what an agent signs in")
    async def get_agent_signin(self, agent_id: FromPath[str]) -> AgentSignin:
        """Whether they have a password, and which identity providers they are bound to."""
        agent = await find_agent(read_id(AGENT, agent_id))
        password, bindings = await find_password(agent.id), await find_bindings(agent.id)
        return AgentSignin(
            id=show_id(AGENT, agent.id),
            password_changed_at=show_time(password.changed_at) if password and password.changed_at else None,
            subjects=[BoundSubject(issuer=one.issuer, bound_at=show_time(one.bound_at)) for one in bindings],
        )

    @delete(
        "/subjects",
        opt={"scope": "admin", "problems": ["state_conflict"]},
        operation_id="unbindAgent",
        summary="Unbind an agent from identity providers",
    )
    async def unbind_agent(
        self,
        *,
        caller: NamedDependency[Caller],
        agent_id: FromPath[str],
        issuer: Annotated[
            str | None, QueryParameter(max_length=ISSUER_CHARS, description="From this one; without it, from all.")
        ] = None,
    ) -> None:
        """Whoever signs in there next with the agent's verified mail address is bound instead.

        Their sessions that began by a provider end; the agent, their password and their work stay.
        """
        await unbind_agent(read_id(AGENT, agent_id), issuer=issuer, actor=caller.actor)
