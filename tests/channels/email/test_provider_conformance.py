"""The adapters of mail providers held to the contract every channel is held to."""

from __future__ import annotations

from channels.kit import Conformance
from tests.channels.email.mailgun_subject import MAILGUN
from tests.channels.email.postmark_subject import POSTMARK
from tests.channels.email.sendgrid_subject import SENDGRID


class TestEmailSendgrid(Conformance):
    """Mail by SendGrid."""

    subject = SENDGRID


class TestEmailMailgun(Conformance):
    """Mail by Mailgun."""

    subject = MAILGUN


class TestEmailPostmark(Conformance):
    """Mail by Postmark."""

    subject = POSTMARK
