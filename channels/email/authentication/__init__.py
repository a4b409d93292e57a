"""Whether a mail is really from whom it says: by the word of a trusted host, or by its signatures."""

from channels.email.authentication.domains import find_from_domain, vouches_for
from channels.email.authentication.resolving import TxtResolver
from channels.email.authentication.results import read_results
from channels.email.authentication.signed import TxtLookup, list_key_names, verify_dkim

__all__ = [
    "TxtLookup",
    "TxtResolver",
    "find_from_domain",
    "list_key_names",
    "read_results",
    "verify_dkim",
    "vouches_for",
]
