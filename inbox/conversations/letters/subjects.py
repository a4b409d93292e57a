"""What a subject says besides its marks of an answer or a forwarding, in the languages mail programs write. Pure."""

from __future__ import annotations

import re
import unicodedata

REPLY_MARKS = (
    "re", "ré", "réf", "rép", "res", "resp", "r", "rif", "aw", "antw", "antwort", "sv", "vs", "svar", "odp", "bls",
    "ynt", "yan", "απ", "απάντηση", "ответ", "отв", "відп", "отг", "答复", "回复", "回覆", "返信", "返", "회신", "답장",
    "رد", "رد على", "השב", "תשובה", "vá", "hs", "rsp", "rep", "atb", "vast", "trả lời", "ตอบ",
)  # fmt: skip
"""How an answer begins: en, fr, es, pt, it, de, nl, sv, da, no, fi, pl, id, tr, el, ru, uk, bg, zh, ja, ko, ar, he, hu,
is, ro, et, lv, vi, th."""
FORWARD_MARKS = (
    "fw", "fwd", "tr", "rv", "enc", "i", "inoltra", "wg", "wtr", "doorst", "vb", "vl", "fs", "pd", "trs", "ilt",
    "πρθ", "прд", "пересл", "пер", "转发", "轉寄", "转寄", "轉發", "転送", "전달", "إعادة توجيه", "توجيه", "הועבר",
    "továbbítás", "előre", "ref", "yml", "edasi", "chuyển tiếp", "ส่งต่อ",
)  # fmt: skip
"""How what is passed on begins."""

LONGEST_READ = 2000
MARKS_READ = 50
"""The most marks and tags that are taken off: who writes more of them means something else."""

_MARK = r"(?:{})(?:\s?[\[(]?\d{{1,3}}[\])]?)?\s?[:：]\s*"
_REPLY = re.compile(_MARK.format("|".join(sorted(map(re.escape, REPLY_MARKS), key=len, reverse=True))))
_FORWARD = re.compile(_MARK.format("|".join(sorted(map(re.escape, FORWARD_MARKS), key=len, reverse=True))))
_TAG = re.compile(r"\[[^\[\]]{1,80}\]\s*")


def normalise_subject(subject: str | None) -> str:
    """What equal subjects share: no marks of answers, no case, single spaces; tags of lists stay. Empty for none."""
    kept, rest = [], _folded(subject)
    for _ in range(MARKS_READ):
        mark = _REPLY.match(rest) or _FORWARD.match(rest)
        tag = _TAG.match(rest)
        if mark:
            rest = rest[mark.end() :]
        elif tag and tag.end() < len(rest):
            kept.append(tag[0].strip())
            rest = rest[tag.end() :]
        else:
            break
    return " ".join([*dict.fromkeys(kept), rest.strip()]).strip()


def is_answer(subject: str | None) -> bool:
    """Whether a subject says that it answers something, also behind the tag of a list."""
    folded = _folded(subject)
    tag = _TAG.match(folded)
    return bool(_REPLY.match(folded) or (tag and _REPLY.match(folded[tag.end() :])))


def answer_subject(subject: str) -> str:
    """The subject of an answer: "Re: " once, however often it went to and fro."""
    return subject if is_answer(subject) else f"Re: {subject}".strip()


def _folded(subject: str | None) -> str:
    text = unicodedata.normalize("NFC", (subject or "")[:LONGEST_READ])
    return " ".join(text.casefold().split())
