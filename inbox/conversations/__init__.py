"""Conversations, their one timeline, and how far what we wrote in it got."""
