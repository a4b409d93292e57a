"""Handing mail to a server: pooled connections, one transaction a mail, every answer read by a table."""
