"""Topic `dead-letters`: bytes that could not be read, whole, with where they came from and why."""

from schemas.codec import Event


class DeadLetter(Event, frozen=True, kw_only=True, tag="dead_letter"):
    """One record that a stage could not read. It is put back after a fix, once.

    Attributes:
        topic: Name of the topic it stood in, without the namespace.
        offset: Its offset in the partition of this connection.
        at_ms: Timestamp of the original record, in milliseconds.
        stage: The stage that could not read it.
        reason: One sentence.
        next_step: What to do now.
        key: Key of the original.
        value: The original bytes; none where a letter with them would be too large: they stand at that offset.
    """

    connection: str
    topic: str
    offset: int
    at_ms: int
    stage: str
    reason: str
    next_step: str
    key: bytes
    value: bytes
