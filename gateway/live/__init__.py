"""Live: the WebSocket `/v1/realtime`, and what is told of this moment only: who types, is there, and views what."""
