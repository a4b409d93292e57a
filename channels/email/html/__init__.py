"""The looks of a mail: its HTML made harmless to show, and put into words. Pure."""

from channels.email.html.cleaning import Cleaned, clean_html
from channels.email.html.rules import RULES
from channels.email.html.words import text_of

__all__ = ["RULES", "Cleaned", "clean_html", "text_of"]
