"""Which dates count: before or after the cut-over, and where a document stands in time."""

from datetime import date

from schemas.decisions import MappingPublished
from schemas.errors import CannotGoOn
from streams.ledger.known.books import Books
from streams.ledger.known.made import Made
from streams.ledger.stopping import reasons


def before_cut_over(number: str, *, day: date, entered: str, cut_over: date) -> CannotGoOn | None:
    """Return why a document dated `day` does not go from here, or None where it does.

    Args:
        number: Its number, for the reason.
        day: Its document date.
        entered: When it began to count in Zuora: the posted stamp of an invoice or memo, when a payment was made. The
            day is that of the tenant's zone, which the stamp carries.
        cut_over: The agreed date.

    Raises:
        CannotGoOn: It is dated before the cut-over and was entered after it: nobody loaded it.
    """
    if day >= cut_over:
        return None
    if day_of(entered, day) >= cut_over:
        raise CannotGoOn(reasons.posted_after_cut_over(number, day, entered))
    return CannotGoOn(reasons.before_cut_over(number, day, cut_over))


def dates_of(
    made: Made, *, number: str, day: date, n: int, version: MappingPublished, books: Books, kind: str
) -> tuple[date, date | None]:
    """Return the posting date of post n of a document dated `day`, and that day where the posting date is another.

    What is posted keeps its dates when it is decided again; only another mapping may move it out of a closed period.

    Raises:
        CannotGoOn: The period is not open, and the site holds, or no later period is open.
    """
    stands = made.live and made.n == n
    holds = version.mapping.policy.in_closed(kind) == "hold"
    if stands and (holds or version.version == made.mapping_version):
        return made.posting_date, made.original_date
    return books.posting_date(number, day, version.mapping, kind=kind)


def day_of(stamp: str, otherwise: date) -> date:
    """Return the day of a stamp in the tenant's zone, which it carries."""
    try:
        return date.fromisoformat(stamp[:10])
    except ValueError:
        return otherwise
