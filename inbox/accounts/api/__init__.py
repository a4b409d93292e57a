"""Channels over HTTP: what can be connected, what is, and how to set it up."""

from inbox.accounts.api.channels import ChannelController, ChannelTypeController

__all__ = ["ChannelController", "ChannelTypeController"]
