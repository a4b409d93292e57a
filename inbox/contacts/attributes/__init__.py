"""Typed attributes: what the keys of `attributes` mean, and which values they take."""
