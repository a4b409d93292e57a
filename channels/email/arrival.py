"""From a mail to what happened: somebody wrote, or a message of ours came back. For every adapter of mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256

import msgspec

from channels.contract import Account, Media, RawEvent
from channels.email.authentication import list_key_names, read_results, verify_dkim
from channels.email.html import RULES, Cleaned, clean_html
from channels.email.kinds import bounce_events, find_flags, find_nature, read_invite
from channels.email.mail import Mail, Mailbox, MailFile
from channels.email.quoting import is_forward_subject, split_html, split_text
from channels.email.reading import open_file, read_mail
from channels.email.settings import EmailSettings, fold_address
from channels.errors import Malformed
from channels.events import Address, Addressee, AnyEvent, Authentication, Letter, MessageReceived
from channels.parts import AnyPart, Attachment, Html, Image, Text, Unsupported, media_part

FILE = "mail:"
"""The scheme by which a file of a mail is named until it is stored: `mail:1.2` is the second part of the first."""
OURS = ("to", "cc", "delivered-to", "x-original-to", "x-envelope-to", "envelope-to", "x-forwarded-to")
"""Headers in which an address of ours may stand, the tag by which an answer finds its conversation with it."""
TOLD_APART = ("from", "to", "cc", "subject", "date", "message-id")
"""What makes a mail this mail, beside its body; what hosts on the way add does not."""
NO_SENDER = "a mail without any sender"
NOWHERE = "unknown.invalid"
"""The domain of those who name none, such as a machine's own `root`: nobody can have it (RFC 2606 2)."""
MAX_TAGS = 10


def read_mail_events(account: Account, mime: bytes, raw: RawEvent) -> list[AnyEvent]:
    """The events of one mail: reports of what we sent, or a message. Malformed where nobody is named as its sender."""
    mail, settings = _read_handed(mime, raw), _settings(account)
    key = mail_key(mime, mail)
    reports = bounce_events(mail, key=key)
    return list(reports) or [_received(mail, settings, key=key, mime=mime, raw=raw)]


def list_mail_keys(account: Account, mime: bytes) -> list[str]:
    """The TXT records in which the keys of a mail's signatures lie, where we verify them ourselves."""
    return list_key_names(mime) if _settings(account).verify_dkim else []


def unpack_mail_file(mime: bytes, attachment: Attachment) -> Media:
    """A file of a mail, by the URL its attachment was given here."""
    scheme, _, path = (attachment.url or "").partition(":")
    if f"{scheme}:" != FILE:
        raise Malformed("the file is not one of a mail")
    try:
        return Media(content=open_file(mime, path), media_type=attachment.media_type, name=attachment.name)
    except KeyError as error:
        raise Malformed("the mail has no such part") from error


def mail_key(mime: bytes, mail: Mail) -> str:
    """What makes it the same mail however often and by whichever way it comes: its id, and its content (T44)."""
    digest = sha256()
    for name in TOLD_APART:
        digest.update("\0".join([name, *mail.values(name)]).encode("utf-8", "surrogatepass") + b"\n")
    _, _, body = mime.partition(b"\r\n\r\n") if b"\r\n\r\n" in mime[:100_000] else mime.partition(b"\n\n")
    digest.update(body.replace(b"\r\n", b"\n").strip())
    return f"{FILE}{digest.hexdigest()}"


def _read_handed(mime: bytes, raw: RawEvent) -> Mail:
    """The mail with the empty return path of its envelope, by which bounces and answers of programs are known."""
    mail = read_mail(mime)
    if raw.headers.get("x-envelope-from") != "":
        return mail
    return msgspec.structs.replace(mail, headers=[("return-path", "<>"), *mail.headers])


def _settings(account: Account) -> EmailSettings:
    if not isinstance(account.settings, EmailSettings):
        raise TypeError("the channel is none of mail")
    return account.settings


def _received(mail: Mail, settings: EmailSettings, *, key: str, mime: bytes, raw: RawEvent) -> MessageReceived:
    authentication = _authenticate(mail, settings, mime=mime, raw=raw)
    files = {file.path: file for file in mail.files}
    parts, flags = _parts(mail, files)
    letter = Letter(
        subject=mail.subject,
        message_id=mail.message_id,
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        reply_tags=list(_reply_tags(mail, settings, raw)),
        reply_to=[_address(one) for one in mail.reply_to],
        nature=find_nature(mail, own=settings.addresses),
        authentication=authentication,
        flags=[*mail.flags, *flags],
    )
    return MessageReceived(
        key=key,
        to=next((one for one in map(fold_address, _addressed(mail)) if one in settings.addresses), None),
        occurred_at=_occurred_at(mail, raw.received_at),
        sender=_sender(mail, authentication, raw),
        parts=parts,
        provider_message_id=mail.message_id or key,
        in_reply_to=next(iter(mail.in_reply_to), None),
        recipients=[
            *(Addressee(role="to", address=_address(one)) for one in mail.to),
            *(Addressee(role="cc", address=_address(one)) for one in mail.cc),
        ],
        letter=letter,
    )


