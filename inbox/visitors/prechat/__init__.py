"""What is asked before a conversation, and what visitors say of themselves there."""
