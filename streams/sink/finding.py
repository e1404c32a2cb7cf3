"""What a document that QAD shows means: it is the one that was meant, and in the books, or it is not.

Told by its control columns, never by reference alone; the same whether it was looked up or shown with QAD's yes.
"""

from typing import Literal

from schemas.errors import Conflict
from schemas.ids import PostingId
from schemas.money import ZERO
from schemas.outcomes import Intended, Parked, Posted, Waiting
from streams.ports import Accepted, FoundInQad
from streams.sink import answers, saying
from streams.sink.saying import Job


def say_shown(
    job: Job,
    intent: Intended,
    found: FoundInQad,
    *,
    how: Literal["answer", "look_up"],
    untold: tuple[PostingId, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Posted | Parked | Waiting:
    """Say where a posting stands whose document QAD shows.

    Args:
        job: The posting.
        intent: What was meant.
        found: What QAD shows.
        how: Whether it was shown with QAD's yes, or looked up.
        untold: Allocations of which nobody can tell whether it carries them.
        warnings: What QAD said beside its yes.
    """
    number = job.posting.number
    try:
        check_control(found, intent)
    except Conflict as error:
        answered = found.document if how == "answer" else None
        reason = answers.conflict(error, number=number, answered=answered)
        return saying.say_still(job, Parked, reason, said=warnings)
    if found.no_entry is not None:
        return saying.say_still(job, *answers.no_entry(found, number=number), said=warnings)
    return saying.say_posted(job, intent, found.document, how=how, untold=untold, warnings=warnings)


def shown_by(answer: Accepted, intent: Intended) -> FoundInQad:
    """Return what a yes of QAD's shows of a document."""
    return FoundInQad(reference=intent.reference, document=answer.document, tax=answer.tax, no_entry=answer.no_entry)


def check_control(found: FoundInQad, intent: Intended) -> None:
    """Hold that customer, currency, total, tax and date are what was intended, as far as QAD shows them.

    Raises:
        Conflict: A column differs: another document carries our reference, somebody changed ours, or QAD did.
    """
    document = found.document
    pairs = (
        ("customer", intent.customer, document.customer),
        ("currency", intent.currency, document.currency),
        ("total", intent.total, document.total),
        ("date", intent.day, found.day),
        # Where none was sent QAD must not have reckoned any.
        ("tax", intent.tax or ZERO, found.tax),
    )
    differing = [(name, meant, there) for name, meant, there in pairs if there not in ("", None) and there != meant]
    if differing:
        raise Conflict(
            f"{intent.number}: found in QAD with other content",
            expected=", ".join(f"{name}={meant}" for name, meant, _ in differing),
            actual=", ".join(f"{name}={there}" for name, _, there in differing),
        )
