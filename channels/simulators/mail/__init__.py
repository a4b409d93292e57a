"""Customers with mail programs and a server of their own: real SMTP both ways, a ledger and faults.

::

    mail = MailSimulator()
    async with serve_mail(mail) as port:                         # what we send goes there
        sent = await mail.write_in(Draft(sender="ana@mail.example", to="help@shop.example", text="Hello?"), hand_in)
        with mail.watch_inbox("ana@mail.example") as mails:      # and she reads what we answer
            async for letter in mails: ...
    mail.ledger.accepted, mail.ledger.inbound                    # what was taken, what was acknowledged
"""

from __future__ import annotations

from channels.simulators.mail.ledger import MailLedger, ReceivedMail, WrittenMail
from channels.simulators.mail.posting import PostOffice
from channels.simulators.mail.server import MailFaults, MailSimulator, ServerLooks, serve_mail
from channels.simulators.mail.writing import Draft, DraftFile, write_mail

__all__ = [
    "Draft",
    "DraftFile",
    "MailFaults",
    "MailLedger",
    "MailSimulator",
    "PostOffice",
    "ReceivedMail",
    "ServerLooks",
    "WrittenMail",
    "serve_mail",
    "write_mail",
]
