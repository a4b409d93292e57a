"""A mail's new words, parted from what it quotes and how it is signed. Pure; linear in what strangers send."""

from channels.email.quoting.html import split_html
from channels.email.quoting.split import Split
from channels.email.quoting.text import split_text
from channels.email.quoting.words import is_forward_subject

__all__ = ["Split", "is_forward_subject", "split_html", "split_text"]
