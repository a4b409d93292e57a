"""The door for the visitors of web chats, with everything a widget asks for."""
