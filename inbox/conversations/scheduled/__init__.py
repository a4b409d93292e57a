"""Messages that leave later: each is an object of its own and becomes an entry when it leaves (decision 0010)."""
