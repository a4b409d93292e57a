"""What a merge would do, and what deserves a second look before. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from uuid import UUID

from inbox.contacts.api.shapes import show_contact, show_identity
from inbox.contacts.contact import Contact, Identity
from inbox.conversations.contact_merging.fields import FieldPlan, Place, Side, plan_fields
from inbox.conversations.contact_merging.shapes import (
    MergePreview,
    MergeWarning,
    MovedConversations,
    OptOut,
    WarningCode,
    contact_fields,
    show_plan,
)
from inbox.kit.clock import show_time
from inbox.kit.ids import show_id

SHOWN_IDS = 100
"""How many of the conversations that move a preview names."""


def preview_merge(
    leaving: Contact,
    staying: Contact,
    *,
    choices: Mapping[Place, Side],
    conversations: Mapping[UUID, bool],
    staying_open: int,
) -> MergePreview:
    """The merge of one contact into another, field by field.

    `conversations` are those of the one that leaves, each with whether it is open; `staying_open` is how many open
    ones the other has.
    """
    plans = plan_fields(contact_fields(leaving), contact_fields(staying), choices)
    opened = sum(conversations.values())
    return MergePreview(
        from_=show_contact(leaving),
        into=show_contact(staying),
        fields=[show_plan(plan) for plan in plans],
        identities=[show_identity(identity) for identity in leaving.identities],
        conversations=MovedConversations(
            total=len(conversations),
            open=opened,
            ids=[show_id("cnv", one) for one in list(conversations)[:SHOWN_IDS]],
        ),
        opt_outs=[found for one in (*staying.identities, *leaving.identities) for found in _opt_outs(one)],
        warnings=_warnings(leaving, staying, plans, both_open=bool(opened and staying_open)),
    )


def _opt_outs(identity: Identity) -> list[OptOut]:
    return [
        OptOut(
            identity_id=show_id("idn", identity.id),
            address=identity.address,
            purpose=consent.purpose,
            channel_id=show_id("cha", consent.channel_id) if consent.channel_id else None,
            because=f"taken back on {show_time(consent.created_at)}, by {consent.source}; no merge changes that",
        )
        for consent in identity.consents
        if consent.state == "revoked"
    ]


def _warnings(leaving: Contact, staying: Contact, plans: Sequence[FieldPlan], *, both_open: bool) -> list[MergeWarning]:
    proven = [[one.address for one in contact.identities if one.proof != "none"] for contact in (leaving, staying)]
    conflicts = sum(plan.conflict for plan in plans)
    found: list[tuple[WarningCode, bool, str]] = [
        ("both_proven", all(proven), f"both have proven addresses: {', '.join(chain(*proven))}"),
        ("both_open", both_open, "both have an open conversation: the contact will have both, unless you merge these"),
        ("conflicts", conflicts > 0, f"{conflicts} fields differ, and one value of each is kept"),
        ("blocked", bool(leaving.blocked_at or staying.blocked_at), "one of them is blocked, so the contact will be"),
    ]
    return [MergeWarning(code=code, detail=detail) for code, holds, detail in found if holds]
