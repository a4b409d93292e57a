"""What the mails to agents say, in the languages of the console. Pure.

`{host}` is where they sign in, `{until}` the moment the link ends, which needs no plurals.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, get_args

from inbox.staff.invitations.actions import Purpose

Locale: TypeAlias = Literal["en", "es", "de", "fr", "pt", "ar", "zh"]
LOCALES: tuple[Locale, ...] = get_args(Locale)
DEFAULT: Locale = "en"
MOST_LANGUAGES = 20
"""So many entries of an Accept-Language are looked at; browsers send a handful."""

SUBJECTS: dict[Locale, dict[Purpose, str]] = {
    "en": {"invitation": "Your account at {host}", "reset": "A new password for {host}"},
    "es": {"invitation": "Su cuenta en {host}", "reset": "Una contraseña nueva para {host}"},
    "de": {"invitation": "Ihr Konto bei {host}", "reset": "Ein neues Passwort für {host}"},
    "fr": {"invitation": "Votre compte sur {host}", "reset": "Un nouveau mot de passe pour {host}"},
    "pt": {"invitation": "A sua conta em {host}", "reset": "Uma nova palavra-passe para {host}"},
    "ar": {"invitation": "حسابك في {host}", "reset": "كلمة مرور جديدة لـ {host}"},
    "zh": {"invitation": "您在 {host} 的账户", "reset": "{host} 的新密码"},
}
ASKED: dict[Locale, dict[Purpose, str]] = {
    "en": {
        "invitation": "You have been invited to {host}. Choose your password here:",
        "reset": "Somebody asked for a new password for your account at {host}. If it was you, choose it here:",
    },
    "es": {
        "invitation": "Le han invitado a {host}. Elija aquí su contraseña:",
        "reset": "Alguien ha pedido una contraseña nueva para su cuenta en {host}. Si ha sido usted, elíjala aquí:",
    },
    "de": {
        "invitation": "Sie wurden zu {host} eingeladen. Wählen Sie hier Ihr Passwort:",
        "reset": "Jemand hat ein neues Passwort für Ihr Konto bei {host} angefordert. Wenn Sie es waren, wählen Sie es "
        "hier:",
    },
    "fr": {
        "invitation": "Vous avez été invité sur {host}. Choisissez ici votre mot de passe :",
        "reset": "Quelqu’un a demandé un nouveau mot de passe pour votre compte sur {host}. Si c’était vous, "
        "choisissez-le ici :",
    },
    "pt": {
        "invitation": "Recebeu um convite para {host}. Escolha aqui a sua palavra-passe:",
        "reset": "Alguém pediu uma nova palavra-passe para a sua conta em {host}. Se foi você, escolha-a aqui:",
    },
    "ar": {
        "invitation": "تمت دعوتك إلى {host}. اختر كلمة مرورك هنا:",
        "reset": "طلب أحدهم كلمة مرور جديدة لحسابك في {host}. إذا كنت أنت من طلبها فاخترها هنا:",
    },
    "zh": {
        "invitation": "您已受邀加入 {host}。请在此设置您的密码:",
        "reset": "有人为您在 {host} 的账户申请了新密码。如果是您本人,请在此设置:",
    },
}
ENDS: dict[Locale, dict[Purpose, str]] = {
    "en": {
        "invitation": "The link is good once, until {until}.",
        "reset": "The link is good once, until {until}. If it was not you, nothing has changed and there is nothing to "
        "do.",
    },
    "es": {
        "invitation": "El enlace sirve una sola vez, hasta el {until}.",
        "reset": "El enlace sirve una sola vez, hasta el {until}. Si no ha sido usted, nada ha cambiado y no tiene que "
        "hacer nada.",
    },
    "de": {
        "invitation": "Der Link gilt einmal, bis {until}.",
        "reset": "Der Link gilt einmal, bis {until}. Wenn Sie es nicht waren, hat sich nichts geändert, und Sie müssen "
        "nichts tun.",
    },
    "fr": {
        "invitation": "Le lien est valable une seule fois, jusqu’au {until}.",
        "reset": "Le lien est valable une seule fois, jusqu’au {until}. Si ce n’était pas vous, rien n’a changé et "
        "vous n’avez rien à faire.",
    },
    "pt": {
        "invitation": "A ligação serve uma única vez, até {until}.",
        "reset": "A ligação serve uma única vez, até {until}. Se não foi você, nada mudou e não precisa de fazer nada.",
    },
    "ar": {
        "invitation": "الرابط صالح لمرة واحدة حتى {until}.",
        "reset": "الرابط صالح لمرة واحدة حتى {until}. إذا لم تكن أنت فلم يتغير شيء ولا يلزمك فعل شيء.",
    },
    "zh": {
        "invitation": "链接只能使用一次,有效期至 {until}。",
        "reset": "链接只能使用一次,有效期至 {until}。如果不是您本人,则没有任何改变,您无需操作。",
    },
}


def choose_locale(accept_language: str | None) -> Locale:
    """The one of our languages that a reader likes best (RFC 9110 12.5.4); English where they like none of them."""
    wanted = sorted(_wished(accept_language or ""), key=lambda wish: -wish[1])
    return next((ours for tag, liked in wanted for ours in LOCALES if liked > 0 and tag == ours), DEFAULT)


def _wished(header: str) -> Iterator[tuple[str, float]]:
    """Languages and how much they are liked; `pt-BR` is `pt`. What cannot be read is not liked at all."""
    for entry in header.split(",")[:MOST_LANGUAGES]:
        tag, _, rest = entry.partition(";")
        name, _, value = rest.strip().partition("=")
        try:
            liked = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            liked = 0.0
        yield tag.strip().lower().partition("-")[0], liked
