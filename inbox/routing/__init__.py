"""Who holds a conversation."""
