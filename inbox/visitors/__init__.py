"""Visitors of web chats: who they are, the sessions they hold, and what they may see of their conversation."""
