"""What browsers load from us: the widget, the console and, in a demo, the simulator; static files without a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.web.pages import PageController, widget_loader

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler

PAGE_ROUTES: list[ControllerRouterHandler] = [PageController, widget_loader]

__all__ = ["PAGE_ROUTES"]
