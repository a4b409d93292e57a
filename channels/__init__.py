"""Translators between providers and us: they know no database, no web framework and nothing above them."""
