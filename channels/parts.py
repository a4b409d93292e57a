"""What a message is made of, both ways: a closed, tagged union of parts (discriminator `type`).

An adapter that meets content it has no part for keeps it as `Unsupported` with readable fallback text: nothing is
dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec

from channels.email.html.words import text_of


class Attachment(msgspec.Struct, kw_only=True, frozen=True):
    """A file that belongs to a part.

    Inbound, `url` is where the provider keeps it and `id` is None until we store it. Outbound, `url` is where
    the provider may fetch it. Sizes are in bytes, `sha256` is hex. `state` tells whether we hold the bytes.
    """

    id: str | None = None
    name: str | None = None
    media_type: str = "application/octet-stream"
    size: int | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    scan: Literal["unscanned", "clean", "infected"] = "unscanned"
    state: Literal["pending", "stored", "failed"] = "pending"
    url: str | None = None


class Part(msgspec.Struct, kw_only=True, frozen=True, tag_field="type"):
    """The root of all parts."""


class Text(Part, kw_only=True, frozen=True, tag="text"):
    """Words, plain or in Markdown without HTML; mail splits off what was `quoted` and the `signature`."""

    text: str
    format: Literal["plain", "markdown"] = "plain"
    quoted: str | msgspec.UnsetType = msgspec.UNSET
    signature: str | msgspec.UnsetType = msgspec.UNSET


class Html(Part, kw_only=True, frozen=True, tag="html"):
    """Sanitised HTML; mail splits off what was `quoted` and the `signature`.

    A picture of the same message is an `img` whose `data-attachment` is the attachment's id, one of the web has its
    address in `data-src` and is not loaded. `rules` is the version of the rules it was sanitised by: ours to set.
    """

    html: str
    quoted: str | None = None
    signature: str | None = None
    rules: int = 0


class Image(Part, kw_only=True, frozen=True, tag="image"):
    """A picture, with its description where the sender gave one."""

    attachment: Attachment
    alt: str | None = None


class Audio(Part, kw_only=True, frozen=True, tag="audio"):
    """Sound, such as a voice note."""

    attachment: Attachment


class Video(Part, kw_only=True, frozen=True, tag="video"):
    """A film."""

    attachment: Attachment


class File(Part, kw_only=True, frozen=True, tag="file"):
    """Any other file."""

    attachment: Attachment


class Sticker(Part, kw_only=True, frozen=True, tag="sticker"):
    """A sticker: a picture that stands for a feeling."""

    attachment: Attachment


class Location(Part, kw_only=True, frozen=True, tag="location"):
    """A place, in degrees (WGS 84)."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class ContactCard(Part, kw_only=True, frozen=True, tag="contact_card"):
    """Somebody's name and addresses, passed on."""

    name: str
    phones: list[str] = []
    emails: list[str] = []


class Template(Part, kw_only=True, frozen=True, tag="template"):
    """A text the provider has approved beforehand, by name, with its variables."""

    name: str
    language: str
    variables: dict[str, str] = {}


class Choice(msgspec.Struct, kw_only=True, frozen=True):
    """One thing to choose; `id` comes back in the reply."""

    id: str
    title: str
    description: str | None = None


class Choices(Part, kw_only=True, frozen=True, tag="choices"):
    """A question with buttons or a list."""

    text: str
    options: list[Choice]


class ChoiceReply(Part, kw_only=True, frozen=True, tag="choice_reply"):
    """The option somebody chose."""

    id: str
    title: str


class FormField(msgspec.Struct, kw_only=True, frozen=True):
    """One thing a form asks for; `name` comes back in the reply, `options` are what a select offers."""

    name: str
    label: str
    kind: Literal["text", "email", "phone", "textarea", "select", "checkbox"] = "text"
    required: bool = False
    options: list[str] = []


