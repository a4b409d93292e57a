"""Bytes to text: by the charset that was declared, by what senders mean with that name, else by what the bytes are.

Names are read as browsers read them (WHATWG Encoding Standard): latin1 is windows-1252, gb2312 is gb18030. Python's
own registry is never asked with a stranger's word: some of its codecs are no charsets and some are slow.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

SAMPLE_BYTES = 4_096
"""What a guess looks at, and how many bytes beyond ASCII make one worth its time."""
MIN_GUESS_BYTES = 12
META_BYTES = 2_048
MAX_JIS_BYTES = 200_000
"""Of a text in ISO-2022-JP with characters that its standard lacks: a longer one is read with holes."""
ASCII = bytes(range(128))
UTF8_BOM = b"\xef\xbb\xbf"
BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

CODECS = {
    # What a name says is often less than what its users write: the superset is taken.
    "usascii": "ascii", "ascii": "ascii", "ansix341968": "ascii", "us": "ascii", "iso646us": "ascii", "646": "ascii",
    "utf8": "utf-8", "utf8mb4": "utf-8", "unicode11utf8": "utf-8", "cp65001": "utf-8", "utf8sig": "utf-8",
    "utf7": "utf-7", "unicode11utf7": "utf-7", "cp65000": "utf-7",
    "utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "unicode": "utf-16", "ucs2": "utf-16",
    "utf32": "utf-32", "utf32le": "utf-32-le", "utf32be": "utf-32-be",
    "iso88591": "cp1252", "latin1": "cp1252", "l1": "cp1252", "88591": "cp1252", "ansi": "cp1252", "cp819": "cp1252",
    "iso88592": "iso8859-2", "latin2": "iso8859-2", "iso88593": "iso8859-3", "latin3": "iso8859-3",
    "iso88594": "iso8859-4", "latin4": "iso8859-4", "iso88595": "iso8859-5", "iso88596": "iso8859-6",
    "iso88597": "iso8859-7", "iso88598": "iso8859-8", "iso88598i": "iso8859-8", "iso88598e": "iso8859-8",
    "iso88599": "cp1254", "latin5": "cp1254", "iso885910": "iso8859-10", "latin6": "iso8859-10",
    "iso885911": "cp874", "tis620": "cp874", "cp874": "cp874", "iso885913": "iso8859-13", "iso885914": "iso8859-14",
    "iso885915": "iso8859-15", "latin9": "iso8859-15", "iso885916": "iso8859-16",
    "gb2312": "gb18030", "gb231280": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "gb18030": "gb18030",
    "euccn": "gb18030", "cngb": "gb18030", "hz": "hz", "hzgb2312": "hz", "hzgb": "hz",
    "big5": "big5hkscs", "cnbig5": "big5hkscs", "big5hkscs": "big5hkscs", "cp950": "cp950", "big5eten": "big5hkscs",
    "shiftjis": "cp932", "sjis": "cp932", "cp932": "cp932", "windows31j": "cp932", "mskanji": "cp932",
    "eucjp": "euc_jp", "iso2022jp": "iso2022_jp", "iso2022jp1": "iso2022_jp_1", "iso2022jp2": "iso2022_jp_2",
    "iso2022jp3": "iso2022_jp_3", "iso2022jpms": "iso2022_jp", "csiso2022jp": "iso2022_jp", "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp", "iso2022jp2004": "iso2022_jp_2004",
    "euckr": "cp949", "ksc5601": "cp949", "ksc56011987": "cp949", "ksc56011989": "cp949", "cp949": "cp949",
    "korean": "cp949", "uhc": "cp949", "iso2022kr": "iso2022_kr", "johab": "johab", "cp1361": "johab",
    "koi8r": "koi8_r", "koi8": "koi8_r", "koi8u": "koi8_u", "koi8ru": "koi8_u", "ibm866": "cp866", "cp866": "cp866",
    "macintosh": "mac_roman", "macroman": "mac_roman", "mac": "mac_roman", "macce": "mac_latin2",
    "maccentraleurope": "mac_latin2", "maccentraleurroman": "mac_latin2", "maccyrillic": "mac_cyrillic",
    "macukrainian": "mac_cyrillic", "macgreek": "mac_greek", "macturkish": "mac_turkish",
    "macicelandic": "mac_iceland", "maccroatian": "mac_croatian", "macromanian": "mac_romanian",
    "macjapanese": "cp932", "mackorean": "cp949", "macchinesetrad": "big5hkscs", "macchinesesimp": "gb18030",
    **{f"cp{page}": f"cp{page}" for page in (437, 720, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 864,
        865, 869, 1006, 1125, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)},
}  # fmt: skip
PREFIXES = (("", ""), ("x", ""), ("windows", "cp"), ("xwindows", "cp"), ("ibm", "cp"), ("cswindows", "cp"), ("cs", ""))
"""How names are varied: `x-sjis`, `windows-1252`, `IBM850`."""
SEVEN_BIT = frozenset({"utf-7", "hz", "iso2022_kr", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le",
    "utf-32-be", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_2004"})  # fmt: skip
"""In these, bytes of ASCII are not what they seem."""
UNLIKE_UTF8 = frozenset({"utf-8", "gb18030", "big5hkscs", "cp950", "cp932", "euc_jp", "cp949", "johab"})
"""Believed first. In the others each byte is a letter: what is UTF-8 throughout is that, whatever was declared."""
JAPANESE = ("iso2022_jp", "iso2022_jp_2", "iso2022_jp_ext", "iso2022_jp_2004")
GUESSED = ("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "gb18030", "big5", "cp932",
    "euc_jp", "cp949")  # fmt: skip

_JUNK = re.compile(r"[^a-z0-9]+")
_META = re.compile(
    rb"""<(?:meta|\?xml)\b[^>]{0,500}?(?:charset|encoding)\s{0,9}=\s{0,9}["']?([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_JIS = re.compile(rb"\x1b(?:\$\(?[@BDOPQ]|\([BJIH]|\.[AF])")


def decode_text(content: bytes, charset: str | None, *, hint: str | None = None) -> tuple[str, bool]:
    """The text, and whether it is what was declared; `hint` is the charset of something near, for what declares none.

    Never fails: what cannot be read becomes U+FFFD.
    """
    codec = find_codec(charset)
    content = content.removeprefix(UTF8_BOM)
    if content.isascii() and codec not in SEVEN_BIT:
        if b"\x1b" not in content:
            return content.decode("ascii"), codec is not None or not charset
        codec = "iso2022_jp"
    if codec in SEVEN_BIT and codec is not None:
        return _decode_seven_bit(content, codec)
    if codec in UNLIKE_UTF8 and codec is not None:
        return _decode_declared(content, codec)
    return _decode_doubtful(content, codec, hint=hint, known=not charset)


def find_codec(charset: str | None) -> str | None:
    """Python's codec for a declared charset; None for none and for an unknown name."""
    if not charset:
        return None
    name = _JUNK.sub("", charset[:60].lower().split(":")[0])
    for prefix, instead in PREFIXES:
        if name.startswith(prefix) and (codec := CODECS.get(instead + name[len(prefix) :])):
            return codec
    return None


def find_meta_charset(content: bytes) -> str | None:
    """The charset that a page of HTML says of itself."""
    found = _META.search(content[:META_BYTES])
    return found[1].decode("ascii") if found else None


def _decode_declared(content: bytes, codec: str) -> tuple[str, bool]:
    try:
        return content.decode(codec), True
    except UnicodeDecodeError:
        return _decode_otherwise(content, codec), False


def _decode_otherwise(content: bytes, codec: str) -> str:
    """Not what it says: UTF-8 if it can be, else as it says with holes, unless there are more holes than letters."""
    if codec != "utf-8":
        return _decode_mostly(content, "utf-8") or content.decode(codec, "replace")
    return _decode_mostly(content, codec) or _decode_single(content, guess_codec(content))


def _decode_mostly(content: bytes, codec: str) -> str:
    text = content.decode(codec, "replace")
    sample = text[:SAMPLE_BYTES]
    return text if sample.count("\ufffd") * 2 <= sum(not letter.isascii() for letter in sample) else ""


def _decode_doubtful(content: bytes, codec: str | None, *, hint: str | None, known: bool) -> tuple[str, bool]:
    """Nothing declared, or what is declared by default: whole UTF-8 is no accident, the rest is the best guess."""
    try:
        return content.decode("utf-8"), known
    except UnicodeDecodeError as error:
        if error.start > len(content) - 4 and not content[: error.start].isascii():  # cut off within a character
            return content.decode("utf-8", "replace"), False
    if codec is not None and codec != "ascii":
        text = _decode_single(content, codec)
        return text, "\ufffd" not in text
    near = find_codec(hint)
    if near is not None and near not in (*SEVEN_BIT, "utf-8", "ascii"):
        return _decode_declared(content, near)[0], False
    return _decode_single(content, guess_codec(content)), False


def _decode_single(content: bytes, codec: str) -> str:
    """The five holes of windows-1252 are what they are in latin1, controls that the reader removes."""
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return content.decode("latin-1" if codec == "cp1252" else codec, "replace")


def guess_codec(content: bytes) -> str:
    """What bytes that declare nothing and are not UTF-8 most probably are; a few of them are taken for Western ones."""
    sample = content[:SAMPLE_BYTES]
    if len(sample.translate(None, ASCII)) < MIN_GUESS_BYTES:
        return "cp1252"
    if (japanese := _find_kana(sample)) is not None:
        return japanese
    best = from_bytes(sample, cp_isolation=list(GUESSED), preemptive_behaviour=False, enable_fallback=False).best()
    return CODECS.get(_JUNK.sub("", best.encoding), "cp1252") if best is not None else "cp1252"


def _find_kana(sample: bytes) -> str | None:
    """Japanese is known by its kana, which no other language writes, and is taken for Chinese by statistics."""
    for codec in ("euc_jp", "cp932"):
        try:
            text = codecs.getincrementaldecoder(codec)().decode(sample)
        except UnicodeDecodeError:
            continue
        kana = sum("\u3041" <= letter <= "\u30fe" for letter in text)
        if kana * 5 > sum(not letter.isascii() for letter in text):
            return codec
    return None


def _decode_seven_bit(content: bytes, codec: str) -> tuple[str, bool]:
    """Charsets whose bytes mean something else than ASCII or Latin: each family has its own oddities."""
    if codec.startswith("iso2022_jp"):
        return _decode_japanese(content, codec)
    if codec.startswith("utf-16"):
        return _decode_utf16(content, codec)
    try:
        text, sound = content.decode(codec), True
    except UnicodeDecodeError:
        text, sound = _decode_otherwise(content, codec), False
    return _SURROGATES.sub("\ufffd", text), sound  # UTF-7 can write halves of pairs


def _decode_utf16(content: bytes, codec: str) -> tuple[str, bool]:
    """Without a mark the name decides, and without that the side on which the zeros are (RFC 2781 4.3)."""
    if content[:2] in BOMS:
        return content[2:].decode(BOMS[content[:2]], "replace"), True
    if b"\0" not in content:  # words in another charset under this name
        return _decode_doubtful(content, None, hint=None, known=False)[0], False
    if codec == "utf-16":
        codec = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
    text = content.decode(codec, "replace")
    return text, "\ufffd" not in text


def _decode_japanese(content: bytes, codec: str) -> tuple[str, bool]:
    """ISO-2022-JP as it is sent: with half-width kana, later sets, and the characters that only Windows has."""
    if not content.isascii():
        return _decode_doubtful(content, None, hint="shift_jis", known=False)[0], False
    for each in (codec, *JAPANESE):
        try:
            return content.decode(each), True
        except UnicodeDecodeError:
            if len(content) > MAX_JIS_BYTES:
                return content.decode(codec, "replace"), False
    return _jis_to_shift_jis(content).decode("cp932", "replace"), True


def _jis_to_shift_jis(content: bytes) -> bytes:
    """Each pair of JIS X 0208 as the pair of Shift JIS in its place (Lunde, CJKV, ch. 4), by which cp932 reads it."""
    pieces = _JIS.split(content)
    shifts = [b"", *_JIS.findall(content)]
    return b"".join(
        _shift_pairs(piece) if shift[1:2] == b"$" else piece for shift, piece in zip(shifts, pieces, strict=True)
    )


def _shift_pairs(piece: bytes) -> bytes:
    made = bytearray()
    for first, second in zip(piece[::2], piece[1::2], strict=False):
        row = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
        cell = second + (0x7E if first % 2 == 0 else 0x1F if second < 0x60 else 0x20)
        made += bytes((row & 0xFF, cell & 0xFF))
    return bytes(made)
