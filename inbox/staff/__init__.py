"""Agents and API keys: who works here, and which programs may do what."""
