"""Plain mail: what is new, what is quoted, what is signature, and that nothing goes missing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.email.quoting import Split, is_forward_subject, split_text

HEADER = "On 2 Apr 2012, at 14:20, Anna <anna@shop.example> wrote:"
FORWARD = "---------- Forwarded message ------\nFrom: Bob <bob@x.example>\nDate: Mon, 2 Apr 2012\nSubject: Hi\n\nText"
OUTLOOK = "From: Bob <bob@x.example>\nSent: Monday, 2 April 2012 14:20\nTo: Jo\nSubject: Hi\n\nText"


def test_answers_between_quoted_lines_stay_with_them() -> None:
    """Whoever answers line by line loses nothing: quotes and answers stay in order, only the unanswered rest goes."""
    answered = f"See below.\n\n{HEADER}\n\n> Which colour?\n\nRed.\n\n> Which size?\n\nXL"
    assert split_text(f"{answered}\n\n> Bye\n> Anna") == Split(new=answered, quoted="> Bye\n> Anna")
    assert split_text(f"{answered}\n\n-- \nJo") == Split(new=answered, signature="-- \nJo")


def test_one_answer_inside_a_quote_keeps_its_question() -> None:
    """An answer in the middle of a quoted mail is read with what it answers."""
    split = split_text(f"{HEADER}\n> Which colour?\nRed.\n> Bye")
    assert split == Split(new=f"{HEADER}\n> Which colour?\nRed.", quoted="> Bye")


def test_an_answer_beneath_a_whole_quote_stands_alone() -> None:
    """Beneath a whole quoted mail, or around it, the answer is new without the mail."""
    quote = f"{HEADER}\n> Which colour?\n>\n> Anna"
    assert split_text(f"{quote}\nRed.\n\n-- \nJo") == Split(new="Red.", quoted=quote, signature="-- \nJo")
    assert split_text(f"Hello,\n\n{quote}\n\nRed.") == Split(new="Hello,\n\nRed.", quoted=quote)


@pytest.mark.parametrize(
    "line",
    ["On Monday, Shop wrote:", "Am Montag schrieb Shop:", "Le lundi, Boutique a écrit :", "El lunes, Ana escribió:"],
)
def test_above_a_quote_an_attribution_needs_no_date(line: str) -> None:
    """Below it must be quoted lines: the same words above words of one's own are words."""
    assert split_text(f"Thanks!\n\n{line}\n> It left").new == "Thanks!"
    assert split_text(f"Thanks!\n\n{line}\nIt left, and now?").quoted is None


def test_a_quote_chosen_by_hand_stays() -> None:
    """A quote that nothing introduces and that words follow was put there on purpose."""
    for text in ("Hi\n\n> rule 3 says so\n\nI disagree.", "> Which colour?\n\nRed."):
        assert split_text(text) == Split(new=text)


def test_a_forwarded_mail_is_shown() -> None:
    """A mail passed on is not hidden, with or without words above it; the signature above it is still one."""
    assert split_text(FORWARD) == Split(new=FORWARD, forwarded=True)
    split = split_text(f"See below\n\n-- \nJo\n\n{FORWARD}")
    assert split == Split(new=f"See below\n\n{FORWARD}", signature="-- \nJo", forwarded=True)


@pytest.mark.parametrize(
    "delimiter",
    [
        "Begin forwarded message:",
        "-------- Weitergeleitete Nachricht --------",
        "---------- Message transféré ----------",
        "---------- Mensaje reenviado ----------",
        "---------- Mensagem encaminhada ---------",
        "---------- Messaggio inoltrato ----------",
        "-------- Doorgestuurd bericht --------",
        "-------- Przekazana wiadomość --------",
        "-------- Пересылаемое сообщение --------",
        "-------- Vidarebefordrat meddelande --------",
        "-------- Videresendt meddelelse --------",
        "---------- 転送メッセージ ----------",
        "---------- 转发的邮件 ----------",
        "---------- رسالة معاد توجيهها ----------",
        "> Début du message transféré :",
        "----- Forwarded by Anna Berg/Shop on 04/02/2012 02:20 PM -----",
    ],
)
def test_forwards_are_known_in_every_language(delimiter: str) -> None:
    """A mail passed on is told by its first line in every language we promise."""
    text = f"See below\n\n{delimiter}\n\n> Text\n\nmore"
    assert split_text(text) == Split(new=text, forwarded=True)


def test_a_forward_inside_a_quote_is_quoted() -> None:
    """A reply to a mail passed on hides that mail."""
    split = split_text(f"Blah\n\n-----Original Message-----\n\nFYI\n\n{FORWARD}")
    assert (split.new, split.forwarded) == ("Blah", False)
    quoted = "\n".join(f"> {line}" for line in FORWARD.splitlines())
    assert split_text(f"Blah\n\n{HEADER}\n{quoted}").new == "Blah"


def test_outlook_forwards_are_told_by_the_subject_or_by_silence() -> None:
    """Outlook marks forwards and replies alike: without a word above, or with a forward's subject, it is a forward."""
    assert split_text(OUTLOOK) == Split(new=OUTLOOK, forwarded=True)
    text = f"Please see.\n\n{OUTLOOK}"
    assert split_text(text) == Split(new="Please see.", quoted=OUTLOOK)
    assert split_text(text, forward=True) == Split(new=text, forwarded=True)
    assert split_text(f"Sent from my iPhone\n\n{OUTLOOK}").new == OUTLOOK


