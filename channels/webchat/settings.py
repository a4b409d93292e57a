"""What one web chat is like: who may show it, who its visitors are, and how it looks. Secrets are marked.

What has rules of its own is a struct of its own: each of them grows by itself.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from channels.contract import ChannelSettings, Secret
from channels.parts import Form
from channels.webchat.hours import Hours, Locale
from channels.webchat.keys import KEY_BYTES, UnusableKey, read_public_keys
from channels.webchat.origins import check_origin
from channels.webchat.services import HoursLong, MailContinuation, RatingRules

Verification: TypeAlias = Literal["off", "optional", "required"]

LOCALES = ("en", "es", "de", "fr", "pt", "ar", "zh")
"""The languages our own widget speaks."""
MEDIA_TYPES = (
    "image/", "audio/", "video/", "text/plain", "text/csv", "application/pdf", "application/zip",
    "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.",
)  # fmt: skip
"""What visitors may send by default: pictures, sound, films and documents."""
WEB = ("http", "https")
SHORT = msgspec.Meta(min_length=1, max_length=200)


class Theme(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How the widget looks; `color` is that of buttons and of the visitor's own words."""

    color: Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-fA-F]{6}(?![\s\S])", examples=["#2457d6"])] = "#2457d6"
    position: Literal["right", "left"] = "right"
    mode: Literal["auto", "light", "dark"] = "auto"


class FileRules(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which files visitors may send: media types or their families ("image/"), up to so many bytes each."""

    enabled: bool = True
    max_bytes: Annotated[int, msgspec.Meta(ge=1_000, le=100_000_000)] = 10_000_000
    media_types: Annotated[list[Annotated[str, SHORT]], msgspec.Meta(min_length=1, max_length=50)] = msgspec.field(
        default_factory=lambda: list(MEDIA_TYPES)
    )


class Article(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A page of the site that answers what is asked often."""

    title: Annotated[str, SHORT]
    url: Annotated[str, msgspec.Meta(max_length=2_000)]

    def __post_init__(self) -> None:
        """Refuse what is no address of a page."""
        parts = urlsplit(self.url)
        if parts.scheme not in WEB or not parts.hostname:
            raise ValueError("an article's url begins with https:// or http://")


class Home(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is shown before anything is said."""

    articles: Annotated[list[Article], msgspec.Meta(max_length=20)] = []


class WebchatSettings(ChannelSettings, kw_only=True, frozen=True):
    """A web chat. `name` is what visitors read; `origins` are the sites that may show it and speak to it.

    With `verification` a visitor is believed to be a user of yours by a JWT (`jwt_secret` for HS256, or
    `jwt_public_keys` in PEM or as a JWKS for RS256, ES256 and EdDSA) or by the HMAC-SHA256 of the user's id with
    `identity_secret`, in hex. `jwt_audience` is the `aud` those have to name: by default the channel's id.
    `user_system` names the system whose user ids these are, as in a contact's `external`: chats of the same system
    know the same people. `native_apps` lets in what is no browser and names no origin.
    """

    name: Annotated[str, SHORT] = "Chat"
    origins: Annotated[list[str], msgspec.Meta(max_length=200)] = msgspec.field(default_factory=list)
    native_apps: bool = False
    verification: Verification = "off"
    identity_secret: Secret | None = None
    jwt_secret: Secret | None = None
    jwt_public_keys: Annotated[str, msgspec.Meta(max_length=20_000)] | None = None
    jwt_audience: Annotated[str, SHORT] | None = None
    user_system: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}(?![\s\S])")] = "user"
    greeting: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    theme: Theme = Theme()
    locales: Annotated[list[Locale], msgspec.Meta(min_length=1, max_length=50)] = msgspec.field(
        default_factory=lambda: list(LOCALES)
    )
    default_locale: Locale = "en"
    text_chars: Annotated[int, msgspec.Meta(ge=100, le=20_000)] = 5_000
    files: FileRules = FileRules()
    pre_chat: Form | None = None
    csat: RatingRules = RatingRules()
    hours: Hours | None = None
    continue_by_mail: MailContinuation = MailContinuation()
    transcripts: bool = True
    push: bool = True
    resume_link_hours: HoursLong = 24
    home: Home = Home()

    def __post_init__(self) -> None:
        """Refuse what cannot work, beginning with the setting's name."""
        for origin in self.origins:
            try:
                check_origin(origin)
            except ValueError as error:
                raise ValueError(f"origins {error}") from None
        self._check_keys()
        if self.default_locale not in self.locales:
            raise ValueError("default_locale is among locales")

    def _check_keys(self) -> None:
        for name in ("identity_secret", "jwt_secret"):
            if 0 < len((getattr(self, name) or "").encode()) < KEY_BYTES or getattr(self, name) == "":
                raise ValueError(f"{name} has at least {KEY_BYTES} bytes: make it with openssl rand -hex 32")
        if self.jwt_public_keys is not None:
            try:
                read_public_keys(self.jwt_public_keys)
            except UnusableKey as error:
                raise ValueError(f"jwt_public_keys {error}") from None
        if self.verification == "required" and not (self.identity_secret or self.jwt_secret or self.jwt_public_keys):
            raise ValueError("verification is required, so identity_secret, jwt_secret or jwt_public_keys is too")
