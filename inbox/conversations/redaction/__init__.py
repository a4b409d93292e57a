"""Taking words and files out for good, everywhere we keep them; the entry stays, and says that it was redacted."""
