"""Links by which agents set their password: an invitation the first time, a reset when it is forgotten."""
