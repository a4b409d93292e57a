"""Imports: the file is cut into chunks of rows first, and each chunk is applied in one transaction."""
