"""Bounces told in words by large providers and office servers, laid out as they do."""

from __future__ import annotations

from tests.channels.email.kinds.mails import ORIGINAL, RETURNED
from tests.channels.email.kinds.worded_bounces import JOE, Worded

OFFICE = """<html><head><style>p {{ color: #333 }}</style></head><body>
<p><b>Delivery has failed to these recipients or groups:</b></p>
<p><a href="mailto:joe@client.example">joe@client.example</a><br>{reason}</p>
<p>Diagnostic information for administrators:</p><p>Generating server: AM0.prod.outlook.com</p>
<p>joe@client.example<br>Remote Server returned '{answer}'</p>
<p>Original message headers:</p><pre>Received: from AM0 (192.0.2.7) by AM1;
Message-ID: &lt;{original}&gt;
Subject: Your order</pre></body></html>"""

PROVIDERS: list[Worded] = [
    Worded(
        "exchange, unknown",
        OFFICE.format(
            reason="The address you entered couldn't be found.",
            answer="550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found",
            original=ORIGINAL,
        ),
        "invalid_address",
        "5.1.10",
        sender="MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@shop.example",
        html=True,
    ),
    Worded(
        "exchange, full",
        OFFICE.format(
            reason="Das Postfach ist voll.",
            answer="554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException",
            original=ORIGINAL,
        ),
        "mailbox_full",
        "5.2.2",
        permanent=False,
        sender="postmaster@outlook.example",
        html=True,
    ),
    Worded(
        "exchange, old",
        """Your message did not reach some or all of the intended recipients.

      Subject:  Your order
      Sent:     02.03.2026 10:00

The following recipient(s) could not be reached:

      'joe@client.example' on 02.03.2026 10:00
            You do not have permission to send to this recipient.
            <mx.client.example #5.7.1 smtp;550 5.7.1 Client host rejected: blocked using Spamhaus>
"""
        + f"\nMessage-ID: <{ORIGINAL}>\n",
        "spam_suspected",
        "5.7.1",
        sender="postmaster@shop.example",
    ),
    Worded(
        "gmail, old",
        """Delivery to the following recipient failed permanently:

     joe@client.example

Technical details of permanent failure:
We tried to deliver your message, but it was rejected by the server for the recipient domain
client.example by mx.client.example. [192.0.2.1].

The error that the other server returned was:
550 550 5.1.1 <joe@client.example>: Recipient unknown (state 14).

----- Original message -----

"""
        + RETURNED,
        "hard_bounce",
        "5.1.1",
        failed=JOE,
        sender="mailer-daemon@googlemail.com",
    ),
    Worded(
        "gmail, late",
        """** Delivery incomplete **

There was a temporary problem delivering your message to joe@client.example.
Gmail will retry for 46 more hours. You'll be notified if the delivery fails permanently.

The response was:
The recipient server did not accept our requests to connect. Connection timed out
"""
        + f"\nMessage-ID: <{ORIGINAL}>\n",
        "unreachable",
        action="delayed",
        permanent=False,
        sender="mailer-daemon@googlemail.com",
    ),
    Worded(
        "ses",
        f"""An error occurred while trying to deliver the mail to the following recipients:
joe@client.example

Message-ID: <{ORIGINAL}>
""",
        "unknown",
        sender="MAILER-DAEMON@amazonses.com",
    ),
    Worded(
        "domino",
        f"""Your message

  Subject: Your order

was not delivered to:

  joe@client.example

because:

  User joe (joe@client.example) not listed in Domino Directory

Message-ID: <{ORIGINAL}>
""",
        "hard_bounce",
        sender="postmaster@notes.example",
    ),
    Worded(
        "qq",
        f"""抱歉，您的邮件被退回来了……

原邮件信息：时间 2026-03-02 10:00
收件人：joe@client.example
退信原因：
发送失败 host mx.client.example said: 550 Mailbox not found. 用户不存在
Message-ID: <{ORIGINAL}>
""".replace("原邮件信息：", "邮件概要："),
        "hard_bounce",
        sender="PostMaster@qq.example",
    ),
    Worded(
        "netease 163",
        f"""<html><body><p>很抱歉，您发送的邮件投递失败</p><table>
<tr><td>收件人：</td><td>&lt;joe@client.example&gt;</td></tr>
<tr><td>退信原因：</td><td>SMTP error, RCPT TO: 552 5.2.2 邮箱已满</td></tr></table>
<div>原始邮件 Message-ID: &lt;{ORIGINAL}&gt;</div></body></html>""",
        "mailbox_full",
        "5.2.2",
        permanent=False,
        sender="Postmaster@163.example",
        html=True,
    ),
    Worded(
        "yahoo",
        f"""Sorry, we were unable to deliver your message to the following address.

<joe@client.example>:
Remote host said: 554 delivery error: dd This user doesn't have a client.example account [-5]

--- Below this line is a copy of the message.

{RETURNED}
""",
        "hard_bounce",
    ),
    Worded(
        "mail.ru",
        f"""Это письмо создано автоматически сервером Mail.ru.
К сожалению, ваше письмо не может быть доставлено одному или нескольким получателям:

joe@client.example
**********************
mailbox is full: ящик переполнен

Message-ID: <{ORIGINAL}>
""",
        "mailbox_full",
        permanent=False,
    ),
]
