"""Real processes, really killed: what was acknowledged is there once and in order."""
