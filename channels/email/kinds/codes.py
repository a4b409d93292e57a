"""Why a mail came back, in our codes: by what the other side wrote, its enhanced status (RFC 3463), its SMTP code.

Words go first where they are plain, since servers give 5.7.1 or 550 5.0.0 for nearly anything. Sources: IANA's registry
of enhanced status codes (RFC 3463, 3886, 5248, 6710, 7372, 7505), and what Exchange Online, Gmail and Yahoo document of
their own. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from channels.email.kinds.bounce import Bounce
from channels.errors import FailureCode
from channels.events import DeliveryError

MAX_SEARCHED_CHARS = 2_000


class Meaning(NamedTuple):
    """What a code means for us, in words, what helps, and whether the same mail may arrive later."""

    code: FailureCode
    text: str
    fix: str | None = None
    later: bool = False


ADDRESS_FIX = "check the address with the recipient, or write on another channel"
DOMAIN_FIX = "check the part of the address behind the @"
ASK_FIX = "write on another channel and ask the recipient to make room"
LATER_FIX = "send it again later"
CONTENT_FIX = "send less text or smaller files, or a link"
REPUTATION_FIX = "check our domain and server against block lists, and ask the recipient's provider to accept our mail"
SIGN_FIX = "publish SPF, DKIM and DMARC for our domain, and sign with a key of that domain"
SENDER_FIX = "check that our own address can receive mail and that our domain is in DNS"
ALLOW_FIX = "ask the recipient to allow mail from our address"
SLOWER_FIX = "send more slowly"

UNKNOWN = Meaning("unknown", "the mail came back without a reason we know", LATER_FIX)
NO_MAILBOX = Meaning("hard_bounce", "there is no such mailbox", ADDRESS_FIX)
NO_DOMAIN = Meaning("invalid_address", "the domain does not exist or takes no mail", DOMAIN_FIX)
BAD_ADDRESS = Meaning("invalid_address", "the address is not a valid one", ADDRESS_FIX)
DISABLED = Meaning("hard_bounce", "the mailbox is switched off", ADDRESS_FIX)
FULL = Meaning("mailbox_full", "the mailbox is full", ASK_FIX, later=True)
TOO_LARGE = Meaning("content_too_large", "the mail is larger than the recipient's side takes", CONTENT_FIX)
BUSY = Meaning("soft_bounce", "the recipient's server could not take it now", LATER_FIX, later=True)
NO_ROUTE = Meaning("unreachable", "the recipient's server could not be reached", LATER_FIX, later=True)
EXPIRED = Meaning("timeout", "it could not be delivered for days and was given up", LATER_FIX, later=True)
LOOP = Meaning("hard_bounce", "the mail went round in a loop on the recipient's side", ADDRESS_FIX)
QUOTA = Meaning("provider_quota", "too much mail in too short a time", SLOWER_FIX, later=True)
SPAM = Meaning("spam_suspected", "it was taken for spam, or our server is on a block list", REPUTATION_FIX)
UNSIGNED = Meaning("sender_unverified", "our mail could not be proven to be ours", SIGN_FIX)
BAD_SENDER = Meaning("sender_unverified", "our own address was not accepted", SENDER_FIX)
NOT_ALLOWED = Meaning("contact_blocked", "the recipient takes no mail from us", ALLOW_FIX)
NOT_SUPPORTED = Meaning("unsupported_content", "the recipient's side cannot take this kind of mail", CONTENT_FIX)
OUR_LOGIN = Meaning("provider_auth", "our own mail server did not let us send", "check the user and the password")
PROTOCOL = Meaning("soft_bounce", "the servers did not understand each other", LATER_FIX, later=True)

# What servers write, in lower case, the telling ones first.
WORDS: tuple[tuple[tuple[str, ...], Meaning], ...] = (
    (("mailbox full", "mailbox is full", "mailbox size limit", "over quota", "overquota", "quota exceeded",
      "exceeded storage", "exceeded his/her quota", "insufficient storage", "out of storage", "inbox is full",
      "user is over", "mailfolder is full", "mailbox quota", "quotaexceeded", "not enough storage", "boite pleine",
      "postfach voll", "postfach ist voll", "邮箱已满", "信箱已满", "空间不足", "容量不足", "ящик переполнен"), FULL),
    (("message size exceeds", "message too large", "message is too large", "message too big", "size limit exceeded",
      "exceeds size limit", "maximum message size", "max message size", "message file too big", "邮件太大",
      "too large message", "messagetoolarge"), TOO_LARGE),
    (("dmarc", "spf check", "spf fail", "spf validation", "spf record", "does not pass authentication",
      "unauthenticated email", "dkim", "sender policy framework", "authentication checks"), UNSIGNED),
    (("host or domain name not found", "domain not found", "host not found", "unrouteable mail domain", "nullmx",
      "null mx", "domain name not found", "name or service not known", "no such domain", "nxdomain",
      "unrouteable domain", "couldn't find any host", "could not find any host", "domain doesn't exist",
      "domain does not exist", "does not accept mail", "域名不存在"), NO_DOMAIN),
    (("sender address rejected", "sender verify failed", "sender domain", "sender rejected", "mail from rejected",
      "bad sender", "invalid sender", "cannot resolve your", "reverse dns", "ptr record"), BAD_SENDER),
    (("user unknown", "unknown user", "no such user", "no such recipient", "no such mailbox", "mailbox unavailable",
      "mailbox not found", "user not found", "recipient not found", "recipnotfound", "recipient unknown",
      "unknown recipient", "recipient address rejected: undeliverable", "does not exist", "doesn't exist", "not exist",
      "no mailbox", "invalid recipient", "invalid mailbox", "unknown address", "address unknown", "unrouteable address",
      "user doesn't have", "not our customer", "unknown mailbox", "no longer valid", "not listed in",
      "not a valid user",
      "address rejected", "unknown local part", "unknown or illegal alias", "couldn't be found", "wasn't found",
      "unknown account", "account not found", "account that you tried to reach", "user invalid", "no valid recipients",
      "nosuchuser", "用户不存在", "收件人不存在", "无此用户", "地址不存在", "не существует", "не найден"), NO_MAILBOX),
    (("account disabled", "account is disabled", "account has been disabled", "mailbox disabled", "user disabled",
      "mailbox is disabled", "account inactive", "account is inactive", "inactive user", "user is inactive",
      "account has been deactivated", "no longer on server", "has been suspended", "account suspended",
      "账号被禁用", "帐号已停用"), DISABLED),
    (("rate limit", "too many messages", "too many connections", "sending rate", "receiving mail at a rate",
      "receiving mail too quickly", "daily limit", "throttl", "频率", "too many recipients"), QUOTA),
    (("greylist", "graylist", "grey-list", "try again later", "temporarily deferred", "temporary failure",
      "temporary error", "resources temporarily", "service unavailable", "resourcesrestricted"), BUSY),
    (("spam", "junk", "blacklist", "black list", "blocklist", "block list", "blocked using", "spamhaus", "barracuda",
      "reputation", "unsolicited", "banned sending ip", "client host blocked", "content rejected", "virus",
      "message rejected due to", "message content rejected", "垃圾邮件", "спам"), SPAM),
    (("restricted", "not authorized to send", "not permitted to send", "only accepts", "blocked by recipient",
      "senderauthrequired", "notauthorized", "blockedsender", "sender is blocked",
      "rejected by recipient"), NOT_ALLOWED),
    (("relay access denied", "relaying denied", "unable to relay", "relay not permitted", "relaying not allowed",
      "authentication required"), NO_DOMAIN),
    (("mail loop", "too many hops", "hop count", "routing loop", "loops back"), LOOP),
    (("retry timeout", "retry time not reached", "queue too long", "timeout exceeded", "delivery time expired",
      "message expired", "has been in the queue", "已超时"), EXPIRED),
    (("connection refused", "connection timed out", "no route to host", "unable to connect", "connection dropped",
      "conversation with", "lost connection", "network is unreachable", "wasn't able to establish an smtp connection",
      "连接超时", "无法连接"), NO_ROUTE),
)  # fmt: skip

# RFC 3463: the class (4 or 5) says whether it was given up; here stand the subject and the detail.
STATUSES: dict[str, Meaning] = {
    "1.0": NO_MAILBOX,
    "1.1": NO_MAILBOX,
    "1.2": NO_DOMAIN,
    "1.3": BAD_ADDRESS,
    "1.4": BAD_ADDRESS,
    "1.6": Meaning("hard_bounce", "the mailbox has moved and left no address", ADDRESS_FIX),
    "1.7": BAD_SENDER,
    "1.8": BAD_SENDER,
    "1.9": NOT_SUPPORTED,
    "1.10": NO_DOMAIN,
    "2.0": NO_MAILBOX,
    "2.1": DISABLED,
    "2.2": FULL,
    "2.3": TOO_LARGE,
    "2.4": Meaning("soft_bounce", "a list behind the address could not be expanded", LATER_FIX, later=True),
    "3.0": BUSY,
    "3.1": Meaning("soft_bounce", "the recipient's server is full", LATER_FIX, later=True),
    "3.2": BUSY,
    "3.3": NOT_SUPPORTED,
    "3.4": TOO_LARGE,
    "3.5": BUSY,
    "4.0": NO_ROUTE,
    "4.1": NO_ROUTE,
    "4.2": NO_ROUTE,
    "4.3": BUSY,
    "4.4": NO_ROUTE,
    "4.5": BUSY,
    "4.6": LOOP,
    "4.7": EXPIRED,
    "4.310": NO_DOMAIN,
    "4.312": NO_ROUTE,
    "4.316": NO_ROUTE,
    "4.317": NO_ROUTE,
    "5.0": PROTOCOL,
    "5.1": PROTOCOL,
    "5.2": PROTOCOL,
    "5.3": QUOTA,
    "5.4": PROTOCOL,
    "5.6": PROTOCOL,
    "6.0": NOT_SUPPORTED,
    "6.1": NOT_SUPPORTED,
    "6.3": NOT_SUPPORTED,
    "6.7": Meaning("unsupported_content", "the recipient's side takes no addresses beyond ASCII", ADDRESS_FIX),
    "7.0": SPAM,
    "7.1": SPAM,
    "7.2": NOT_ALLOWED,
    "7.8": OUR_LOGIN,
    "7.9": OUR_LOGIN,
    "7.13": DISABLED,
    "7.20": UNSIGNED,
    "7.21": UNSIGNED,
    "7.22": UNSIGNED,
    "7.23": UNSIGNED,
    "7.24": UNSIGNED,
    "7.25": BAD_SENDER,
    "7.26": UNSIGNED,
    "7.27": BAD_SENDER,
    "7.28": QUOTA,
    "7.29": UNSIGNED,
    "7.57": OUR_LOGIN,
    "7.60": OUR_LOGIN,
    "7.124": NOT_ALLOWED,
    "7.129": NOT_ALLOWED,
    "7.133": NOT_ALLOWED,
    "7.134": NOT_ALLOWED,
    "7.136": NOT_ALLOWED,
    "7.193": NOT_ALLOWED,
    "7.505": UNSIGNED,
    "7.509": UNSIGNED,
    "7.515": UNSIGNED,
    "7.705": QUOTA,
}
SUBJECTS: dict[str, Meaning] = {
    "1": NO_MAILBOX,
    "2": NO_MAILBOX,
    "3": BUSY,
    "4": NO_ROUTE,
    "5": PROTOCOL,
    "6": NOT_SUPPORTED,
    "7": SPAM,
}
SMTP: dict[str, Meaning] = {
    "421": BUSY,
    "450": BUSY,
    "451": BUSY,
    "452": FULL,
    "454": BUSY,
    "535": OUR_LOGIN,
    "550": NO_MAILBOX,
    "551": NO_MAILBOX,
    "552": FULL,
    "553": BAD_ADDRESS,
    "554": SPAM,
    "556": NO_DOMAIN,
}
VAGUE = frozenset({"0.0", "1.0", "2.0", "3.0", "4.0", "5.0", "7.0", "7.1"})
"""Details that servers give for anything: words, if there are any, know better."""
FIRM = frozenset({"1.1", "1.10", "2.1", "2.2", "2.3", "3.4", "4.6", "7.26"})
"""Details that mean one thing, whatever the words around them are about."""


def find_meaning(status: str | None, *, smtp: str | None = None, text: str | None = None) -> Meaning:
    """The meaning of a refusal: a firm status, then plain words, any status, the SMTP code; UNKNOWN for success."""
    detail = (status or "").partition(".")[2]
    if (status or "").startswith("2"):
        return UNKNOWN
    if detail in FIRM:
        return STATUSES[detail]
    spoken = _find_words(text or "")
    if spoken and (detail in VAGUE or detail not in STATUSES):
        return spoken
    by_status = STATUSES.get(detail) or (None if detail == "0.0" else SUBJECTS.get(detail.partition(".")[0]))
    return by_status or SMTP.get(smtp or "") or UNKNOWN


def explain_bounce(bounce: Bounce, *, smtp: str | None = None) -> DeliveryError:
    """Why a mail did not arrive, and to whom: a mail may have had several recipients."""
    meaning = find_meaning(bounce.status, smtp=smtp, text=bounce.diagnostic)
    told = bounce.diagnostic or meaning.text
    return DeliveryError(
        code=meaning.code,
        provider_code=bounce.status,
        message=told if bounce.recipient.lower() in told.lower() else f"{bounce.recipient}: {told}",
        retryable=not bounce.permanent,
        fix=meaning.fix,
    )


def is_lasting(status: str | None, meaning: Meaning) -> bool:
    """Whether the same mail would fail again: the class is 5, and the reason is none that passes."""
    return not meaning.later and (status or "5").startswith("5")


def _find_words(text: str) -> Meaning | None:
    folded = " ".join(text[:MAX_SEARCHED_CHARS].lower().replace("’", "'").split())
    return next((meaning for words, meaning in WORDS if any(each in folded for each in words)), None)
