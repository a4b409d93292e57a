"""Texts kept for answers, with variants by channel and language, filled in by a strict template."""
