"""Every controller of the public API; each says which scope its routes need (`opt={"scope": ...}`)."""

from __future__ import annotations

from litestar import Controller

from inbox.staff.api import AgentController, ApiKeyController

CONTROLLERS: list[type[Controller]] = [
    AgentController,
    ApiKeyController,
]
