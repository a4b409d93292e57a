"""The pages and their files over HTTP: the console, the frame of the widget and its loader, a demo's simulator."""

from __future__ import annotations

import re
from typing import Any

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery

from gateway.directory import ChannelDirectory
from gateway.settings import Settings
from gateway.web.assets import Asset, Assets
from gateway.web.policy import MAIL_FRAME_POLICY, page_policy
from gateway.widget.chats import find_chat
from inbox.kit.errors import Problem
from inbox.kit.ids import read_id

OPEN = {"public": True}
FOREVER = "public, max-age=31536000, immutable"
LOADER_CACHE = "public, max-age=300"
"""How long a site may go on with an old loader, in seconds: it names no other file of ours."""
SHARED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
OWN_WINDOW = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"}
"""Of the console: a page of another origin that opens it gets no hold on its window, nor may load it in parts."""
SELF = ("'self'",)
GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
WORKER_POLICY = "switchboard-worker"
"""The name of the one Trusted Types policy of the notify page, by which it names its service worker."""


class PageController(Controller):
    """What browsers open."""

    include_in_schema = False

    @get("/assets/{digest:str}/{name:path}", opt=OPEN)
    async def send_asset(
        self,
        *,
        request: Request[Any, Any, Any],
        digest: FromPath[str],
        name: FromPath[str],
        assets: NamedDependency[Assets],
    ) -> Response[bytes]:
        """A static file. One of another release is not here: the page that asks for it has to be loaded anew."""
        asset = assets.files.get(str(name).strip("/"))
        if digest != assets.digest or asset is None:
            raise Problem("not_found", "there is no such file in this release", hint="Load the page anew.")
        answer = _file(asset, request, cache=FOREVER)
        if asset.media_type.startswith("text/html"):
            answer.headers["Content-Security-Policy"] = MAIL_FRAME_POLICY
        return answer

    @get(["/console", "/console/{rest:path}"], opt=OPEN)
    async def show_console(self, settings: NamedDependency[Settings], assets: NamedDependency[Assets]) -> Response[str]:
        """The console, whatever is open in it. In a demo the simulator may show it beside the customer."""
        ancestors = SELF if settings.demo else ()
        policy = page_policy(settings.public_url, frames="'self'", ancestors=ancestors)
        page = show_page(assets.page("console/index.html"), policy)
        page.headers.update(OWN_WINDOW)
        return page

    @get("/widget/v1/frame", opt=OPEN)
    async def show_widget(
        self,
        *,
        settings: NamedDependency[Settings],
        assets: NamedDependency[Assets],
        directory: NamedDependency[ChannelDirectory],
        channel: FromQuery[str] = "",
    ) -> Response[str]:
        """The chat, framed by the sites its channel names and by our own pages."""
        _, chat = await find_chat(directory, read_id("cha", channel))
        return show_page(
            assets.page("widget/frame.html"), page_policy(settings.public_url, ancestors=[*SELF, *chat.origins])
        )

    @get("/widget/v1/notify", opt=OPEN)
    async def show_notify(self, settings: NamedDependency[Settings], assets: NamedDependency[Assets]) -> Response[str]:
        """The window that asks whether notifications may be shown: a frame of another site may not ask."""
        policy = page_policy(settings.public_url, trusted=WORKER_POLICY)
        return show_page(assets.page("widget/notify.html"), policy)

    @get("/widget/v1/push-worker.js", opt=OPEN)
    async def send_push_worker(
        self, request: Request[Any, Any, Any], assets: NamedDependency[Assets]
    ) -> Response[bytes]:
        """The service worker that shows notifications; its path is its scope, so it has one of its own."""
        return _file(assets.files["widget/push-worker.js"], request, cache="no-cache")

    @get("/sim", opt=OPEN)
    async def show_simulator(
        self, settings: NamedDependency[Settings], assets: NamedDependency[Assets]
    ) -> Response[str]:
        """Customer and agent in two halves of one screen: in a demo alone, which brings the rest (gateway.demo)."""
        if not settings.demo:
            raise Problem("not_found", "the simulator runs in a demo", hint="Start one: switchboard demo")
        policy = page_policy(settings.public_url, frames="'self'", ancestors=SELF)
        return show_page(assets.page("simulator/index.html"), policy)


@get("/widget/loader.js", opt=OPEN, include_in_schema=False)
async def widget_loader(request: Request[Any, Any, Any], assets: NamedDependency[Assets]) -> Response[bytes]:
    """What a site embeds: the launcher, which opens the frame. Any site may load it; the frame asks who may show it."""
    answer = _file(assets.files["widget/loader.js"], request, cache=LOADER_CACHE)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def _file(asset: Asset, request: Request[Any, Any, Any], *, cache: str) -> Response[bytes]:
    headers = {**SHARED, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    packed = asset.compressed if GZIP.search(request.headers.get("accept-encoding", "")) else None
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.content if packed is None else packed, media_type=asset.media_type, headers=headers)


def show_page(html: str, policy: str) -> Response[str]:
    """A page of ours with its policy; browsers ask for it anew each time."""
    headers = {**SHARED, "Content-Security-Policy": policy, "Cache-Control": "no-cache"}
    return Response(html, media_type=MediaType.HTML, headers=headers)
