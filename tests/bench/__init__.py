"""Benchmarks: ratios measured in one run, printed as one JSON line, never asserted by time."""
