"""A conversation as one document, to be read, filed or handed over."""
