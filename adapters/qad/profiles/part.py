"""What every table of a profile is: its keys are known, and nothing in it changes once it is read."""

from typing import Annotated

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what stands in the file."""


# A fixed value of a field.
Value = str | int | bool

# A day at most: what is longer is a slip of the pen.
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
