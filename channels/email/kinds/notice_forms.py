"""The forms in which servers tell of a failure without the standard's fields: the words in them. Pure.

A mail is read as such a notice only if a machine sent it (`SENDERS`, an empty return path, X-Failed-Recipients) and
one of the openings stands in it. Each form was laid out by its maker; the words are theirs, in lower case.
"""

from __future__ import annotations

SENDERS = frozenset({
    "mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon", "maildaemon", "mdaemon", "mail.daemon", "bounce",
    "bounces", "mailer", "mail-administrator", "system-administrator", "10000", "mailadmin", "exim", "qmail",
})  # fmt: skip
SENDER_STARTS = ("microsoftexchange", "mailer-daemon", "postmaster", "bounce+", "bounces+")

OPENINGS: dict[str, tuple[str, ...]] = {
    "qmail": ("this is the qmail-send program", "i wasn't able to deliver your message", "je n'ai pas pu distribuer"),
    "exim": ("this message was created automatically by mail delivery software", "the following address failed"),
    "postfix": ("this is the mail system at host", "this is the postfix program", "this is the mail delivery system"),
    "sendmail": (
        "the following addresses had permanent fatal errors", "the original message was received at",
        "transcript of session follows", "the following addresses had transient non-fatal errors",
        "this is a warning message only",
    ),
    "exchange": (
        "delivery has failed to these recipients", "your message to", "couldn't be delivered", "wasn't delivered",
        "did not reach some or all of the intended recipients", "diagnostic information for administrators",
        "fehler bei der nachrichtenzustellung", "échec de la remise", "no se pudo entregar", "no se ha podido entregar",
        "impossibile recapitare", "bezorgen van de volgende geadresseerden", "не удалось доставить",
        "message delivery has been delayed", "delivery is delayed to these recipients", "以下收件人",
        "配信できませんでした",
        "não foi possível entregar", "falha na entrega", "zustellung der nachricht", "nie można dostarczyć",
    ),
    "gmail": (
        "delivery to the following recipient failed", "address not found", "message not delivered", "message blocked",
        "delivery incomplete", "recipient inbox full", "delivery status notification",
        "your message wasn't delivered to",
    ),
    "ses": ("an error occurred while trying to deliver the mail to the following recipients",),
    "domino": ("was not delivered to:", "not listed in domino directory", "konnte nicht zugestellt werden an"),
    "qq": ("您的邮件被退回", "邮件被退回", "无法发送到", "退信", "退件"),
    "netease": ("您发送的邮件", "很抱歉", "投递失败"),
    "courier": ("your message to the following recipients cannot be delivered", "undeliverable mail"),
    "hmailserver": ("your message did not reach", "the following recipient(s) could not be reached"),
    "yahoo": ("we were unable to deliver your message", "unable to deliver message to the following"),
    "mail.ru": ("это письмо создано автоматически", "не может быть доставлено", "доставка не удалась"),
    "mdaemon": ("permanent fatal delivery errors", "the following message had errors", "fatal delivery errors"),
    "others": (
        "could not be delivered", "undeliverable", "undelivered mail", "delivery failure", "delivery failed",
        "failed delivery", "not delivered", "returned to sender", "mail delivery failed", "unable to deliver",
        "unzustellbar", "nicht zugestellt", "n'a pas pu être", "non è stato possibile", "no pudo ser entregado",
        "kunde inte levereras", "kunne ikke leveres", "niet worden bezorgd", "配信不能", "配送できません",
        "has not been delivered", "delayed", "user unknown",
    ),
}  # fmt: skip
DELAYS: tuple[str, ...] = (
    "has not been delivered to one or more of its recipients after", "has not yet been delivered", "has been delayed",
    "will continue to try", "will be retried", "warning message only", "do not need to resend", "delivery incomplete",
    "still trying", "no action is required on your part", "delivery is delayed", "delivery has been delayed",
    "temporary problem delivering", "transient non-fatal errors", "delivery attempts will continue", "暂时无法", "延迟",
    "wird weiterhin versucht", "verzögert", "sera retentée", "доставка отложена",
)  # fmt: skip
RETURNED_MARKS: tuple[str, ...] = (
    "--- below this line is a copy", "--- enclosed is a copy", "------ this is a copy of", "----- original message",
    "--- original message", "-----original message", "--- the header of the original", "original message headers",
    "ursprüngliche nachrichtenkopfzeilen", "en-têtes de message d'origine", "encabezados de mensajes originales",
    "intestazioni originali", "original message header", "----- message header", "--- the headers of the message",
    "--- message header", "-- original message", "--- returned message", "----- unsent message",
    "--- undelivered message",
    "原邮件信息", "原始邮件", "原信内容", "the header of the original message is following", "return-path: <",
    "message headers follow", "copy of the original message", "begin message header",
)  # fmt: skip
RECIPIENT_WORDS: tuple[str, ...] = (
    "rcpt to", "recipient", "to:", "deliver", "address", "mailbox", "empfänger", "destinataire", "destinatar",
    "ontvanger", "收件人", "收信人", "получател", "宛先", "mottagare", "modtager", "odbiorc", "无法发送到",
)  # fmt: skip
