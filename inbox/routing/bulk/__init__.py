"""One change to many conversations."""
