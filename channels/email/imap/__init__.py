"""Mail fetched from a mailbox by IMAP (RFC 3501), and answered over SMTP.

`place` is where we are in a mailbox, `wire` connects, `session` asks, `watching` reads folder by folder, `adapter` is
what the gateway sees.
"""
