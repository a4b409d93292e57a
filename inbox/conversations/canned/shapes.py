"""Canned replies as the API speaks of them: what is asked, and what is answered."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from channels.contract import Medium
from channels.parts import AnyPart, Text
from inbox.contacts.contact import LanguageTag
from inbox.conversations.api.requests import Line, Tag
from inbox.conversations.canned.queries import Subject, variants_of
from inbox.conversations.canned.templates import TEMPLATE_CHARS, Format, Value, compile_template, fill_template
from inbox.conversations.canned.variants import VARIANTS_MAX, Variant, choose_variant
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import CANNED_REPLY, show_id

Shortcut: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^/[a-z0-9][a-z0-9_.-]{0,48}(?![\s\S])",
        description="What is typed to get it: a slash and a short word in lower case.",
        examples=["/refund"],
    ),
]
TemplateText: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=TEMPLATE_CHARS,
        description="A text with variables.",
        examples=["Hi {{ contact.first_name|default('there') }}, your refund is on its way. {{ agent.name }}"],
    ),
]
Tags: TypeAlias = Annotated[list[Tag], msgspec.Meta(max_length=20)]
FormatName: TypeAlias = Annotated[Format, msgspec.Meta(description="In Markdown, values never become markup.")]


class CannedVariant(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One text of a canned reply, for a channel and a language; null is any.

    Between double braces it shows `contact.name`, `.first_name`, `.language` and `.attributes.<name>`; `agent.name`,
    `.first_name` and `.email`; `conversation.number`, `.subject`, `.language` and `.attributes.<name>`; `channel.type`
    and `.name`; each through `upper`, `lower`, `title`, `capitalize`, `trim` or `default("...")`. `{% if %}`,
    `{% elif %}`, `{% else %}` and `{% endif %}` leave parts out. There is nothing else.
    """

    text: TemplateText
    channel: Medium | None = None
    language: LanguageTag | None = None
    format: FormatName = "plain"


Variants: TypeAlias = Annotated[list[CannedVariant], msgspec.Meta(min_length=1, max_length=VARIANTS_MAX)]


class NewCannedReply(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A text to keep. One of its variants has neither channel nor language: it is for everybody else.

    With `agent_id` it is that agent's own, else everybody's; a key that is bound to an agent may name that agent only.
    """

    shortcut: Shortcut
    name: Line
    variants: Variants
    folder: Annotated[Line, msgspec.Meta(examples=["Orders"])] | None = None
    tags: Tags = []
    agent_id: str | None = None


class CannedReplyPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is absent stays, lists are replaced."""

    shortcut: Shortcut | msgspec.UnsetType = msgspec.UNSET
    name: Line | msgspec.UnsetType = msgspec.UNSET
    variants: Variants | msgspec.UnsetType = msgspec.UNSET
    folder: Line | msgspec.UnsetType | None = msgspec.UNSET
    tags: Tags | msgspec.UnsetType = msgspec.UNSET


class CannedReplyObject(msgspec.Struct, kw_only=True, frozen=True):
    """A text kept for answers; `agent_id` is whose own it is, null where it is shared."""

    object: Literal["canned_reply"] = "canned_reply"
    id: str
    agent_id: str | None
    shortcut: Shortcut
    name: str
    folder: Annotated[str, msgspec.Meta(examples=["Orders"])] | None
    tags: list[str]
    variants: list[CannedVariant]
    version: int
    created_at: str
    updated_at: str


class RenderRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """For which conversation, or for which contact without one; channel and language where others than theirs.

    Without a channel it is the conversation's `reply_route`. `agent_id` is who will write it.
    """

    conversation_id: str | None = None
    contact_id: str | None = None
    channel: Medium | None = None
    language: LanguageTag | None = None
    agent_id: str | None = None


class ChosenVariant(msgspec.Struct, kw_only=True, frozen=True):
    """Which variant was taken, by what it is for."""

    channel: Medium | None
    language: str | None


class RenderedReplyObject(msgspec.Struct, kw_only=True, frozen=True):
    """The text as it would be sent, and the variables in it that have no value here."""

    object: Literal["rendered_reply"] = "rendered_reply"
    canned_reply_id: str
    variant: ChosenVariant
    text: str
    parts: list[AnyPart]
    missing: Annotated[list[str], msgspec.Meta(examples=[["contact.first_name"]])]


def stored_variants(asked: list[CannedVariant]) -> list[Variant]:
    """Variants as they are kept."""
    return [msgspec.convert(one, Variant, from_attributes=True) for one in asked]


def show_canned(row: Row) -> CannedReplyObject:
    """A canned reply's row."""
    return CannedReplyObject(
        id=show_id(CANNED_REPLY, row["id"]),
        agent_id=show_id("agt", row["owner_id"]) if row["owner_id"] else None,
        shortcut=row["shortcut"],
        name=row["name"],
        folder=row["folder"],
        tags=row["tags"],
        variants=msgspec.convert(variants_of(row), list[CannedVariant], from_attributes=True),
        version=row["version"],
        created_at=show_time(row["created_at"]),
        updated_at=show_time(row["updated_at"]),
    )


def render_canned(
    row: Row, subject: Subject, *, writer: dict[str, Value], channel: Medium | None, channel_name: str | None,
    language: str | None,
) -> RenderedReplyObject:  # fmt: skip
    """A canned reply filled in for somebody, on a channel and in a language."""
    variant = choose_variant(variants_of(row), channel=channel, language=language or subject.language)
    about = {"channel.type": channel, "channel.name": channel_name}
    values = subject.values | writer | {name: value for name, value in about.items() if value}
    filled = fill_template(compile_template(variant.text), values, format_=variant.format)
    return RenderedReplyObject(
        canned_reply_id=show_id(CANNED_REPLY, row["id"]),
        variant=msgspec.convert(variant, ChosenVariant, from_attributes=True),
        text=filled.text,
        parts=[Text(text=filled.text, format=variant.format)],
        missing=filled.missing,
    )