class Form(Part, kw_only=True, frozen=True, tag="form"):
    """Several questions at once; `id` comes back in the reply, `submit` is the word on its button."""

    id: str
    title: str | None = None
    fields: list[FormField]
    submit: str | None = None


class FormValue(msgspec.Struct, kw_only=True, frozen=True):
    """What was answered to one field, its label as it was asked; a ticked box is "true"."""

    name: str
    label: str
    value: str


class FormReply(Part, kw_only=True, frozen=True, tag="form_reply"):
    """A form filled in; fields left empty are left out."""

    form_id: str
    values: list[FormValue]


class LinkPreview(Part, kw_only=True, frozen=True, tag="link_preview"):
    """What a linked page says of itself."""

    url: str
    title: str | None = None
    description: str | None = None


class Unsupported(Part, kw_only=True, frozen=True, tag="unsupported"):
    """Content we have no part for yet: the provider's own name for it, and words to show instead."""

    provider_type: str
    fallback: str


AnyPart: TypeAlias = (
    Text | Html | Image | Audio | Video | File | Sticker | Location | ContactCard | Template | Choices | ChoiceReply
    | Form | FormReply | LinkPreview | Unsupported
)  # fmt: skip
MediaPart: TypeAlias = Image | Audio | Video | File | Sticker
MEDIA_PARTS = (Image, Audio, Video, File, Sticker)
FAMILIES: dict[str, type[Image | Audio | Video]] = {"image": Image, "audio": Audio, "video": Video}


def media_part(attachment: Attachment) -> MediaPart:
    """The part that fits a file's media type."""
    return FAMILIES.get(attachment.media_type.partition("/")[0], File)(attachment=attachment)


MAX_HTML_CHARS = 500_000
"""More of a page is not made into words: a mail of megabytes shall not hold everybody up, and nobody reads it."""


def plain_text(parts: list[AnyPart]) -> str:
    """All parts as words: what search, bots, notifications and plain clients read."""
    return "\n".join(filter(None, map(_words, parts))).strip()


def _words(part: AnyPart) -> str:
    return WORDS[type(part)](part) if type(part) in WORDS else f"[{_file_name(part)}]"


def _file_name(part: Any) -> str:
    return part.attachment.name or type(part).__name__.lower()


def _place(part: Location) -> str:
    return f"[{part.name or part.address or 'location'}] {part.latitude:.6f},{part.longitude:.6f}"


def _question(part: Choices) -> str:
    return "\n".join([part.text, *(f"{number}. {option.title}" for number, option in enumerate(part.options, 1))])


def _asked(part: Form) -> str:
    """The fields as numbered questions, so that a form can be answered where it can only be read."""
    asked = [f"{number}. {_question_of(field)}" for number, field in enumerate(part.fields, 1)]
    return "\n".join([*([part.title] if part.title else []), *asked])


def _question_of(field: FormField) -> str:
    offered = field.options if field.kind == "select" else []
    return f"{field.label}{'' if field.required else ' (optional)'}{': ' if offered else ''}{' / '.join(offered)}"


def _answered(part: FormReply) -> str:
    return "\n".join(f"{one.label}: {one.value}" for one in part.values)


def strip_tags(html: str) -> str:
    """The words of any HTML, a line a block."""
    return "\n".join(filter(str.strip, text_of(html, links=False).splitlines()))


WORDS: dict[type, Callable[[Any], str]] = {
    Text: lambda part: part.text,
    Html: lambda part: strip_tags(part.html[:MAX_HTML_CHARS]),
    Location: _place,
    ContactCard: lambda part: f"[contact] {' '.join([part.name, *part.phones, *part.emails])}",
    Template: lambda part: f"[{part.name}] {' '.join(part.variables.values())}".rstrip(),
    Choices: _question,
    ChoiceReply: lambda part: part.title,
    Form: _asked,
    FormReply: _answered,
    LinkPreview: lambda part: f"{part.title or ''} {part.url}".strip(),
    Unsupported: lambda part: part.fallback,
}
