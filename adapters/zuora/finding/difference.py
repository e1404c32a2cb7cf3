"""How a slice of the past as Zuora lists it differs from what the log holds. Pure: it reads nothing."""

import msgspec

from adapters.store.inventory import Held
from adapters.zuora.reading.rows import Header
from streams.identity import digest_of_parent, moment_of


class Difference(msgspec.Struct, frozen=True):
    """How a slice as Zuora lists it differs from what the log holds.

    Attributes:
        late: Rows that the log does not hold at all.
        changed: Rows that the log holds with an older stamp, or with other content of the same one.
        restated: Of a kind whose content changes without its stamp, those with other content of the same one.
        absent: What the log holds in this slice and Zuora does not list there, by id.
    """

    late: list[Header]
    changed: list[Header]
    restated: list[Header]
    absent: dict[str, Held]

    @property
    def anything(self) -> bool:
        """Whether they differ."""
        return bool(self.late or self.changed or self.restated or self.absent)


def difference(
    listed: dict[str, Header], held: dict[str, Held], there: dict[str, Held], *, moves_silently: bool = False
) -> Difference:
    """Compare a slice as Zuora lists it with what the log holds.

    Args:
        listed: What Zuora lists in the slice, by id.
        held: What the log holds of these.
        there: What the log holds in the slice.
        moves_silently: Its content changes without its stamp.
    """
    late, changed, restated = list[Header](), list[Header](), list[Header]()
    for name, header in listed.items():
        known, moment = held.get(name), moment_of(header.updated)
        if known is None:
            late.append(header)
        elif moment is not None:
            stamp_s = int(moment.timestamp())
            if stamp_s > known.stamp_s:
                changed.append(header)
            elif stamp_s == known.stamp_s and digest_of_parent(header.raw) != known.digest:
                (restated if moves_silently else changed).append(header)
    return Difference(late, changed, restated, {name: known for name, known in there.items() if name not in listed})
