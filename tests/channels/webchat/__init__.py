"""Tests of the web chat's adapter, keys and origins."""
