"""Before or after the cut-over: what others loaded into QAD, what goes from here, and what nobody has booked."""

from datetime import date

from schemas.errors import CannotGoOn
from streams.identity import moment_of
from streams.ledger import reasons


def check_cut_over(number: str, *, day: date, posted_stamp: str, cut_over: date) -> None:
    """Hold that a document dated `day` goes from here.

    Raises:
        CannotGoOn: It was loaded by others, or is dated before the cut-over and was posted after it.
    """
    if day >= cut_over:
        return
    posted = moment_of(posted_stamp)
    if posted is not None and posted.date() >= cut_over:
        raise CannotGoOn(reasons.posted_after_cut_over(number, day, posted_stamp))
    raise CannotGoOn(reasons.before_cut_over(number, day, cut_over))
