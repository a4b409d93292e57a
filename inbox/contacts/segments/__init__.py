"""Segments: saved questions about contacts, in the language of `q=`."""
