"""The stories of the demo, one file a language; how they are written is told in `stories.py`."""
