"""What a host we trust says of a mail (RFC 8601): taken from its own topmost header, and from nobody else's. Pure.

Anybody may write such a header into a mail. The host that is configured has to take out those under its own name which
come from outside (RFC 8601 5), and puts its own on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from channels.email.authentication.domains import find_from_domain, fold_domain, vouches_for
from channels.email.authentication.grammar import Result, Unreadable, parse_results, read_authserv_id
from channels.email.mail import Mail
from channels.events import Authentication, Verdict

HEADER = "authentication-results"
VERDICTS: dict[str, Verdict] = {
    "pass": "pass",
    "fail": "fail",
    "softfail": "softfail",
    "neutral": "neutral",
    "none": "none",
    "temperror": "temperror",
    "permerror": "permerror",
    "hardfail": "fail",  # before RFC 7001
    "policy": "neutral",  # a good signature that the host does not accept
    "bestguesspass": "none",  # Microsoft: there is no policy, but it would have passed
}
WORST_FIRST: tuple[Verdict, ...] = ("fail", "permerror", "temperror", "softfail", "neutral", "none", "pass")
SILENT = (None, "none")
"""DMARC said nothing, so that SPF and DKIM speak for themselves."""


def read_results(mail: Mail, *, authserv_id: str) -> Authentication | None:
    """The verdict of the host `authserv_id`, None where it wrote none; from an unreadable one nothing is believed."""
    trusted = authserv_id.strip().lower()
    header = next((value for value in mail.values(HEADER) if read_authserv_id(value) == trusted), None)
    if header is None:
        return None
    try:
        results = parse_results(header)
    except Unreadable:
        return Authentication(by=trusted)
    return _judge(results, find_from_domain(mail), by=trusted)


def _judge(results: Sequence[Result], domain: str | None, *, by: str) -> Authentication:
    dkim = [each for each in results if each.method == "dkim"]
    spf = _by_sender([each for each in results if each.method == "spf"])
    dmarc = [each for each in results if each.method == "dmarc"]
    policy = _find_worst(dmarc)
    if policy in SILENT:
        aligned = any(_is_signed_by(each, domain) for each in dkim) or _is_sent_by(spf, domain)
    else:
        aligned = policy == "pass" and _is_about(dmarc, domain)
    return Authentication(
        by=by, aligned=aligned, spf=_find_worst(spf), dkim=_choose_signature(dkim, domain), dmarc=policy
    )


def _by_sender(spf: list[Result]) -> list[Result]:
    """The results for the envelope's sender; one for the name from HELO counts only where that is all there is."""
    return [each for each in spf if each.property_values("smtp.mailfrom")] or spf


def _find_worst(results: Iterable[Result]) -> Verdict | None:
    """One verdict of several, the worst: whoever slips in a better one gains nothing."""
    verdicts = [VERDICTS.get(each.result, "neutral") for each in results]
    return min(verdicts, key=WORST_FIRST.index, default=None)


def _is_about(dmarc: list[Result], domain: str | None) -> bool:
    """Whether the host judged the very From we read; parsers disagree about that header (T38)."""
    judged = {fold_domain(_domain_part(value)) for each in dmarc for value in each.property_values("header.from")}
    return domain is not None and judged <= {domain}


def _is_signed_by(dkim: Result, domain: str | None) -> bool:
    """Whether a good signature speaks for the domain: d= says whose it is, else i=, which lies at or below it."""
    signers = dkim.property_values("header.d") or dkim.property_values("header.i")
    return VERDICTS.get(dkim.result) == "pass" and len(signers) == 1 and vouches_for(_fold(signers[0]), domain)


def _is_sent_by(spf: list[Result], domain: str | None) -> bool:
    senders = [value for each in spf for value in each.property_values("smtp.mailfrom")]
    return _find_worst(spf) == "pass" and len(senders) == 1 and vouches_for(_fold(senders[0]), domain)


def _choose_signature(dkim: list[Result], domain: str | None) -> Verdict | None:
    """The verdict on the signature that speaks for the domain, else the best of the others: one good one is enough."""
    if any(_is_signed_by(each, domain) for each in dkim):
        return "pass"
    verdicts = [VERDICTS.get(each.result, "neutral") for each in dkim]
    return max(verdicts, key=WORST_FIRST.index, default=None)


def _fold(value: str) -> str | None:
    return fold_domain(_domain_part(value))


def _domain_part(value: str) -> str:
    """The domain of an address or of a bare domain, as the header has either."""
    return value.strip().strip("<>").rpartition("@")[2]
