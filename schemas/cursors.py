"""Topic `cursors`: how far a poll, or a backfill, has read, by Zuora's stamps; written after the page's records.

Each kind has one key per way of reading, and only the newest event of a key matters.
"""

from datetime import date, datetime

from schemas.codec import Event


class Cursor(Event, frozen=True, kw_only=True, tag="cursor"):
    """All rows of this kind with a stamp before `read_to` have been read once.

    Attributes:
        kind: The kind of object, e.g. `invoice`, or `bill_run`.
        read_to: Upper bound of the last whole window, by Zuora's clock.
    """

    connection: str
    kind: str
    read_to: datetime


class Backfill(Event, frozen=True, kw_only=True, tag="backfill"):
    """All rows of this kind that a backfill asks for, with a stamp before `read_to`, have been read once.

    Attributes:
        kind: The kind of object.
        first_day: The day from which on documents are asked for, and whatever changed since.
        until: Where the backfill ends, by Zuora's clock: when it was begun.
        read_to: How far it has come.
        records: How many records it has written of this kind.
    """

    connection: str
    kind: str
    first_day: date
    until: datetime
    read_to: datetime
    records: int

    @property
    def finished(self) -> bool:
        """Whether nothing is left to be read."""
        return self.read_to >= self.until


Position = Cursor | Backfill
