"""The audit log: what was done to keys, settings and data, and by whom; the database itself refuses to change it."""
