"""The conformance suite any adapter must pass, ours and other people's: a pytest plugin.

Installed with Switchboard it is at hand in every test run. An adapter's author says in a `Subject` what only they know
(how their provider signs, answers and refuses) and inherits the checks::

    from channels.kit import Conformance, Subject

    class TestSmsAcme(Conformance):
        subject = Subject(...)

The checks run without a database and without the network: against samples, and against a provider on loopback.
"""

from channels.kit.conformance import Conformance
from channels.kit.guarding import GuardChecks
from channels.kit.provider import Answer, SeenRequest
from channels.kit.reading import ReadingChecks
from channels.kit.sending import SendingChecks
from channels.kit.subject import Refusal, SeenMessage, Subject

__all__ = [
    "Answer",
    "Conformance",
    "GuardChecks",
    "ReadingChecks",
    "Refusal",
    "SeenMessage",
    "SeenRequest",
    "SendingChecks",
    "Subject",
]
