"""Remembered answers at rest: some hold a secret that is shown once, all hold somebody's words, so all are sealed."""

from __future__ import annotations

import msgspec

from inbox.kit.errors import Problem
from inbox.kit.idempotency import RememberedAnswer
from inbox.kit.secrets import SEAL_VERSION, SecretBox, WrongKey


class AnswerVault:
    """Seals and opens the answer to one request. Without a box, as in an application without a key, nothing is."""

    def __init__(self, box: SecretBox | None, *, place: str) -> None:
        self._box = box
        self._place = place

    def sealed(self, answer: RememberedAnswer) -> RememberedAnswer:
        """The answer as it is stored."""
        if self._box is None or not answer.body:
            return answer
        return msgspec.structs.replace(answer, body=self._box.seal(answer.body, bound_to=self._place))

    def opened(self, answer: RememberedAnswer) -> RememberedAnswer:
        """The answer as it was given; one that cannot be opened any more is not given again, nor acted on again."""
        if self._box is None or not answer.body.startswith(SEAL_VERSION):
            return answer
        try:
            body = self._box.open_sealed(answer.body, bound_to=self._place)
        except WrongKey as error:
            detail = "this request has been answered, but its answer can no longer be read"
            raise Problem("state_conflict", detail, hint="Read what it made; a new request needs a new key.") from error
        return msgspec.structs.replace(answer, body=body)
