"""Exports: rows in the order of their ids, a chunk at a time, each chunk a file of its own."""
