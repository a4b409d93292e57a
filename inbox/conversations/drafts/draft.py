"""A draft as it is kept: what is to be said, and by which way. Plain data."""

from __future__ import annotations

from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.parts import AnyPart
from inbox.conversations.letters.letter import MailChange, MailOptions, change_mail

DraftState: TypeAlias = Literal["open", "scheduled", "sent"]

DRAFTS_MAX = 100
"""The most drafts of one conversation that are not sent."""
VERSIONS_KEPT = 100
"""The most versions of one draft that are kept: a composer may save every few seconds."""


class DraftContent(msgspec.Struct, kw_only=True, frozen=True):
    """What a version of a draft holds; no parts at all while nothing is written yet."""

    parts: list[AnyPart] = []
    medium: str | None = None
    channel_id: UUID | None = None
    in_reply_to: UUID | None = None
    mail: MailOptions | None = None


class DraftChange(msgspec.Struct, kw_only=True, frozen=True):
    """What to change of a draft; UNSET stays."""

    parts: list[AnyPart] | msgspec.UnsetType = msgspec.UNSET
    medium: str | msgspec.UnsetType | None = msgspec.UNSET
    channel_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    in_reply_to: UUID | msgspec.UnsetType | None = msgspec.UNSET
    mail: MailChange = MailChange()


def change_content(content: DraftContent, change: DraftChange) -> DraftContent:
    """The content with the change put to it."""
    fields = {name: getattr(change, name) for name in change.__struct_fields__ if name != "mail"}
    given = {name: value for name, value in fields.items() if value is not msgspec.UNSET}
    return msgspec.structs.replace(content, **given, mail=change_mail(content.mail, change.mail))
