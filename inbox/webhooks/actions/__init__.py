"""Changing endpoints; queueing, claiming and settling deliveries."""
