"""Mail out: one source becomes text and HTML, headers nobody can break out of, and bytes to hand over. Pure."""

from channels.email.compose.addresses import check_addr_spec
from channels.email.compose.letter import Composed, compose_mail
from channels.email.compose.signing import sign_composed, sign_mail

__all__ = ["Composed", "check_addr_spec", "compose_mail", "sign_composed", "sign_mail"]
