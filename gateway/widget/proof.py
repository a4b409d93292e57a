"""Whether a visitor is who their page says, decided once, when the session is made or identified (security.md T53).

A chat with `verification` off believes nobody, and keeps what is said as said; `optional` believes what is proven, and
goes on without a name where nothing is; `required` lets nobody in without a proof.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import structlog

from channels.contract import VisitorClaim, VisitorTaking
from channels.errors import Forged
from channels.webchat.settings import Verification, WebchatSettings
from gateway.directory import LiveChannel
from gateway.runtime import Runtime
from gateway.widget.shapes import ClaimedIdentity
from inbox.kit.errors import Problem
from inbox.visitors.visitor import Profile, Proof

log = structlog.get_logger()

PROOF_HINT = "Have the site's server make a token or a hash for the user who is logged in, and hand it to the page."


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """Who a visitor is taken for: somebody proven, or somebody with what they say of themselves."""

    proof: Proof | None = None
    profile: Profile = Profile()


def decide_identity(
    runtime: Runtime,
    channel: LiveChannel,
    settings: WebchatSettings,
    *,
    claimed: ClaimedIdentity | None,
    now: datetime,
) -> Decided:
    """Who to take a visitor for; `identity_required` where the chat wants a proof and there is none."""
    if settings.verification == "off":
        return Decided(profile=_said(claimed))
    proof = _prove(runtime, channel, settings, claimed=claimed, now=now)
    if proof is None and settings.verification == "required":
        raise Problem("identity_required", "this chat is for users who are logged in", hint=PROOF_HINT)
    return Decided(proof=proof)


def may_stay(verification: Verification, *, verified: bool) -> bool:
    """Whether a session that was made before may go on under what the chat asks for now."""
    return verified or verification != "required"


def _prove(
    runtime: Runtime,
    channel: LiveChannel,
    settings: WebchatSettings,
    *,
    claimed: ClaimedIdentity | None,
    now: datetime,
) -> Proof | None:
    adapter = runtime.adapters[channel.adapter]
    if claimed is None or not isinstance(adapter, VisitorTaking):
        return None
    claim = VisitorClaim(jwt=claimed.jwt, user_id=claimed.user_id, hash=claimed.hash)
    try:
        proven = adapter.prove_visitor(channel.account, claim, now=now)
    except Forged as forged:
        log.warning("visitor_unproven", channel=channel.account.channel_id, reason=str(forged))
        return None
    return Proof(
        system=settings.user_system,
        user_id=proven.user_id,
        name=proven.name or (claimed.name if claimed.jwt is None else None),
        email=proven.email,
    )


def _said(claimed: ClaimedIdentity | None) -> Profile:
    """What the page says; of a token nothing, since nobody has looked whether it is one."""
    if claimed is None or claimed.jwt is not None:
        return Profile()
    return Profile(name=claimed.name or None, email=claimed.email or None, user_id=claimed.user_id or None)
