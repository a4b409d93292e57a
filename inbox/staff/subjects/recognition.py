"""Which agent somebody is whom an identity provider vouches for."""

from __future__ import annotations

import re
from uuid import UUID

from inbox.kit.callers import SYSTEM
from inbox.kit.errors import Problem
from inbox.staff.actions import add_agent
from inbox.staff.subjects.actions import bind_subject
from inbox.staff.subjects.queries import find_agent_of_email, find_subject

EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
UNFIT = re.compile(r"[\x00-\x1f\x7f]+")
EMAIL_CHARS = 254
NAME_CHARS = 200


async def recognise_agent(issuer: str, subject: str, *, email: str | None, name: str | None, create: bool) -> UUID:
    """The agent bound to this subject; else the one of the address, who is bound from now on; else `signin_refused`.

    `email` is given only where the provider says that it was verified: an address anybody could have entered there
    would open anybody's account here. With `create`, who is no agent becomes one, of the role `agent`.
    """
    known = await find_subject(issuer, subject)
    if known is not None:
        return known
    if email is None or len(email) > EMAIL_CHARS or not EMAIL.fullmatch(email):
        hint = "The provider has to say email_verified: true, once; later on the address does not matter."
        raise Problem("signin_refused", "the identity provider has not verified a mail address", hint=hint)
    agent_id = await find_agent_of_email(email)
    if agent_id is None:
        if not create:
            hint = "Ask an administrator to take you on with this address."
            raise Problem("signin_refused", "no agent has the mail address that the provider names", hint=hint)
        agent = await add_agent(name=_fitting_name(name, email), email=email, actor=SYSTEM)
        agent_id = agent.id
    await bind_subject(agent_id, issuer, subject=subject)
    return agent_id


def _fitting_name(name: str | None, email: str) -> str:
    return UNFIT.sub(" ", name or "").strip()[:NAME_CHARS] or email.partition("@")[0][:NAME_CHARS]
