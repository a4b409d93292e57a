"""Mail read: bytes in, a Mail out, whatever the bytes are."""

from channels.email.reading.limits import READ_LIMITS, ReadLimits
from channels.email.reading.mail_reader import open_file, read_mail

__all__ = ["READ_LIMITS", "ReadLimits", "open_file", "read_mail"]
