"""The door for the visitors of web chats."""
