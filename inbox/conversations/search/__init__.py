"""Which conversations a query asks for: the fields it may name, lists, hits in the text, and saved views."""

from inbox.conversations.search.fields import FIELDS, read_conversation_query
from inbox.conversations.search.queries import find_matching

__all__ = ["FIELDS", "find_matching", "read_conversation_query"]
