"""The classes of QAD's refusals, in the accountant's words: what is wrong, what mends it, what releases the document.

Who mends it is in streams/mending.py; which words of a tenant belong to a class is its profile's. A class that is not
here is unclassified: parked, and an alarm for us. Source: reference/qad.md 4.
"""

from typing import Literal

import msgspec

from schemas.outcomes import Parked, Waiting
from streams import waits
from streams.sink.state import DUPLICATE

UNCLASSIFIED = "unclassified"
OPEN_ITEM = "open_item"
CUSTOMER = "customer"
FIELD = "field"
NO_SUCH_KIND = "no_such_kind"


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What a class of refusal means.

    Attributes:
        sentence: What is wrong.
        next_step: What mends it.
        waits_for: Keys that release it when they change in QAD; the customer's is added in `answers.refusal`.
        how: Whether it goes on by itself.
        tries: How often it is called, with growing pauses, before the refusal counts.
        tells: What of QAD's own answer the reason repeats: the value of the field, where that is a code, a day or an
            amount; or its words, where only they say what is wrong and the value may be a person's.
    """

    sentence: str
    next_step: str
    waits_for: tuple[str, ...] = ()
    how: type[Waiting] | type[Parked] = Parked
    tries: int = 1
    tells: Literal["value", "words"] = "value"


MEANINGS: dict[str, Meaning] = {
    "period_closed": Meaning(
        sentence="QAD's period is not open for receivables",
        next_step="It goes on when QAD opens the period.",
        waits_for=(waits.qad_reference("period"),),
        how=Waiting,
    ),
    "gl_account": Meaning(
        sentence="QAD does not take a posting to this GL account or its analysis",
        next_step="Mend the account in QAD; or map to another, publish the mapping, and release the document.",
        waits_for=(waits.qad_reference("gl_account"),),
    ),
    CUSTOMER: Meaning(
        sentence="QAD does not take documents for this customer",
        next_step="Mend the customer in QAD (active, complete, not on hold); it goes on when QAD shows it.",
    ),
    "daybook": Meaning(
        sentence="QAD does not take this document in this daybook",
        next_step="Mend the daybook in QAD, or name another in the mapping, publish it, and release the document.",
        waits_for=(waits.qad_reference("daybook"),),
    ),
    "exchange_rate": Meaning(
        sentence="QAD has no exchange rate for this currency and date, or it is out of tolerance",
        next_step="Enter the rate in QAD, then release the document.",
    ),
    "currency": Meaning(
        sentence="QAD does not take this currency",
        next_step="Set the currency up in QAD; it goes on when QAD shows it.",
        waits_for=(waits.qad_reference("currency"),),
    ),
    "unbalanced": Meaning(
        sentence="QAD says that the document does not balance",
        next_step="Look at tax and rounding in QAD's set-up; then release the document. Its sum was checked before.",
    ),
    OPEN_ITEM: Meaning(
        sentence="QAD's open item does not allow this amount: it is closed, or less is open than Zuora applies",
        next_step="It goes on when we free an amount there. If it stays: somebody allocated the item in QAD by hand; "
        "undo that, then release the document.",
    ),
    DUPLICATE: Meaning(
        sentence="QAD says that this document exists already, and it is not found under our reference",
        next_step="Find it in QAD; mend its reference, or take it out there; then release the document: it is looked "
        "up again before anything is sent.",
    ),
    "locked": Meaning(
        sentence="somebody else has a record open in QAD that this document needs, and keeps it open",
        next_step="Ask in QAD who has it open, and have it closed. It is tried again every hour; release the document "
        "to have it tried at once.",
        # Nothing that QAD shows tells when a lock ends: it goes on by the hourly try alone.
        waits_for=(waits.qad_reference("lock"),),
        how=Waiting,
        tries=8,
    ),
    "changed_meanwhile": Meaning(
        sentence="QAD says that a record was changed by somebody else meanwhile, each time it was tried",
        next_step="See in QAD who changes it (another integration, a running batch), then release the document.",
        tries=3,
    ),
    FIELD: Meaning(
        sentence="QAD does not take a field's length or form",
        next_step="Look at the field in the QAD profile and the mapping, then release the document.",
        tells="words",
    ),
}


# What is refused before it reaches QAD: no profile sorts anything into it.
REFUSED_HERE: dict[str, Meaning] = {
    NO_SUCH_KIND: Meaning(
        sentence="the QAD profile does not say how this kind of document is made",
        next_step="Add the table that the message names to the profile, confirm it, restart, and release the document; "
        "or book it in QAD by hand, naming the Zuora number.",
    ),
}


def tries_of(reason_class: str) -> int:
    """Return how often a posting is called before a refusal of this class counts: most count at once."""
    meaning = MEANINGS.get(reason_class)
    return meaning.tries if meaning is not None else 1
