"""Sending and previewing over HTTP."""

from inbox.conversations.sending.api.messages import SendingController
from inbox.conversations.sending.api.preview import PreviewController

__all__ = ["PreviewController", "SendingController"]
