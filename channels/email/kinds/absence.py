"""The words of an absence note's subject, in the languages people are away in. Pure.

They never decide alone: "On vacation" is also what a customer writes to a travel agency. `FORMULAS` are what
programs put in front of a subject; `PHRASES` are what people write into the note's subject themselves.
"""

from __future__ import annotations

import unicodedata

MAX_SUBJECT_CHARS = 300
"""No note needs more before its words; what follows is the subject it answers."""

# Written without accents: they are taken off the subject as well, since some programs lose them.
FORMULAS: tuple[str, ...] = (
    "automatic reply", "automatic response", "auto reply", "auto-reply", "autoreply", "auto response", "auto-response",
    "autoresponse", "auto:", "out of office autoreply",
    "out of office", "out-of-office", "out of the office", "vacation reply", "absence notice",
    "automatische antwort", "automatische ruckantwort", "abwesenheitsnotiz", "abwesenheitsbenachrichtigung",
    "abwesenheitsnachricht", "automatische abwesenheitsnotiz",
    "reponse automatique", "absence du bureau", "absent du bureau", "message d'absence", "notification d'absence",
    "respuesta automatica", "autorrespuesta", "fuera de la oficina", "fuera de oficina", "mensaje de ausencia",
    "resposta automatica", "fora do escritorio", "ausencia temporaria", "aviso de ausencia",
    "risposta automatica", "fuori sede", "fuori ufficio", "assente dall'ufficio", "avviso di assenza",
    "automatisch antwoord", "automatische reactie", "afwezigheidsbericht", "niet aanwezig", "afwezig:",
    "automatyczna odpowiedz", "odpowiedz automatyczna", "autoodpowiedz", "poza biurem", "nieobecnosc w biurze",
    "автоматическии ответ", "автоответ", "вне офиса", "уведомление об отсутствии",
    "autosvar", "automatiskt svar", "franvaromeddelande", "franvaro:",
    "automatisk svar", "fravaersbesked", "fravaer:", "ikke til stede", "automaattinen vastaus", "automaticka odpoved",
    "自動返信", "自動応答", "不在通知", "不在のお知らせ", "自动回复", "自动答复", "自動回覆", "自動回復",
    "外出自动回复",
    "رد تلقايي", "الرد التلقايي", "رد الي", "خارج المكتب",
)  # fmt: skip
PHRASES: tuple[str, ...] = (
    "on vacation", "on leave", "on holiday", "away from the office", "away from my", "i am away", "annual leave",
    "abwesend", "abwesenheit", "nicht im buro", "nicht im hause", "im urlaub",
    "je suis absent", "en conge", "hors du bureau", "actuellement absent",
    "ausente", "ausencia", "de vacaciones", "de ferias", "assenza", "in ferie",
    "afwezig", "op vakantie", "niet op kantoor", "nieobecnosc", "na urlopie", "nieobecny",
    "отсутствую", "нет на месте", "в отпуске", "отсутствии",
    "franvaro", "inte pa kontoret", "pa semester", "fravaer", "pa ferie", "ikke pa kontoret",
    "不在連絡", "不在にして", "休暇", "不在办公室", "不在辦公室", "休假", "اجازة", "في عطلة",
)  # fmt: skip
ANSWERS = ("re:", "aw:", "sv:", "antw:", "odp:", "rif:", "res:", "回复:", "答复:", "返信:", "رد:", "ре:")
"""What a person's program puts in front when they answer: then the words behind it are quoted, not said."""


def tells_absence(subject: str | None) -> bool:
    """Whether a subject has words of an absence note anywhere, and does not merely answer one."""
    folded = fold_subject(subject)
    return not folded.startswith(ANSWERS) and any(words in folded for words in (*FORMULAS, *PHRASES))


def opens_as_absence(subject: str | None) -> bool:
    """Whether a subject opens as programs write it: a formula, then a colon, a dash, a bracket or nothing more."""
    folded = fold_subject(subject).lstrip("[(【")
    return any(_opens_with(folded, formula) for formula in FORMULAS)


def _opens_with(folded: str, formula: str) -> bool:
    after = folded[len(formula) :].lstrip()
    return folded.startswith(formula) and (formula.endswith(":") or not after or after[0] in ":-–—])】(")


def fold_subject(subject: str | None) -> str:
    """A subject as it is compared: one width, lower case, no accents, single spaces."""
    wide = unicodedata.normalize("NFKC", (subject or "")[:MAX_SUBJECT_CHARS]).casefold()
    bare = "".join(each for each in unicodedata.normalize("NFD", wide) if not unicodedata.combining(each))
    kept = unicodedata.normalize("NFC", bare.replace("ø", "o").replace("æ", "ae").replace("ł", "l"))
    return " ".join(kept.split())