def test_nothing_is_hidden_where_an_answer_may_stand_beneath() -> None:
    """An unmarked mail under an attribution, with nothing above, may hold the answer: all of it is shown."""
    text = f"{HEADER}\n\nWhich colour?\n\nRed."
    assert split_text(text) == Split(new=text)
    assert split_text(f"{HEADER}\n\n> Which colour?") == Split(new="", quoted=f"{HEADER}\n\n> Which colour?")


@pytest.mark.parametrize(
    "text",
    [
        "Please book:\n\nFrom: London\nTo: Paris\nDate: 3 May at 10:30\n\nThanks",
        "Bitte buchen:\n\nVon: Berlin\nAn: München\nDatum: 3. Mai\n\nDanke",
        "Log:\nFrom: 10.0.0.1\nTo: 10.0.0.2\nDate: 2024-01-01 10:10\nfine?",
        "Error report\n\nDate: 2024-01-01 10:10\nTo: support@x.example\n\nit broke",
        "On 5 May your colleague Anna wrote:\n\nYou will get a refund.\n\nI did not.",
        "He said:\n\n  yes",
        "In my mail of 3 May at 10:30 I asked you to call bob@x.example, and this came:\n\nnothing",
        "Thanks\n\nMy phone is 555-123-4567",
        "Thanks,\nmy number: 555-123-4567",
        "The parcel:\n\nSent by mail yesterday",
        "Hello\n\nSent from our warehouse in Berlin",
        "Gesendet von meinem Bruder, der kein Handy hat",
        "Gruß\nAnna\n\nTel. 030 1234567",
        "Please call +49 30 1234567.\n\nMit freundlichen Grüßen\nAnna Schmidt",
        "price list\n--------\nA 5\nB 6\n--------\nsee http://x.example",
        "Look:\n>>> here <<<\nand there",
        "The original message was lost.",
        "Forwarded message?",
    ],
)
def test_words_that_look_alike_stay(text: str) -> None:
    """Bookings, reports, reported speech and telephone numbers are what the person wanted to say."""
    assert split_text(text) == Split(new=text)


def test_words_before_an_attribution_on_its_line_stay() -> None:
    """Some clients join the last word to the attribution; the word is new all the same."""
    assert split_text(f"Red {HEADER}\n> Which colour?").new == "Red "
    assert split_text(f"As you {HEADER.removesuffix(':')} it").new == f"As you {HEADER.removesuffix(':')} it"


def test_a_link_torn_by_the_client_is_no_answer() -> None:
    """A long link that lost its mark between quoted lines does not make them an interleaved answer."""
    text = f"Red\n\n{HEADER}\n> See (http://x.example/a\nb=3dd518)\n> and\n<http://x.example/c>\n> Anna"
    assert split_text(text).new == "Red"


def test_blocks_of_signature_are_found_over_each_other() -> None:
    """A sign-off, a device's line, a company's notice and a list's footer may follow one another."""
    signature = (
        "Best regards,\n\nAnna van der Berg\nShop Ltd | Lane 3\nanna@shop.example\n\n"
        "This message may contain confidential information. If you got it by mistake, delete it.\n\n"
        "Sent from my iPad\n\n"
        "_______________________________________________\nusers mailing list\nhttp://lists.example/users"
    )
    assert split_text(f"Ok\n\n{signature}") == Split(new="Ok", signature=signature)


def test_a_delimiter_far_above_is_not_a_signature() -> None:
    """What goes on for more lines than any signature was only set apart."""
    text = "Part one\n--\n" + "\n".join(f"line {number}" for number in range(40))
    assert split_text(text) == Split(new=text)


@pytest.mark.parametrize(
    ("subject", "forward"),
    [("FW: Hi", True), ("Fwd: Hi", True), ("WG: Hi", True), ("TR : Hi", True), ("转发：Hi", True), ("[Fwd: Hi]", True),
     ("Re: FW: Hi", False), ("Forward march", False), ("", False), (None, False)],
)  # fmt: skip
def test_forward_subjects(subject: str | None, forward: bool) -> None:
    """A subject marks a forward only by its first prefix: a reply to a forward is a reply."""
    assert is_forward_subject(subject) is forward


PIECES = st.sampled_from(
    [HEADER, FORWARD, OUTLOOK, "", "", "> quoted", ">> twice", "Words of mine.", "-- ", "--", "Jo Field", "Regards,",
     "Sent from my iPhone", "+49 30 1234567", "-----Original Message-----", "_" * 30, "http://x.example", "On 1 Red",
     "From: a@b.example", "Date: Mon, 2 Apr 2012 00:15:02 -0600", "To: b@c.example", f"Red {HEADER}", "> wrote:", "<",
     "\u202bשלום\u202c", "Begin forwarded message:", "\x0b", "a\r", "    indented"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("\n".join) | st.text(max_size=200))
@example(f"{HEADER}\n> a\nb\n> c\n\n-- \nd")
@example("\x85\u2028x")
def test_every_line_is_in_one_of_the_three(text: str) -> None:
    """Nothing is lost and nothing doubled: each character that is not white space is in exactly one part, in order."""
    split = split_text(text)
    parts = [split.new, split.quoted or "", split.signature or ""]
    assert sum((_characters(part) for part in parts), Counter()) == _characters(text)
    for part in parts:
        wanted = iter("".join(text.split()))
        assert all(character in wanted for character in "".join(part.split()))


@given(st.lists(PIECES, max_size=10).map("\n".join))
def test_new_words_are_stable(text: str) -> None:
    """Splitting is a function of the text alone, and empty parts are None."""
    split = split_text(text)
    assert split == split_text(text)
    assert split.quoted != ""
    assert split.signature != ""


def _characters(text: str) -> Counter[str]:
    return Counter("".join(text.split()))
