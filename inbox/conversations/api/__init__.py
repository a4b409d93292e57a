"""Conversations, messages and the feed over HTTP."""

from inbox.conversations.api.conversations import ConversationController
from inbox.conversations.api.feed import FeedController
from inbox.conversations.api.messages import MessageController
from inbox.conversations.api.states import StateController

__all__ = ["ConversationController", "FeedController", "MessageController", "StateController"]