def _authenticate(mail: Mail, settings: EmailSettings, *, mime: bytes, raw: RawEvent) -> Authentication | None:
    told = read_results(mail, authserv_id=settings.trusted_authserv_id) if settings.trusted_authserv_id else None
    if told is not None or not settings.verify_dkim:
        return told
    return verify_dkim(mime, mail, look_up=raw.dns.get)


def _sender(mail: Mail, authentication: Authentication | None, raw: RawEvent) -> Address:
    """Who says to have written it: verified where nobody else can have, and the header names them alone."""
    envelope = Mailbox(address=raw.headers.get("x-envelope-from", ""))
    alone = (mail.value("from") or "").strip()
    named = [*mail.senders, *mail.reply_to, envelope, Mailbox(address=alone if alone.isalnum() else "")]
    box = next((one for one in named if "@" in one.address), None) or next((one for one in named if one.address), None)
    if box is None:
        raise Malformed(NO_SENDER)
    address = box.address if "@" in box.address else f"{box.address}@{NOWHERE}"
    single = mail.clean_from and len(mail.senders) == 1
    verified = single and authentication is not None and authentication.aligned
    return Address(kind="email", value=address, name=box.name, verified=verified)


def _address(box: Mailbox) -> Address:
    return Address(kind="email", value=box.address, name=box.name)


def _addressed(mail: Mail) -> list[str]:
    return [one.address for one in [*mail.to, *mail.cc, *mail.bcc]]


def _occurred_at(mail: Mail, received_at: datetime) -> datetime:
    """When it was written; a clock that runs ahead of ours is not believed."""
    return min(mail.sent_at, received_at) if mail.sent_at else received_at


def _reply_tags(mail: Mail, settings: EmailSettings, raw: RawEvent) -> Iterator[str]:
    """The tags (RFC 5233) of addresses of ours, wherever they stand: what they are worth others find out (T34)."""
    ours = {tuple(one.rpartition("@")[::2]) for one in settings.addresses}
    named = [raw.headers.get("x-envelope-to", ""), *(value for name in OURS for value in mail.values(name))]
    seen: set[str] = set()
    for word in " ".join(named)[:20_000].replace(",", " ").replace(";", " ").split():
        local, _, domain = word.strip("<>\"'").rpartition("@")
        plain, plus, tag = local.partition("+")
        if plus and tag and (plain.lower(), domain.lower()) in ours and tag not in seen and len(seen) < MAX_TAGS:
            seen.add(tag)
            yield tag


def _parts(mail: Mail, files: Mapping[str, MailFile]) -> tuple[list[AnyPart], list[str]]:
    parts: list[AnyPart] = []
    if (invite := read_invite(mail)) is not None:
        parts.append(Unsupported(provider_type="text/calendar", fallback=invite.words))
    words, odd = _words(mail)
    return [*words, *parts, *map(_file_part, files.values())], [*find_flags(mail), *odd]


def _words(mail: Mail) -> tuple[list[AnyPart], list[str]]:
    """The new words, what was quoted and the signature apart: of the HTML where there is some, else of the text."""
    forward = is_forward_subject(mail.subject or "")
    if mail.html is None:
        return [_plain(mail, forward=forward)], []
    links = {file.content_id: f"{FILE}{file.path}" for file in mail.files if file.content_id}
    split = split_html(mail.whole_html or mail.html, forward=forward)
    new = clean_html(split.new, files=links)
    if not new.html.strip() and mail.text and mail.text.strip():
        return [_plain(mail, forward=forward)], new.flags
    quoted, signature = (_cleaned(each, links) for each in (split.quoted, split.signature))
    html = Html(
        html=new.html,
        quoted=quoted.html if quoted else None,
        signature=signature.html if signature else None,
        rules=RULES,
    )
    return [html], [*new.flags, *(quoted.flags if quoted else [])]


def _plain(mail: Mail, *, forward: bool) -> Text:
    found = split_text(mail.text or "", forward=forward)
    return Text(text=found.new, quoted=found.quoted or msgspec.UNSET, signature=found.signature or msgspec.UNSET)


def _cleaned(html: str | None, links: Mapping[str, str]) -> Cleaned | None:
    return clean_html(html, files=links) if html else None


def _file_part(file: MailFile) -> AnyPart:
    attachment = Attachment(
        name=file.name, media_type=file.media_type, size=file.size, url=f"{FILE}{file.path}", state="pending"
    )
    part = media_part(attachment)
    return msgspec.structs.replace(part, alt=file.alt) if isinstance(part, Image) and file.alt else part
