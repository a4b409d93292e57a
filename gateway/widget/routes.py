"""Every controller of the visitor protocol, below /widget/v1.

A route needs the session of a visitor (`visitor: NamedDependency[VisitorCaller]`) unless it says `public`; `live` is a
stream, and `journaled` one that opens no transaction.
"""

from __future__ import annotations

from litestar import Controller

from gateway.widget.config import ConfigController
from gateway.widget.files import VisitorFileController
from gateway.widget.messages import MessageController
from gateway.widget.services import ServiceController
from gateway.widget.sessions import SessionController
from gateway.widget.stream import VisitorStreamController

CONTROLLERS: list[type[Controller]] = [
    ConfigController,
    SessionController,
    MessageController,
    ServiceController,
    VisitorFileController,
    VisitorStreamController,
]
