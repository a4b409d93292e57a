"""The conformance kit itself: a faithful adapter passes it, and each kind of unfaithful one is found out."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.contract import Account, OutboundMessage, RawEvent, Sent, SetupStep, WebhookRequest
from channels.errors import Forged, Rejected, Throttled, Unreachable
from channels.events import AnyEvent, DeliveryReported
from channels.http import Response
from channels.kit import Conformance, Subject
from channels.kit.examples import EXAMPLES
from channels.limits import Limits
from channels.parts import Text
from channels.signatures import valid_hmac
from tests.channels.kit.toy import KEY, STATES, Hook, ToySettings, ToySms, make_subject

LOG = logging.getLogger("toy")


class OpenDoor(ToySms):
    """Takes everything."""

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Do not look."""


class OnlyIfSigned(ToySms):
    """Looks at the signature where there is one."""

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Take what is unsigned."""
        if "toy-sign" in request.headers:
            super().verify(account, request)


class BodyUnsigned(ToySms):
    """Checks a signature that is there, and not what it covers."""

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Be content with the length."""
        if len(request.headers.get("toy-sign", "")) != 64:
            raise Forged("no signature")


class Crashing(ToySms):
    """Stumbles over a header that is not there."""

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Index, do not ask."""
        request.headers["toy-sign"].encode("ascii")
        super().verify(account, request)


class Telling(ToySms):
    """Explains to a stranger what would have been right."""

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Quote the key."""
        try:
            super().verify(account, request)
        except Forged as error:
            raise Forged(f"{error}: the key is {KEY}") from error


class Ageless(ToySms):
    """Looks at the signature, and not at the time it covers."""

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Any time will do."""
        at = request.headers.get("toy-time", "")
        covered = f"{at}\n{request.url}\n".encode("utf-8", "surrogatepass") + request.body
        if not valid_hmac(request.headers.get("toy-sign"), covered, key=KEY):
            raise Forged("not signed")


class Counting(ToySms):
    """Gives each event a new key."""

    count = 0

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """Number them."""
        Counting.count += 1
        return [msgspec.structs.replace(event, key=f"{self.count}") for event in super().parse(account, raw)]


class Dropping(ToySms):
    """Ignores a status it does not know."""

    def report(self, hook: Hook, status: str) -> AnyEvent:
        """Call it sent."""
        return super().report(hook, status if status in STATES else "sent")


class Fragile(ToySms):
    """Lets its decoder's errors through."""

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """Decode without care."""
        msgspec.json.decode(raw.body)
        return super().parse(account, raw)


class OneKey(ToySms):
    """Uses the message's id as the key of every report of it."""

    def report(self, hook: Hook, status: str) -> AnyEvent:
        """Forget the state."""
        return msgspec.structs.replace(super().report(hook, status), key=hook.id)


class Boasting(ToySms):
    """Says it carries more than it does."""

    limits = Limits(parts=frozenset({"text", "location"}), text_chars=500, delivery_reports=True, read_reports=True)

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Cut off what is too long, and what is no text."""
        parts = [Text(text=part.text[:160]) for part in message.parts if isinstance(part, Text)]
        return await super().send(account, msgspec.structs.replace(message, parts=parts or [Text(text="-")]))


class Hopeful(ToySms):
    """Takes every silence for a failure that may be tried again."""

    def read_answer(self, answer: Response) -> Sent:
        """Try again whatever happens."""
        if answer.status >= 400 or b"id" not in answer.body:
            raise Unreachable("not now")
        return super().read_answer(answer)


class Impatient(ToySms):
    """Forgets how long it was asked to wait."""

    def read_answer(self, answer: Response) -> Sent:
        """Only too fast."""
        if answer.status == 429:
            raise Throttled("too fast")
        return super().read_answer(answer)


class Chatty(ToySms):
    """Logs what it sends."""

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Say it aloud."""
        LOG.info("sending %s to %s", message.parts, message.to.value)
        return await super().send(account, message)


class Quoting(ToySms):
    """Puts the key into its failures."""

    def read_answer(self, answer: Response) -> Sent:
        """Quote."""
        if answer.status == 400:
            raise Rejected(f"refused for {KEY}")
        return super().read_answer(answer)


class Showing(ToySms):
    """Prints the key in the set-up."""

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """Copy this."""
        assert isinstance(account.settings, ToySettings)
        return [*super().setup_steps(account), SetupStep(title="Key", detail="Keep it", value=account.settings.key)]


class Inventing(ToySms):
    """Gives messages ids of its own."""

    def read_answer(self, answer: Response) -> Sent:
        """Make one up."""
        return msgspec.structs.replace(super().read_answer(answer), provider_message_id="mine")


class Foreigner(ToySms):
    """Is named after somebody else."""

    name = "sms-other"


class Cheerful(ToySms):
    """Reports failures without a reason."""

    def report(self, hook: Hook, status: str) -> AnyEvent:
        """Forget the error."""
        told = super().report(hook, status)
        assert isinstance(told, DeliveryReported)
        return msgspec.structs.replace(told, error=None)


