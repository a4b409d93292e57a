"""Sending in one call, seeing beforehand what would be sent, and taking back what has not left."""
