"""Why a document stands still, in words that a person can act on."""

import msgspec


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a document is waiting, parked or ignored.

    Attributes:
        rule: Stable name of the rule, e.g. "unmapped_code"; reports group by it.
        message: One sentence: what is wrong, with the document's number and the field.
        next_step: What to do now, and who does it.
        field: The field at fault, in the words of the system it comes from.
        value: Its value, when that is no personal data.
        waits_for: Keys that release the document when they change (see streams/waits.py).
        blocked_by: The posting or document that must go first, where there is one.
    """

    rule: str
    message: str
    next_step: str = ""
    field: str = ""
    value: str = ""
    waits_for: tuple[str, ...] = ()
    blocked_by: str = ""
