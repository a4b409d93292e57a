"""Every controller of the public API; each says which scope its routes need (`opt={"scope": ...}`)."""

from __future__ import annotations

from litestar import Controller

from inbox.accounts.api import ChannelController, ChannelTypeController
from inbox.attachments.api import AttachmentController
from inbox.contacts.api import ContactController, IdentityController
from inbox.conversations.api import ConversationController, FeedController, MessageController, StateController
from inbox.outbox.api import JobController
from inbox.routing.api import RoutingController
from inbox.staff.api import AgentController, ApiKeyController

CONTROLLERS: list[type[Controller]] = [
    ConversationController,
    StateController,
    RoutingController,
    MessageController,
    ContactController,
    IdentityController,
    ChannelController,
    ChannelTypeController,
    AttachmentController,
    FeedController,
    AgentController,
    ApiKeyController,
    JobController,
]
