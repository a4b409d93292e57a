"""What kind of mail it is: from a person or a machine, a bounce, a complaint, an invitation, one handed on. Pure."""

from channels.email.kinds.bounce import Bounce, Complaint, read_reference
from channels.email.kinds.bounces import bounce_events, read_bounces
from channels.email.kinds.codes import explain_bounce, find_meaning
from channels.email.kinds.complaints import read_complaint
from channels.email.kinds.flags import find_flags
from channels.email.kinds.forwarded import Forwarded, find_forwarded
from channels.email.kinds.invites import Invite, read_invite
from channels.email.kinds.nature import Finding, Nature, find_nature, weigh_nature

__all__ = [
    "Bounce",
    "Complaint",
    "Finding",
    "Forwarded",
    "Invite",
    "Nature",
    "bounce_events",
    "explain_bounce",
    "find_flags",
    "find_forwarded",
    "find_meaning",
    "find_nature",
    "read_bounces",
    "read_complaint",
    "read_invite",
    "read_reference",
    "weigh_nature",
]
