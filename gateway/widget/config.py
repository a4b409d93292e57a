"""How a chat is set up, as its page asks before anybody has a session: how it looks, and what it offers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from channels.parts import Form
from channels.webchat.hours import Hours, choose_words, hours_state
from channels.webchat.services import PRE_CHAT_ID
from channels.webchat.settings import Verification, WebchatSettings
from gateway.widget.chats import find_chat
from gateway.widget.desk import WidgetDesk
from gateway.widget.origins import refuse_origin
from gateway.widget.shapes import ArticleObject, FilesObject, HomeObject, ThemeObject
from inbox.kit.clock import show_time, utc_now
from inbox.kit.ids import read_id

OPEN = {"public": True, "problems": ["origin_not_allowed", "not_found", "validation_failed"]}
ChannelAsked = Annotated[
    str,
    QueryParameter(description="The chat.", schema_extra={"examples": ["cha_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"]}),
]


class HoursObject(msgspec.Struct, kw_only=True, frozen=True):
    """Whether somebody is there; while nobody is, when somebody comes, and what to tell and ask."""

    state: Literal["open", "away"]
    opens_at: str | None
    message: str | None
    collect_email: bool


class OfferedCsat(msgspec.Struct, kw_only=True, frozen=True):
    """Whether visitors are asked how it was, and for how long they may change what they said."""

    enabled: bool
    change_hours: float


class OfferedMail(msgspec.Struct, kw_only=True, frozen=True):
    """Whether anything can be mailed to visitors, and whether that may be a transcript."""

    enabled: bool
    transcripts: bool


class OfferedPush(msgspec.Struct, kw_only=True, frozen=True):
    """The key to subscribe to notices with (RFC 8292 3.2); null where there are none."""

    public_key: str | None


class WidgetConfig(msgspec.Struct, kw_only=True, frozen=True):
    """A chat as its page needs to know it. Everything in it is public."""

    object: Literal["widget_config"] = "widget_config"
    channel_id: str
    name: str
    locale: str
    locales: list[str]
    theme: ThemeObject
    greeting: str
    verification: Verification
    text_chars: int
    pre_chat: Annotated[Form | None, msgspec.Meta(examples=[None])]
    files: FilesObject
    hours: HoursObject
    csat: OfferedCsat
    mail: OfferedMail
    push: OfferedPush
    home: HomeObject


class ConfigController(Controller):
    """What visitors of a web chat ask for: their session, their conversation, and what comes in it."""

    tags = ("Web chat",)

    @get("/config", opt=OPEN, operation_id="getWidgetConfig", summary="Read how a chat is set up")
    async def get_widget_config(
        self,
        *,
        request: Request[Any, Any, Any],
        widget_desk: NamedDependency[WidgetDesk],
        channel: ChannelAsked,
        locale: Annotated[str | None, QueryParameter(description="The language of the page.")] = None,
    ) -> WidgetConfig:
        """The language is the one asked for, if the chat speaks it, else the chat's own."""
        live, settings = await find_chat(widget_desk.runtime.directory, read_id("cha", channel))
        refuse_origin(request.headers, settings, public_url=widget_desk.runtime.settings.public_url)
        push_key = await widget_desk.push_key() if settings.push else None
        spoken = choose_locale(settings, locale)
        mails = any(one.medium == "email" for one in widget_desk.runtime.directory.all_channels())
        shown = live.account.channel_id
        return show_config(shown, settings, locale=spoken, push_key=push_key, mails=mails, now=utc_now())


def choose_locale(settings: WebchatSettings, asked: str | None) -> str:
    """The chat's language that is nearest to the one asked for: `pt-BR` is answered in `pt` where that is all."""
    wanted = (asked or "").lower()
    for tag in (wanted, wanted.partition("-")[0]):
        found = next((one for one in settings.locales if one.lower() == tag), None)
        if found is not None:
            return found
    return settings.default_locale


def show_config(
    channel_id: str, settings: WebchatSettings, *, locale: str, push_key: str | None, mails: bool, now: datetime
) -> WidgetConfig:
    """The settings of a chat, as far as they are its visitors' business."""
    articles = [ArticleObject(title=one.title, url=one.url) for one in settings.home.articles]
    pre_chat = settings.pre_chat
    return WidgetConfig(
        channel_id=channel_id,
        name=settings.name,
        locale=locale,
        locales=settings.locales,
        theme=msgspec.convert(settings.theme, ThemeObject, from_attributes=True),
        greeting=settings.greeting,
        verification=settings.verification,
        text_chars=settings.text_chars,
        pre_chat=msgspec.structs.replace(pre_chat, id=PRE_CHAT_ID) if pre_chat else None,
        files=msgspec.convert(settings.files, FilesObject, from_attributes=True),
        hours=_show_hours(settings.hours, locale, settings=settings, now=now),
        csat=OfferedCsat(enabled=settings.csat.enabled, change_hours=settings.csat.change_hours),
        mail=OfferedMail(enabled=mails, transcripts=mails and settings.transcripts),
        push=OfferedPush(public_key=push_key),
        home=HomeObject(articles=articles),
    )


def _show_hours(hours: Hours | None, locale: str, *, settings: WebchatSettings, now: datetime) -> HoursObject:
    state = hours_state(hours, now)
    away = hours is not None and state.state == "away"
    message = choose_words(hours.messages, locale, default=settings.default_locale) if hours and away else None
    return HoursObject(
        state=state.state,
        opens_at=show_time(state.opens_at) if state.opens_at else None,
        message=message,
        collect_email=bool(hours and away and hours.collect_email),
    )
