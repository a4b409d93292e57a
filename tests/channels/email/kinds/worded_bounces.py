"""Bounces told in words by servers one runs oneself, laid out as they do; most words are ours."""

from __future__ import annotations

from typing import NamedTuple

from tests.channels.email.kinds.mails import ORIGINAL, RETURNED

JOE = "joe@client.example"


class Worded(NamedTuple):
    """A notice, who sent it, and what is to be read of it."""

    mta: str
    text: str
    code: str
    status: str | None = None
    action: str = "failed"
    permanent: bool = True
    sender: str = "MAILER-DAEMON@mx.example"
    recipients: tuple[str, ...] = (JOE,)
    html: bool = False
    failed: str | None = None


POSTFIX = """This is the mail system at host mx.example.

I am sorry to tell you that your mail could not be delivered to one or more
recipients. It is attached below. For help, write to postmaster.

                   The mail system

"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

"""
QMAIL = """Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

"""
BELOW = f"\n--- Below this line is a copy of the message.\n\n{RETURNED}\nHello Joe, write to other@somewhere.example\n"
COPY = f"\n------ This is a copy of the message, including all the headers. ------\n\n{RETURNED}\nHello Joe\n"
WORDED: list[Worded] = [
    Worded(
        "postfix",
        POSTFIX
        + """<joe@client.example>: host mx.client.example[192.0.2.1] said: 550 5.1.1
    <joe@client.example>: Recipient address rejected: User unknown in local
    recipient table (in reply to RCPT TO command)
"""
        + f"\n\n{RETURNED}",
        "hard_bounce",
        "5.1.1",
    ),
    Worded(
        "postfix, two recipients",
        POSTFIX
        + """<joe@client.example>: unknown user: "joe"

<sue@other.example>: host mx.other.example[192.0.2.2] said: 552 5.2.2 Mailbox full
    (in reply to end of DATA command)
"""
        + f"\n{RETURNED}",
        "hard_bounce",
        recipients=(JOE, "sue@other.example"),
    ),
    Worded(
        "postfix, late",
        """This is the mail system at host mx.example.

Warning: your mail has been delayed. It will be retried until it is five days old.

<joe@client.example>: connect to mx.client.example[192.0.2.1]:25: Connection timed out
"""
        + f"\n{RETURNED}",
        "unreachable",
        action="delayed",
        permanent=False,
    ),
    Worded(
        "exim",
        EXIM
        + """  joe@client.example
    host mx.client.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<joe@client.example>:
    550 5.1.1 <joe@client.example>: user unknown
"""
        + COPY,
        "hard_bounce",
        "5.1.1",
        failed=JOE,
    ),
    Worded(
        "exim, unrouteable",
        EXIM + "  joe@client.example\n    Unrouteable address\n" + COPY,
        "hard_bounce",
        failed=JOE,
    ),
    Worded(
        "exim, pipe and two recipients",
        EXIM
        + """  joe@client.example
    mailbox is full: retry timeout exceeded
  sue@other.example
    all relevant MX records point to non-existent hosts
"""
        + COPY,
        "mailbox_full",
        permanent=False,
        recipients=(JOE, "sue@other.example"),
        failed="joe@client.example, sue@other.example",
    ),
    Worded(
        "exim, late",
        """This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.

The address to which the message has not yet been delivered is:

  joe@client.example
    host mx.client.example [192.0.2.1]
    Delay reason: Connection timed out

No action is required on your part. Delivery attempts will continue.
"""
        + f"Message identifier: 1abcde-000\nMessage-ID: <{ORIGINAL}>\n",
        "unreachable",
        action="delayed",
        permanent=False,
    ),
    Worded(
        "qmail",
        QMAIL
        + """<joe@client.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 <joe@client.example>: no such mailbox
Giving up on 192.0.2.1.
"""
        + BELOW,
        "hard_bounce",
        "5.1.1",
    ),
    Worded(
        "qmail, domain",
        QMAIL + "<joe@client.example>:\nSorry, I couldn't find any host named client.example. (#5.1.2)\n" + BELOW,
        "invalid_address",
        "5.1.2",
    ),
    Worded(
        "qmail, a week in the queue",
        QMAIL
        + """<joe@client.example>:
Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)
I'm not going to try again; this message has been in the queue too long.
"""
        + BELOW,
        "unreachable",
        "4.4.1",
        permanent=False,
    ),
    Worded(
        "sendmail",
        """The original message was received at Mon, 2 Mar 2026 10:00:00 GMT
from shop.example [192.0.2.9]

   ----- The following addresses had permanent fatal errors -----
<joe@client.example>
    (reason: 550 5.1.1 User unknown)

   ----- Transcript of session follows -----
... while talking to mx.client.example.:
>>> RCPT To:<joe@client.example>
<<< 550 5.1.1 User unknown
550 5.1.1 <joe@client.example>... User unknown

   ----- Original message -----
"""
        + RETURNED,
        "hard_bounce",
        "5.1.1",
    ),
    Worded(
        "sendmail, warning",
        """    **********************************************
    **      THIS IS A WARNING MESSAGE ONLY      **
    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **
    **********************************************

The original message was received at Mon, 2 Mar 2026 10:00:00 GMT

   ----- The following addresses had transient non-fatal errors -----
<joe@client.example>

   ----- Transcript of session follows -----
<joe@client.example>... Deferred: Connection refused by mx.client.example.
"""
        + RETURNED,
        "unreachable",
        action="delayed",
        permanent=False,
    ),
    Worded(
        "courier",
        f"""UNDELIVERABLE MAIL

Your message to the following recipients cannot be delivered:

<joe@client.example>:
    mx.client.example [192.0.2.1]:
>>> RCPT TO:<joe@client.example>
<<< 553 sorry, that domain isn't in my list of allowed rcpthosts

Message-ID: <{ORIGINAL}>
""",
        "invalid_address",
    ),
    Worded(
        "hmailserver",
        f"""Your message did not reach some or all of the intended recipients.

   Sent: Mon, 2 Mar 2026 10:00:00 +0000
   Subject: Your order

The following recipient(s) could not be reached:

joe@client.example
   Error Type: SMTP
   Remote server (192.0.2.1) issued an error.
   hMailServer sent: RCPT TO:<joe@client.example>
   Remote server replied: 550 5.7.23 The message was rejected because of SPF check

Message-ID: <{ORIGINAL}>
""",
        "sender_unverified",
        "5.7.23",
    ),
    Worded(
        "mdaemon",
        f"""The attached message had PERMANENT fatal delivery errors!

After one or more unsuccessful delivery attempts the attached message has
been removed from the mail queue on this server.

YOUR MESSAGE WAS NOT DELIVERED TO ONE OR MORE RECIPIENTS!

Failed address: joe@client.example

--- Session Transcript ---
 <-- 554 5.4.6 Too many hops
--- End Transcript ---

Message-ID: <{ORIGINAL}>
""",
        "hard_bounce",
        "5.4.6",
        sender="MDaemon@mx.example",
    ),
]
