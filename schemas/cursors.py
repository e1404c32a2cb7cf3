"""Topic `cursors`: how far a poll, a backfill or a re-read has come, by Zuora's stamps; written after the records.

Each kind has one key per way of reading, and only the newest event of a key matters.
"""

from datetime import date, datetime

from msgspec import UNSET, UnsetType

from schemas.codec import Event


class Cursor(Event, frozen=True, kw_only=True, tag="cursor"):
    """All rows of this kind with a stamp before `read_to` have been read once.

    Attributes:
        kind: The kind of object, e.g. `invoice`, or `bill_run`.
        read_to: Upper bound of the last whole window, by Zuora's clock.
        quiet_since: From here on up to `read_to` no row was listed, so the next window begins here: a bound that was
            told too far ahead passes nothing over. Absent where that is not known.
    """

    connection: str
    kind: str
    read_to: datetime
    quiet_since: datetime | UnsetType = UNSET


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


class Reread(Event, frozen=True, kw_only=True, tag="reread"):
    """What the rolling re-read of this kind has proved and found: what stands behind the cursor, read once more.

    Attributes:
        kind: The kind of object.
        at: When a slice was last proved, by Zuora's clock.
        since: First stamp of that slice.
        until: Behind its last stamp.
        proved_s: How many seconds of time behind the cursor are proved in this turn.
        turn_s: How many there are.
        turns: How often everything has been proved.
        rows: How many rows were compared.
        late: Rows that were committed behind the cursor, and that only this found.
        changed: Changes that only this found.
        deleted: Objects that the log holds and Zuora has no more.
    """

    connection: str
    kind: str
    at: datetime
    since: datetime
    until: datetime
    proved_s: int
    turn_s: int
    turns: int = 0
    rows: int = 0
    late: int = 0
    changed: int = 0
    deleted: int = 0


Position = Cursor | Backfill | Reread
