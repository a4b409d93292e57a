"""What our own mails to visitors say, in the languages of the widget. Pure.

`{name}` is what the chat is called, `{hours}` how long something holds.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Phrase: TypeAlias = Literal[
    "subject", "answers", "transcript_subject", "transcript", "link_subject", "link", "link_ends"
]
DEFAULT = "en"

PHRASES: dict[str, dict[Phrase, str]] = {
    "en": {
        "subject": "Your chat with {name}",
        "answers": "You had left the chat when this was written. Reply to this mail to go on.",
        "transcript_subject": "Transcript of your chat with {name}",
        "transcript": "Attached is the transcript of your chat.",
        "link_subject": "Continue your chat with {name}",
        "link": "Open this link on the device on which you want to continue your chat:",
        "link_ends": "It works once, for {hours} hours. If you did not ask for it, you can ignore this mail.",
    },
    "es": {
        "subject": "Tu chat con {name}",
        "answers": "Ya habías salido del chat cuando se escribió esto. Responde a este correo para continuar.",
        "transcript_subject": "Transcripción de tu chat con {name}",
        "transcript": "Adjuntamos la transcripción de tu chat.",
        "link_subject": "Continúa tu chat con {name}",
        "link": "Abre este enlace en el dispositivo en el que quieras continuar tu chat:",
        "link_ends": "Funciona una sola vez, durante {hours} horas. Si no lo has pedido, puedes ignorar este correo.",
    },
    "de": {
        "subject": "Ihr Chat mit {name}",
        "answers": "Sie hatten den Chat verlassen, als dies geschrieben wurde. Antworten Sie einfach auf diese E-Mail.",
        "transcript_subject": "Protokoll Ihres Chats mit {name}",
        "transcript": "Im Anhang finden Sie das Protokoll Ihres Chats.",
        "link_subject": "Ihren Chat mit {name} fortsetzen",
        "link": "Öffnen Sie diesen Link auf dem Gerät, auf dem Sie den Chat fortsetzen möchten:",
        "link_ends": "Er gilt einmal und {hours} Stunden lang. Wenn Sie ihn nicht angefordert haben, ignorieren Sie "
                     "diese E-Mail.",
    },
    "fr": {
        "subject": "Votre discussion avec {name}",
        "answers": "Vous aviez quitté la discussion quand ceci a été écrit. Répondez à cet e-mail pour continuer.",
        "transcript_subject": "Transcription de votre discussion avec {name}",
        "transcript": "Vous trouverez ci-joint la transcription de votre discussion.",
        "link_subject": "Reprendre votre discussion avec {name}",
        "link": "Ouvrez ce lien sur l’appareil sur lequel vous souhaitez continuer la discussion :",
        "link_ends": "Il fonctionne une seule fois, pendant {hours} heures. Si vous ne l’avez pas demandé, ignorez cet "
                     "e-mail.",
    },
    "pt": {
        "subject": "Sua conversa com {name}",
        "answers": "Você já tinha saído da conversa quando isto foi escrito. Responda a este e-mail para continuar.",
        "transcript_subject": "Transcrição da sua conversa com {name}",
        "transcript": "Segue em anexo a transcrição da sua conversa.",
        "link_subject": "Continue sua conversa com {name}",
        "link": "Abra este link no aparelho em que quer continuar a conversa:",
        "link_ends": "Funciona uma só vez, por {hours} horas. Se você não o pediu, ignore este e-mail.",
    },
    "ar": {
        "subject": "محادثتك مع {name}",
        "answers": "كنت قد غادرت المحادثة عندما كُتب هذا. ردّ على هذه الرسالة لمتابعة المحادثة.",
        "transcript_subject": "نسخة من محادثتك مع {name}",
        "transcript": "مرفق نص محادثتك.",
        "link_subject": "تابع محادثتك مع {name}",
        "link": "افتح هذا الرابط على الجهاز الذي تريد متابعة المحادثة عليه:",
        "link_ends": "يعمل مرة واحدة ولمدة {hours} ساعة. إذا لم تطلبه فتجاهل هذه الرسالة.",
    },
    "zh": {
        "subject": "您与 {name} 的对话",
        "answers": "以下内容写下时您已离开对话。直接回复此邮件即可继续。",
        "transcript_subject": "您与 {name} 的对话记录",
        "transcript": "附件是您的对话记录。",
        "link_subject": "继续您与 {name} 的对话",
        "link": "请在您希望继续对话的设备上打开此链接：",
        "link_ends": "链接只能使用一次，{hours} 小时内有效。如果不是您要求的，请忽略此邮件。",
    },
}  # fmt: skip


def say(phrase: Phrase, locale: str | None, *, name: str = "", hours: float = 0) -> str:
    """The phrase in the reader's language, else in English."""
    language = (locale or DEFAULT).partition("-")[0].lower()
    words = PHRASES.get(language, PHRASES[DEFAULT])[phrase]
    return words.replace("{name}", name).replace("{hours}", f"{hours:g}")
