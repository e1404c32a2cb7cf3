"""How marks become calls: what differs from what stands there, in groups, each under a name that says what it does.

The name is Zuora's idempotency key, so a call that is repeated because no answer came is answered, not done again. It
is made of what stood there when the object was read: a call that was done leaves nothing that differs, and whoever
changed the object since makes it another call. It must never be made of a time or a chance.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from schemas.codec import canonical
from schemas.ids import hash_of
from schemas.reasons import Reason
from streams.mark.marks import Mark
from streams.ports import Stands

# What Zuora takes in one call.
GROUP_MAX = 50
# What failed and may pass is tried again in groups half as large, so that one that never passes is alone in the end.
TRIES_MAX = 7


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A mark, and what of it does not stand on its object yet."""

    mark: Mark
    stands: Stands
    fields: dict[str, str]

    @property
    def object(self) -> dict[str, str]:
        """What is sent."""
        return {"Id": self.mark.id, **self.fields}


def change_of(mark: Mark, stands: Stands) -> Change:
    """Return what is to change on an object; no fields where all stands there."""
    fields = {name: value for name, value in mark.fields.items() if stands.values.get(name, "") != value}
    return Change(mark=mark, stands=stands, fields=fields)


def name_of(connection: str, type_name: str, changes: Sequence[Change]) -> str:
    """Return the name of a call, 37 characters: the same one for the same changes of the same objects as they stand."""
    what = [
        [change.mark.id, change.mark.input_pass, change.stands.stamp, change.fields, _before(change)]
        for change in changes
    ]
    return "mark." + hash_of(connection.encode(), type_name.encode(), canonical(what))


def _before(change: Change) -> Mapping[str, str]:
    return {name: change.stands.values.get(name, "") for name in change.fields}


def groups_of(marks: Sequence[Mark], tries: int) -> Iterator[Sequence[Mark]]:
    """Yield the marks of one type in groups, each half as large as at the try before."""
    size = max(GROUP_MAX >> tries, 1)
    for start in range(0, len(marks), size):
        yield marks[start : start + size]


def refused(mark: Mark, said: str) -> Reason:
    """Return why a mark is parked that Zuora refuses for good."""
    return Reason(
        rule="mark_refused",
        message=f"{mark.number}: Zuora does not take {_named(mark)}: {said}",
        next_step="Mend the field or the rights in Zuora, then release it. The document in QAD is not touched by this.",
    )


def failed(mark: Mark, said: str) -> Reason:
    """Return why a mark is parked that Zuora could not take in so many tries."""
    return Reason(
        rule="mark_failed",
        message=f"{mark.number}: Zuora failed {TRIES_MAX} times to take {_named(mark)}: {said}",
        next_step="Release it when Zuora is well. The document in QAD is not touched by this.",
    )


def not_taken(mark: Mark, said: str) -> Reason:
    """Return why a mark is left out: Zuora takes none of such a call."""
    return Reason(rule="mark_not_taken", message=f"{mark.number}: Zuora takes no mark of {mark.type_name} here: {said}")


def not_found(mark: Mark) -> Reason:
    """Return why a mark is left out: there is no such object."""
    return Reason(rule="mark_not_found", message=f"Zuora has no {mark.document} any more: there is nothing to mark")


def _named(mark: Mark) -> str:
    return " and ".join(f"{name} = {value}" for name, value in mark.fields.items())
