"""The errors of the product, drawn as a tree; each family is named for the reaction it needs.

    ConnectorError
    ├── Transient            try again later, with jitter, after `retry_after_s` where the other side gave one
    │   ├── NotSent          ... and certainly no byte was sent
    │   └── Overloaded       ... and ask less at once
    ├── OutcomeUnknown       a write may or may not have happened: look it up, never repeat it blindly
    ├── Rejected             the other side said no for a business reason: park
    ├── Refused              credentials or permission: stop this lane, say so, probe again by itself
    │   └── NotAllowed       ... of this one call; the credentials are good
    ├── Conflict             the same reference stands there with other content: park, never overwrite
    ├── Misconfigured        a setting is wrong: say which and where, do not start
    ├── Unreadable           bytes that are no event of ours: dead letter
    └── CannotGoOn           a document cannot be decided now; carries the reason that a person reads
    InvariantViolation       a programmer's error: crash; it stands apart so that nobody catches it by accident

Adapters translate foreign exceptions once, at the edge. A message says what happened, to which id, and what to do
now; it never holds a secret or personal data.
"""

from schemas.reasons import Reason


class ConnectorError(Exception):
    """Any operating error: to be handled by its family.

    Attributes:
        codes: What the other side calls it, where it gave codes.
        process_id: What its support finds it by, where it gave that.
    """

    codes: tuple[str, ...] = ()
    process_id: str = ""


class Transient(ConnectorError):
    """The other side could not answer now.

    Attributes:
        retry_after_s: Seconds the other side asked to wait, or None.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotSent(Transient):
    """No byte was sent: no connection could be made, or the intent was too old for it."""


class Overloaded(Transient):
    """The other side has no room for another call: its licences, sessions or limits are used up."""


class OutcomeUnknown(ConnectorError):
    """A write was sent and no answer says what became of it.

    Attributes:
        answer: What came in the place of an answer, scrubbed; "" where nothing came.
    """

    def __init__(self, message: str, *, answer: str = "") -> None:
        super().__init__(message)
        self.answer = answer


class Rejected(ConnectorError):
    """The other side refused for a business reason and changed nothing.

    Attributes:
        reason_class: The class of the refusal, e.g. "period_closed" (see streams/sink/answers.py).
        messages: What the other side said, scrubbed, in its own words.
        fields: Names of the fields it complained of, as it labels them.
        values: What stood in them, in the same order; they may be personal data, and are no part of the message.
        answer: The whole of its answer, scrubbed.
    """

    def __init__(
        self,
        reason_class: str,
        messages: tuple[str, ...],
        fields: tuple[str, ...] = (),
        *,
        values: tuple[str, ...] = (),
        answer: str = "",
    ) -> None:
        super().__init__(f"{reason_class}: " + "; ".join(messages))
        self.reason_class = reason_class
        self.messages = messages
        self.fields = fields
        self.values = values
        self.answer = answer


class Refused(ConnectorError):
    """Credentials are wrong or a permission is missing: no document of this connection can go."""


class NotAllowed(Refused):
    """This call is not the user's to make; others may go."""


class Conflict(ConnectorError):
    """The same reference stands there with other content.

    Attributes:
        expected: What we meant to find, as `column=value` words.
        actual: What stands there.
    """

    def __init__(self, message: str, *, expected: str, actual: str) -> None:
        super().__init__(message)
        self.expected = expected
        self.actual = actual


class Misconfigured(ConnectorError):
    """A setting, profile or mapping is wrong; the message says file, place, reason and what to do."""


class Unreadable(ConnectorError):
    """Bytes that are no event of ours, or of a newer version than this process knows."""


class CannotGoOn(ConnectorError):
    """A document cannot be decided now.

    Attributes:
        reason: Why, in words for a person, with what it waits for.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message)
        self.reason = reason


class InvariantViolation(Exception):
    """A promise of the code itself is broken: a programmer's error, never handled."""