SABOTAGE: list[tuple[type[ToySms], set[str]]] = [
    (OpenDoor, {"test_a_changed_request_is_forged", "test_another_secret_is_forged", "test_a_stale_request_is_forged"}),
    (OnlyIfSigned, {"test_a_changed_request_is_forged", "test_no_header_breaks_the_guard"}),
    (BodyUnsigned, {"test_a_changed_request_is_forged", "test_another_accounts_events_are_forged"}),
    (Crashing, {"test_a_changed_request_is_forged", "test_no_header_breaks_the_guard"}),
    (Telling, {"test_the_refusal_tells_nothing"}),
    (Ageless, {"test_a_stale_request_is_forged", "test_another_accounts_events_are_forged"}),
    (Counting, {"test_the_same_told_twice_has_the_same_keys", "test_receipts_tell_the_same_in_any_order"}),
    (Dropping, {"test_unknown_events_are_put_aside_or_kept"}),
    (Fragile, {"test_garbage_is_malformed"}),
    (OneKey, {"test_receipts_tell_the_same_in_any_order", "test_a_sample_becomes_what_is_written_down_for_it"}),
    (Boasting, {"test_the_longest_text_arrives_whole", "test_every_part_is_carried_or_refused",
                "test_the_declared_reports_come"}),
    (Hopeful, {"test_a_refusal_says_what_to_do", "test_an_unreadable_success_leaves_the_outcome_unknown"}),
    (Impatient, {"test_a_refusal_says_what_to_do"}),
    (Chatty, {"test_nothing_private_is_said"}),
    (Quoting, {"test_nothing_private_is_said"}),
    (Showing, {"test_the_set_up_names_our_url_and_no_secret"}),
    (Inventing, {"test_the_recipient_is_the_one_named"}),
    (Foreigner, {"test_the_adapter_says_what_it_is"}),
    (Cheerful, {"test_the_declared_reports_come"}),
]  # fmt: skip


def failing_checks(subject: Subject, names: Iterable[str]) -> set[str]:
    """Those of these checks of the kit that this subject does not pass."""
    suite = type("Suite", (Conformance,), {"subject": subject})()
    return {name for name in names if not all(_passes(getattr(suite, name), case) for case in _cases(suite, name))}


def _cases(suite: Any, name: str) -> list[dict[str, Any]]:
    arguments = getattr(suite, name).__code__.co_varnames[: getattr(suite, name).__code__.co_argcount]
    given = {"sample": suite.subject.sample_names, "refusal": suite.subject.refusals, "part": list(EXAMPLES.values())}
    asked = next((argument for argument in arguments if argument in given), None)
    return [{asked: value} for value in given[asked]] if asked else [{}]


def _passes(check: Callable[..., None], case: dict[str, Any]) -> bool:
    try:
        check(**case)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001  whatever an unfaithful adapter raises, it is found out
        return False
    return True


def test_a_faithful_adapter_passes(tmp_path: Path) -> None:
    """The kit asks nothing that the contract does not."""
    every = [name for name in dir(Conformance) if name.startswith("test_")]
    assert len(every) > 25
    assert failing_checks(make_subject(tmp_path), every) == set()


@pytest.mark.parametrize(("make", "found_by"), SABOTAGE, ids=[make.__name__ for make, _ in SABOTAGE])
def test_an_unfaithful_adapter_is_found_out(tmp_path: Path, make: type[ToySms], found_by: set[str]) -> None:
    """Each breach of the contract fails the checks that guard it: none of them is a check that cannot fail."""
    assert failing_checks(make_subject(tmp_path, make), found_by) == found_by


def test_every_check_can_fail(tmp_path: Path) -> None:
    """What no sabotage above finds out is found out by a subject that lies."""
    lies: dict[str, dict[str, Any]] = {
        "test_the_webhooks_are_declared": {"make": type("Mute", (ToySms,), {"kinds": frozenset()})},
        "test_unknown_events_are_put_aside_or_kept": {"unknown": []},
        "test_the_usual_refusals_are_told_apart": {"refusals": []},
    }
    subject = make_subject(tmp_path)
    other = subject.stranger("http://127.0.0.1:9")
    lies["test_what_the_provider_signed_passes"] = {"account": lambda _: other}
    lies["test_what_we_sign_is_what_the_provider_signs"] = {
        "sign": lambda _, request: msgspec.structs.replace(request, headers={})
    }
    for check, lie in lies.items():
        assert failing_checks(make_subject(tmp_path, **lie), [check]) == {check}


def test_pytest_finds_the_kit_by_itself(tmp_path: Path) -> None:
    """An author inherits the class and runs pytest; each sample, refusal and kind of part is a test of its own."""
    (tmp_path / "test_toy.py").write_text(
        "from pathlib import Path\n"
        "from channels.kit import Conformance\n"
        "from tests.channels.kit.toy import make_subject\n"
        "class TestToy(Conformance):\n"
        "    subject = make_subject(Path(__file__).parent / 'samples')\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir",
               str(tmp_path), "test_toy.py"]  # fmt: skip
    root = str(Path(__file__).parents[3])
    ran = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": root, "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
    assert int(ran.stdout.rsplit("\n", 2)[-2].split(" passed")[0]) > 60
