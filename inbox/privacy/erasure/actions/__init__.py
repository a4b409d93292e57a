"""Carrying an erasure out."""
