"""The translators of text messages."""
