"""The one door for what comes in: the journal, and its projection into conversations."""
