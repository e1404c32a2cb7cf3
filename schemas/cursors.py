"""Topic `cursors`: how far a poll has read, by Zuora's stamps; written after the page's records are acknowledged."""

from datetime import datetime

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
