"""One-use tickets: how a page opens a WebSocket, which can send no header, without a secret in its URL."""
