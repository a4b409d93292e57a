"""What visitors ask and are answered, in the visitor protocol."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from channels.parts import ChoiceReply, FormReply, Location
from inbox.visitors.conversation import VisitorConversation
from inbox.visitors.showing import VisitorEntry
from inbox.visitors.visitor import Line, VisitorPage

MAX_ATTRIBUTES = 50
VALUE_CHARS = 1_000
MAX_PARTS = 10
TEXT_CHARS = 20_000
"""More than the most that any chat takes: its own limit stands in its settings."""
Token: TypeAlias = Annotated[str, msgspec.Meta(max_length=8_192)]
UserId: TypeAlias = Annotated[str, msgspec.Meta(max_length=200, examples=["8841"])]
Mail: TypeAlias = Annotated[str, msgspec.Meta(max_length=254, examples=["ana@example.org"])]
AttributeValue: TypeAlias = Annotated[str, msgspec.Meta(max_length=VALUE_CHARS)] | float | bool | None
ProfileAttributes: TypeAlias = Annotated[
    dict[Annotated[str, msgspec.Meta(min_length=1, max_length=100)], AttributeValue],
    msgspec.Meta(max_length=MAX_ATTRIBUTES, examples=[{"plan": "gold"}]),
]
ClientMessageId: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[!-~]{1,64}(?![\s\S])",
        description="Yours: the same message sent again under it is there once.",
        examples=["c0a8-1"],
    ),
]


class ClaimedIdentity(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Who the page says the visitor is: a signed `jwt`, or a `user_id` with its `hash` as the site's server made it.

    `name` and `email` beside a `user_id` are not signed: they are kept as said, and prove nothing.
    """

    jwt: Token | None = None
    user_id: UserId | None = None
    hash: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    name: Line | None = None
    email: Mail | None = None


class NewVisitorSession(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A session to begin, or, asked with the token of one, to go on with."""

    channel_id: Annotated[str, msgspec.Meta(max_length=40, examples=["cha_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    locale: Annotated[str, msgspec.Meta(max_length=35, pattern="^[A-Za-z0-9-]*$", examples=["de"])] | None = None
    page: VisitorPage | None = None
    identity: ClaimedIdentity | None = None
    resume_link: Annotated[str, msgspec.Meta(max_length=2_000, examples=[None])] | None = None


class VisitorProfile(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a visitor says of themselves; what is left out stays."""

    name: Line | None = None
    email: Mail | None = None
    phone: Annotated[str, msgspec.Meta(max_length=40, examples=["+34600111222"])] | None = None
    attributes: ProfileAttributes = {}


class Identification(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A proof of who the visitor is, or what they say of themselves, or both."""

    identity: ClaimedIdentity | None = None
    profile: VisitorProfile | None = None


class VisitorObject(msgspec.Struct, kw_only=True, frozen=True):
    """The visitor as they see themselves; `verified` where they have proven to be the user they are."""

    object: Literal["visitor"] = "visitor"
    id: str
    name: str | None
    email: str | None
    verified: bool


class VisitorSessionObject(msgspec.Struct, kw_only=True, frozen=True):
    """A session. `token` is told when it begins and never again; `cursor` is where the stream goes on from here."""

    object: Literal["visitor_session"] = "visitor_session"
    token: Annotated[str | None, msgspec.Meta(examples=["vst_" + "x" * 43])]
    visitor: VisitorObject
    conversation: VisitorConversation | None
    cursor: str
    expires_at: str


class HistoryPage(msgspec.Struct, kw_only=True, frozen=True):
    """Whether there is more before it: ask with `before_seq`, the `seq` of its first entry."""

    has_more: bool


class VisitorHistory(msgspec.Struct, kw_only=True, frozen=True):
    """Part of a conversation, the oldest first; the stream goes on at `cursor` without a gap."""

    data: list[VisitorEntry]
    page: HistoryPage
    cursor: str


class ListedConversation(VisitorConversation, kw_only=True, frozen=True):
    """One of a visitor's conversations, with the newest of its messages that they may see."""

    last_message: Annotated[VisitorEntry | None, msgspec.Meta(examples=[None])]


class NewVisitorMessage(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A message of a visitor: words, answers to what was asked, and files that were uploaded before.

    With `new_conversation` it begins one, where the last is closed; else it opens that one again if it was closed of
    late. While one is open, all messages join it.
    """

    client_message_id: ClientMessageId
    text: Annotated[str, msgspec.Meta(max_length=TEXT_CHARS, examples=["Where is my parcel?"])] | None = None
    parts: Annotated[list[ChoiceReply | FormReply | Location], msgspec.Meta(max_length=MAX_PARTS, examples=[[]])] = []
    attachment_ids: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=MAX_PARTS, examples=[[]])
    ] = []
    in_reply_to: Annotated[str, msgspec.Meta(max_length=40, examples=[None])] | None = None
    page: VisitorPage | None = None
    new_conversation: bool = False


class AcceptedMessage(msgspec.Struct, kw_only=True, frozen=True):
    """We have it; the stream tells of it as soon as it is in the conversation."""

    object: Literal["accepted_message"] = "accepted_message"
    client_message_id: ClientMessageId


class VisitorReading(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How far the visitor, or their browser, has come: in the conversation they are in, or in the one that is named."""

    up_to_seq: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1, examples=[12])]
    state: Literal["delivered", "read"]
    conversation_id: Annotated[str, msgspec.Meta(max_length=40, examples=[None])] | None = None


class VisitorTyping(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whether the visitor is writing: say so every few seconds, and when they stop."""

    typing: bool


class ThemeObject(msgspec.Struct, kw_only=True, frozen=True):
    """How the widget looks."""

    color: str
    position: Literal["right", "left"]
    mode: Literal["auto", "light", "dark"]


class FilesObject(msgspec.Struct, kw_only=True, frozen=True):
    """Which files may be sent."""

    enabled: bool
    max_bytes: int
    media_types: list[str]


class ArticleObject(msgspec.Struct, kw_only=True, frozen=True):
    """A page of the site that answers what is asked often."""

    title: str
    url: str


class HomeObject(msgspec.Struct, kw_only=True, frozen=True):
    """What is shown before anything is said."""

    articles: list[ArticleObject]


Anything: TypeAlias = dict[str, Any]
