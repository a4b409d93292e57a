"""Legal holds: what must be kept as it is until somebody lifts the hold."""
