"""Why a posting stands still after QAD answered, or did not: the reason that a person reads.

What a class of refusal means is data (meanings.py); here it becomes the reason of one posting.
"""

from schemas.errors import Conflict, InvariantViolation, Rejected
from schemas.outcomes import Document, Parked, Waiting
from schemas.postings import OpeningContent, Posting
from schemas.reasons import Reason
from streams import waits
from streams.ports import FoundInQad
from streams.sink.meanings import CUSTOMER, MEANINGS, OPEN_ITEM, REFUSED_HERE, UNCLASSIFIED
from streams.sink.state import CONFLICT, CRASHED, GONE, LOG_NOT_WHOLE, NEVER_ENTERED, NO_ENTRY, NO_LOOK_UP
from streams.sink.steps import moved_by

# Codes, days and amounts are shorter.
_VALUE_LENGTH = 80


def refusal(rejected: Rejected, posting: Posting, *, customer: str = "") -> tuple[type[Waiting] | type[Parked], Reason]:
    """Return where a posting stands after QAD refused it, and why, for a person.

    What an open item does not allow is tried again when another posting of ours moves an amount on it: two documents
    that share an item come in any order.

    Args:
        rejected: What QAD said.
        posting: What was sent.
        customer: The one customer it was sent for, "" where there are several.
    """
    number = posting.number
    meaning = (MEANINGS | REFUSED_HERE).get(rejected.reason_class)
    if meaning is None:
        return Parked, Reason(
            rule=UNCLASSIFIED,
            message=f"{number}: QAD refused it and the profile does not know why",
            next_step="Read what QAD said; add its code to the profile's error classes; then release the document.",
            field=", ".join(rejected.fields),
        )
    tells_words = meaning.tells == "words" and rejected.messages
    return meaning.how, Reason(
        rule=rejected.reason_class,
        message=f"{number}: {meaning.sentence}{': ' + rejected.messages[0] if tells_words else ''}",
        next_step=meaning.next_step,
        field=", ".join(rejected.fields),
        value="" if meaning.tells == "words" else ", ".join(filter(None, rejected.values))[:_VALUE_LENGTH],
        waits_for=(*meaning.waits_for, *_about(rejected.reason_class, posting, customer)),
    )


def _about(reason_class: str, posting: Posting, customer: str) -> tuple[str, ...]:
    """Return the keys of what this one posting was refused for."""
    if reason_class == CUSTOMER:
        return (waits.qad_reference("customer", customer),)
    return tuple(map(waits.item, moved_by(posting))) if reason_class == OPEN_ITEM else ()


def conflict(found: Conflict, *, number: str, answered: Document | None = None) -> Reason:
    """Return why a document parks whose reference stands in QAD with other content.

    Args:
        found: What differs.
        number: Zuora's number.
        answered: Its key, where QAD said so in its yes: it has just made it, and otherwise than it was sent.
    """
    what = "its reference stands in QAD"
    if answered is not None:
        what = f"QAD has just made it as {answered.daybook} {answered.voucher} of {answered.year}"
    return Reason(
        rule=CONFLICT,
        message=f"{number}: {what} with other content ({found.actual}, not {found.expected})",
        next_step="Look at both and mend it in QAD, then release the document: it is looked up again before anything "
        "is sent.",
        value=found.actual,
    )


def no_entry(found: FoundInQad, *, number: str) -> tuple[type[Waiting] | type[Parked], Reason]:
    """Return why a document does not count as posted that QAD has without its GL entry.

    Raises:
        InvariantViolation: It has made it.
    """
    if found.no_entry is None:
        raise InvariantViolation(f"{number} has made its GL entry")
    key, status = found.document, found.no_entry.status
    where = f"{key.daybook} {key.voucher} of {key.year}"
    told = f"in status {status}" if status else "and does not say in which status"
    if found.no_entry.never:
        return Parked, Reason(
            rule=NEVER_ENTERED,
            message=f"{number}: QAD has it as {where} {told}, which never makes a GL entry",
            next_step="Where it is right after all, give it a status there that makes the entry; where it is to be "
            "posted anew, take our reference off it there. Then release the document: it is looked up first.",
            value=status,
        )
    return Waiting, Reason(
        rule=NO_ENTRY,
        message=f"{number}: QAD has it as {where} {told}: its GL entry is not made yet",
        next_step=f"Process {where} in QAD. It goes on by itself when QAD shows it posted; release the document to "
        "have it looked up at once. It is not sent a second time.",
        value=status,
    )


def gone(number: str) -> Reason:
    """Return why a document parks that QAD had without its GL entry, and does not show any more."""
    return Reason(
        rule=GONE,
        message=f"{number}: QAD had it without its GL entry, and does not show it any more",
        next_step="Ask who took it out of QAD. Where that was right and Zuora has it still, release the document and "
        "it is sent anew; else undo it in Zuora.",
    )


def not_sendable(number: str, what: str) -> Reason:
    """Return why a posting parks that is not what it was built as: nothing of it was sent."""
    return Reason(
        rule="not_sendable",
        message=f"{number}: {what}",
        next_step="Report it, with ml-connector trace: somebody changed a posting, or this is a bug of ours.",
    )


def crashed(number: str, times: int) -> Reason:
    """Return why a posting parks at which an error of ours ended the lane again and again."""
    return Reason(
        rule=CRASHED,
        message=f"{number}: {times} crashes at this document; the others go on",
        next_step="Report it, with the log and ml-connector trace: this is a bug of ours. After a fix, release the "
        "document: if it may be in QAD, that is asked first; where the profile has no look-up, look there yourself.",
    )


def no_look_up(number: str) -> Reason:
    """Return why a document parks whose fate is unknown where no look-up is configured."""
    return Reason(
        rule=NO_LOOK_UP,
        message=f"{number}: QAD gave no answer, and the profile has no look-up for this kind of document",
        next_step="Look in QAD, a minute later, whether it is there; where it is not, release the document and it is "
        "sent.",
    )


def log_not_whole(number: str) -> Reason:
    """Return why a document parks that may have been sent although the log does not say so, with no look-up for it."""
    return Reason(
        rule=LOG_NOT_WHOLE,
        message=f"{number}: the log of outcomes lost its end, and the profile has no look-up for this kind of document",
        next_step="Look in QAD whether it is there; where it is not, release the document and it is sent.",
    )


def opening_stop(content: OpeningContent, found: Document | None) -> Reason | None:
    """Return why what refers to an opening item cannot go on, or None where it is the one that is meant.

    Args:
        content: What is looked for.
        found: What QAD shows under its number.
    """
    if found is None:
        return _opening_not_found(content.number)
    if content.customer in ("", found.customer):
        return None
    return Reason(
        rule="opening_elsewhere",
        message=f"{content.number}: it is from before the cut-over and stands in QAD under "
        f"{found.customer or 'no customer'}; Zuora has it under {content.customer}, and has changed it since",
        next_step=f"Where it was transferred since the cut-over, or loaded under the wrong customer: move it to "
        f"{content.customer} in QAD by hand, keeping the Zuora number, then release the document.",
        value=found.customer,
    )


def _opening_not_found(number: str) -> Reason:
    return Reason(
        rule="opening_not_found",
        message=f"{number}: it is from before the cut-over, and QAD has no open item with this number",
        next_step="Load the opening item into QAD with the Zuora number, then release the document.",
        value=number,
    )
