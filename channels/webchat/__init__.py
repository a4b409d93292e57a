"""Chat on a website: the channel that is our own."""
