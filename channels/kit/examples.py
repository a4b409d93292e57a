"""One message part of every kind, and what nobody's parser should stumble over."""

from __future__ import annotations

from typing import get_args

from channels.parts import (
    AnyPart,
    Attachment,
    Audio,
    Choice,
    ChoiceReply,
    Choices,
    ContactCard,
    File,
    Form,
    FormField,
    FormReply,
    FormValue,
    Html,
    Image,
    LinkPreview,
    Location,
    Sticker,
    Template,
    Text,
    Unsupported,
    Video,
)

FILES = "https://files.example"

_MADE: list[AnyPart] = [
    Text(text="Your parcel left Madrid: 24 € to pay, ¡gracias! 📦"),
    Html(html="<p>Your <b>parcel</b> left</p>"),
    Image(attachment=Attachment(url=f"{FILES}/a.jpg", media_type="image/jpeg", size=1_000), alt="a door"),
    Audio(attachment=Attachment(url=f"{FILES}/a.mp3", media_type="audio/mpeg", size=1_000)),
    Video(attachment=Attachment(url=f"{FILES}/a.mp4", media_type="video/mp4", size=1_000)),
    File(attachment=Attachment(url=f"{FILES}/a.pdf", media_type="application/pdf", size=1_000, name="bill.pdf")),
    Sticker(attachment=Attachment(url=f"{FILES}/a.webp", media_type="image/webp", size=1_000)),
    Location(latitude=40.4168, longitude=-3.7038, name="Madrid"),
    ContactCard(name="Ana Ruiz", phones=["+34600111222"]),
    Template(name="parcel_left", language="es", variables={"1": "Madrid"}),
    Choices(text="Which day?", options=[Choice(id="mo", title="Monday"), Choice(id="tu", title="Tuesday")]),
    ChoiceReply(id="mo", title="Monday"),
    Form(id="return", title="Your return", fields=[FormField(name="why", label="What is wrong?", required=True)]),
    FormReply(form_id="return", values=[FormValue(name="why", label="What is wrong?", value="The lid is broken")]),
    LinkPreview(url="https://shop.example/8841", title="Order 8841"),
    Unsupported(provider_type="poll", fallback="[poll] Which day?"),
]
EXAMPLES: dict[str, AnyPart] = {str(type(part).__struct_config__.tag): part for part in _MADE}

if {type(part) for part in _MADE} != set(get_args(AnyPart)):
    raise RuntimeError("every kind of part needs its example")

GARBAGE: tuple[bytes, ...] = (
    b"",
    b"\0",
    b"\xff\xfe\xfd",
    b"{",
    b"[]",
    b"null",
    b'"words"',
    b"NaN",
    b'{"a":' * 10_000,
    b"[" * 10_000,
    b"&" * 100_000,
    b"=" * 100_000,
    b"%" * 100_000,
    b"a=" + b"%ed%a0%80" * 100,
    b"\r\n" * 10_000,
    b"--x\r\n" * 1_000,
    "\u202e\u0000\ufeff".encode(),
)
"""Bodies of authentic requests that no provider documents."""

ODD_VALUES: tuple[str, ...] = (
    "",
    " ",
    "=",
    "x",
    "sha256=",
    "sha1=",
    "é",
    "\ud800",
    "0" * 10_000,
    "v1,",
    "null",
    "a, b",
)
"""What a stranger may put where a signature belongs."""
