"""Whole paths, from a handset to the API and back, against the running gateway."""
