"""Mails as clients of many languages write them, in the parts they must come apart into again. All are invented.

`letters_text.jsonl` has one plain mail a line: its words, its signature and the older mail. `letters_html.jsonl` has
what fills one of the layouts below, or a `whole` mail in its parts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

HERE = Path(__file__).parent
WORD_RULE = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One mail: what the person wrote, how it is signed, and the older mail with what introduces it.

    `before` and `after` stand around the whole, `gap` between its parts.
    """

    name: str
    words: str
    quote: str
    signature: str | None = None
    before: str = ""
    after: str = ""
    gap: str = "\n\n"

    @property
    def body(self) -> str:
        """The mail as it arrives, the reply on top."""
        inner = self.gap.join(filter(None, [self.words, self.signature, self.quote]))
        return f"{self.before}{inner}{self.after}"


def read_text_letters() -> list[Letter]:
    """All plain mails."""
    lines = (HERE / "letters_text.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Letter) for line in lines]


def read_html_letters() -> list[Letter]:
    """All HTML mails, laid out."""
    rows = [msgspec.json.decode(line) for line in (HERE / "letters_html.jsonl").read_bytes().splitlines()]
    return [LAYOUTS[row.pop("layout")](**row) for row in rows]


def lay_out_gmail(*, signature: str | None = None, direction: str = "ltr", **row: str) -> Letter:
    """Gmail on the web: the signature above, attribution and <blockquote> in one frame."""
    return Letter(
        name=f"gmail {row['name']}",
        words=f'<div dir="{direction}">{row["words"]}</div><br>',
        quote=f'<div class="gmail_quote gmail_quote_container"><div dir="{direction}" class="gmail_attr">'
        f'{row["attribution"]}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex">'
        "<div>Older words</div></blockquote></div>",
        signature=signature and f'<div dir="ltr" class="gmail_signature">{signature}</div>',
        gap="\n",
    )


def lay_out_outlook(*, names: list[str], when: str, signature: str | None = None, **row: str) -> Letter:
    """Outlook for Windows: Word's paragraphs, bold headers beneath a drawn line."""
    sender, sent, to, subject = names
    return Letter(
        name=f"outlook {row['name']}",
        words=f"<p class=MsoNormal><span lang=DE>{row['words']}<o:p></o:p></span></p>"
        "<p class=MsoNormal><o:p>&nbsp;</o:p></p>",
        quote=f"<div><div style='{WORD_RULE}'><p class=MsoNormal><b><span>{sender}</span></b><span> Anna Berg "
        f"&lt;anna@shop.example&gt; <br><b>{sent}</b> {when}<br><b>{to}</b> Jo Field &lt;jo@mail.example&gt;<br>"
        f"<b>{subject}</b> 4711<o:p></o:p></span></p></div></div><p class=MsoNormal>Older words<o:p></o:p></p>",
        signature=signature,
        before="<html><head><style>p.MsoNormal {margin:0cm}</style></head><body lang=DE><div class=WordSection1>",
        after="</div></body></html>",
        gap="\n",
    )


def lay_out_outlook_web(*, headers: str, signature: str | None = None, **row: str) -> Letter:
    """Outlook on the web and on phones."""
    return Letter(
        name=f"outlook web {row['name']}",
        words=f'<div class="elementToProof" style="font-family:Aptos">{row["words"]}</div>',
        quote='<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">'
        f'<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri">{headers}</font><div>&nbsp;</div></div>'
        "<div>Older words</div>",
        signature=signature,
        before='<html><head></head><body dir="ltr">',
        after="</body></html>",
        gap="\n",
    )


def lay_out_apple(*, attribution: str, signature: str | None = None, **row: str) -> Letter:
    """Apple Mail on phones: the attribution is inside a quotation of its own."""
    return Letter(
        name=f"apple {row['name']}",
        words=f'<div dir="ltr">{row["words"]}</div>',
        quote=f'<div dir="ltr"><br><blockquote type="cite">{attribution}<br><br></blockquote></div>'
        '<blockquote type="cite"><div dir="ltr">Older words</div></blockquote>',
        signature=signature and f'<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">{signature}</div>',
        before='<html><body dir="auto">',
        after="</body></html>",
        gap="\n",
    )


def lay_out_bare(
    *, attribution: str, opening: str = "<blockquote>", signature: str | None = None, **row: str
) -> Letter:
    """Clients that write an attribution and a <blockquote>."""
    return Letter(
        name=f"blockquote {row['name']}",
        words=f"<div>{row['words']}</div>",
        quote=f"<div>{attribution}</div>{opening}<div>Older words</div></blockquote>",
        signature=signature,
        gap="\n",
    )


def lay_out_whole(**row: Any) -> Letter:
    """A mail whose parts are written out."""
    return Letter(gap="\n", **row)


LAYOUTS: dict[str, Callable[..., Letter]] = {
    "gmail": lay_out_gmail,
    "outlook": lay_out_outlook,
    "outlook_web": lay_out_outlook_web,
    "apple": lay_out_apple,
    "bare": lay_out_bare,
    "whole": lay_out_whole,
}
