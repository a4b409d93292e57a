"""Whether an agent takes on work: what they say themselves, and what stays when their browser is closed."""
