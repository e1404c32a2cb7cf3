"""Why the ledger stage holds a document, in sentences; and which of them waits or is ignored instead of parked."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from schemas.errors import CannotGoOn
from schemas.outcomes import Ignored, Parked, Waiting
from schemas.reasons import Reason
from streams import waits

# Rules that are not for a person; every other rule parks.
HOW: dict[str, type[Waiting] | type[Parked] | type[Ignored]] = {
    "no_mapping": Waiting,
    "reference_not_read": Waiting,
    "period_closed": Waiting,
    "period_not_defined": Waiting,
    "more_than_charged": Waiting,
    "invoice_not_decided": Waiting,
    "e_invoice_not_cleared": Waiting,
    "not_posted": Ignored,
    "deleted": Ignored,
    "before_cut_over": Ignored,
    "zero": Ignored,
    "already_in_erp": Ignored,
    "already_deallocated": Ignored,
    "same_customer": Ignored,
    "refunded_whole": Ignored,
    "payment_taken_back": Ignored,
    "refund_known_otherwise": Ignored,
}
# The gravest first: a document of which some parks is parked, whatever waits beside it.
_GRAVEST = (Parked, Waiting, Ignored)


def verdict_of(stops: Sequence[CannotGoOn]) -> tuple[type[Waiting] | type[Parked] | type[Ignored], Reason]:
    """Return how a document stands still for these reasons, and the gravest of them with what each waits for.

    Args:
        stops: One or more; of equally grave ones the first counts.
    """
    how, reason = min(((HOW.get(stop.reason.rule, Parked), stop.reason) for stop in stops), key=_gravity)
    others = [stop.reason for stop in stops if stop.reason != reason and HOW.get(stop.reason.rule) is not Ignored]
    waits_for = dict.fromkeys(key for stop in stops for key in stop.reason.waits_for)
    message = "; ".join(dict.fromkeys(one.message for one in (reason, *others)))
    return how, msgspec.structs.replace(reason, message=message, waits_for=tuple(waits_for))


def holds(stops: Sequence[CannotGoOn]) -> bool:
    """Return whether any of these waits, or is for a person."""
    return any(HOW.get(stop.reason.rule) is not Ignored for stop in stops)


def _gravity(found: tuple[type[Waiting] | type[Parked] | type[Ignored], Reason]) -> int:
    return _GRAVEST.index(found[0])


def unknown_value(number: str, *, field: str, value: str) -> Reason:
    """Say that Zuora uses a word that this version does not know."""
    return Reason(
        rule="unknown_value",
        message=f"{number}: {field} {value[:40]!r} is not known to this version",
        next_step="Look it up in Zuora's documentation and report it; a version that knows it releases the document.",
        field=field,
        value=value[:40],
    )


def no_accounting_code(number: str, line: str) -> Reason:
    """Say that Zuora gives no accounting code for a line."""
    return Reason(
        rule="no_accounting_code",
        message=f"{number}: line {line} has no accounting code in Zuora",
        next_step="Give the charge an accounting code in Zuora and correct the invoice; it is read again then.",
        field="accountingCode",
    )


def total_mismatch(number: str, *, header: str, lines: str, currency: str) -> Reason:
    """Say that lines and tax do not come to the header's total."""
    return Reason(
        rule="total_mismatch",
        message=f"{number}: lines and tax come to {lines} {currency}, the header says {header}",
        next_step="Look at the document in Zuora; it is decided again when Zuora changes it or you release it.",
        field="amount",
        value=header,
    )


def tax_mismatch(number: str, *, line: str, item: str, rows: str) -> Reason:
    """Say that an item's tax is not what its tax rows come to."""
    return Reason(
        rule="tax_mismatch",
        message=f"{number}: line {line} says tax {item}, its tax rows come to {rows}",
        next_step="Look at the tax rows in Zuora; it is decided again when Zuora changes it or you release it.",
        field="taxAmount",
        value=item,
    )


def zero_total(number: str) -> Reason:
    """Say that a document with lines comes to nothing."""
    return Reason(
        rule="zero_total",
        message=f"{number} has lines that are not zero and a total of zero",
        next_step='To book its lines by a journal, set [policy] zero_total = "journal" and publish the mapping; or '
        "correct it in Zuora (unpost it, post it otherwise).",
        field="amount",
        waits_for=(waits.MAPPING,),
    )


def zero(number: str) -> Reason:
    """Say that a document has nothing in it."""
    return Reason(rule="zero", message=f"{number}: every line and tax row is zero")


def bad_amount(number: str, what: str) -> Reason:
    """Say that an amount cannot be carried."""
    return Reason(
        rule="bad_amount",
        message=f"{number}: {what}",
        next_step="Look at the document in Zuora: amounts are carried as they are, never rounded.",
        field="amount",
    )


def conflict(number: str) -> Reason:
    """Say that Zuora shows other financial content for a posting that is made."""
    return Reason(
        rule="conflict",
        message=f"{number}: Zuora now shows other amounts, dates or codes for a document that was posted from here",
        next_step="Find out who changed it. A person decides whether it is corrected; nothing is overwritten.",
    )


def before_cut_over(number: str, day: date, cut_over: date) -> Reason:
    """Say that a document was loaded into QAD by others."""
    return Reason(
        rule="before_cut_over",
        message=f"{number} of {day} is from before the cut-over ({cut_over}): it was loaded into QAD by others",
        field="document date",
        value=str(day),
    )


def posted_after_cut_over(number: str, day: date, posted: str) -> Reason:
    """Say that a document is dated before the cut-over and was entered after it: nobody loaded it."""
    return Reason(
        rule="posted_after_cut_over",
        message=f"{number} is dated {day}, before the cut-over, but was entered on {posted[:10]}, after it",
        next_step="Change its date in Zuora, or agree by whom it is booked in QAD.",
        field="document date",
        value=str(day),
    )


def applications_mismatch(number: str, *, item: str, rows: str, part: str) -> Reason:
    """Say that the history of applications does not come to what Zuora says is applied."""
    return Reason(
        rule="applications_mismatch",
        message=f"{number}: its application rows to {item} come to {rows}, Zuora's part says {part}",
        next_step="Look at the applications in Zuora; they are decided again when they change or you release it.",
        field="applyAmount",
        value=part,
    )


def unreadable(number: str, what: str) -> Reason:
    """Say that a line or row is not what Zuora documents."""
    return Reason(
        rule="unreadable_record",
        message=f"{number}: {what}",
        next_step="Look at the record (ml-connector trace) and at Zuora; report it if Zuora shows it so.",
    )


def not_posted(number: str, status: str) -> Reason:
    """Say that a document does not count in the ledger."""
    return Reason(rule="not_posted", message=f"{number} is {status} in Zuora", value=status)


def deleted(number: str) -> Reason:
    """Say that a document is gone from Zuora, and was never posted from here."""
    return Reason(rule="deleted", message=f"{number} was deleted in Zuora, and nothing of it went to QAD")


def not_supported(number: str, what: str, *, waits_for: tuple[str, ...] = ()) -> Reason:
    """Say that an act is not carried yet; what `waits_for` changes may make it one that is."""
    return Reason(
        rule="not_supported",
        message=f"{number}: {what}; this version does not carry that into QAD",
        next_step="Book it in QAD by hand, naming the Zuora number, until a version carries it.",
        waits_for=waits_for,
    )


def opening_undone(number: str, status: str) -> Reason:
    """Say that a document that others loaded does not count in Zuora any more."""
    return Reason(
        rule="opening_undone",
        message=f"{number} is {status} in Zuora; it was loaded into QAD by others, and stands there",
        next_step="Undo it in QAD by hand, naming the Zuora number: what others loaded is never undone from here.",
        value=status,
    )


def same_customer(number: str) -> Reason:
    """Say that a payment was transferred between two accounts of one QAD customer."""
    return Reason(
        rule="same_customer",
        message=f"{number} was transferred between billing accounts of one QAD customer: nothing moves there",
    )


def no_account(number: str) -> Reason:
    """Say that a payment belongs to nobody, and the mapping has no account for such cash."""
    return Reason(
        rule="no_account",
        message=f"{number} has no billing account, and the mapping names no account for unassigned cash",
        next_step="Assign it to an account in Zuora; or name [policy] unassigned_cash, and publish the mapping.",
        field="accountId",
        waits_for=(waits.MAPPING,),
    )


def refunds_stand(number: str, status: str, document: str) -> Reason:
    """Say that a document is gone from Zuora, or counts no more, and a refund of it does."""
    return Reason(
        rule="refunds_stand",
        message=f"{number} is {status} in Zuora, and a refund that gives it back stands",
        next_step="Nothing: it goes on when the refund is read as deleted or cancelled, or the document counts again. "
        "If it stays, look at both in Zuora.",
        waits_for=(waits.document(document),),
    )


def reposted_refunded(number: str, document: str) -> Reason:
    """Say that a credit memo was posted again with other content, and a refund closes what was posted before."""
    what = "it was posted again with other content, and a refund of it closes what was posted before"
    return not_supported(number, what, waits_for=(waits.document(document),))


def refunded_whole(number: str, status: str, document: str) -> Reason:
    """Say that refunds have given a payment back: it is not taken back as well."""
    return Reason(
        rule="refunded_whole",
        message=f"{number} is {status} in Zuora, and its refunds have given it back: they alone count",
        value=status,
        # Cancelled, they do not.
        waits_for=(waits.document(document),),
    )


def payment_taken_back(number: str, payment: str, document: str) -> Reason:
    """Say that a refund gives back what its payment's own end has taken back."""
    return Reason(
        rule="payment_taken_back",
        message=f"{number} gives back {payment}, which does not stand in QAD: it failed, or was cancelled or deleted",
        value=payment,
        # It may show again.
        waits_for=(waits.document(document),),
    )


def refund_known_otherwise(number: str, what: str) -> Reason:
    """Say that a refund was read before and after Invoice Settlement was switched on: the first of the two counts."""
    return Reason(
        rule="refund_known_otherwise",
        message=f"{number} was read on the other side of Invoice Settlement's being switched on, and {what}",
    )


def refund_closes(number: str, found: Sequence[str]) -> Reason:
    """Say that a refund does not close one payment or credit memo that is in QAD."""
    return Reason(
        rule="refund_closes",
        message=f"{number}: what it gives back is not one payment or credit memo in QAD "
        f"({', '.join(found) or 'Zuora names none'})",
        next_step="Look at the refund in Zuora; book it in QAD by hand, naming the Zuora number.",
    )


def already_in_erp(number: str) -> Reason:
    """Say that a payment reaches the ERP another way."""
    return Reason(
        rule="already_in_erp",
        message=f"{number} is an external payment, and the site says those are in QAD already",
    )


def invoice_not_decided(number: str, invoice: str) -> Reason:
    """Say that what is applied to an invoice cannot be divided over it and its charges before it is known."""
    return Reason(
        rule="invoice_not_decided",
        message=f"{number}: {invoice}, to which it is applied, has not been read yet, or stands still itself",
        next_step="Nothing: it goes on with the invoice. If it stays, look at that: ml-connector trace.",
        value=invoice,
        waits_for=(waits.room(invoice), waits.document(invoice)),
    )


def more_than_charged(number: str, item: str, more: Decimal, *, charges: Sequence[str]) -> Reason:
    """Say that more is applied to an invoice than it and the charges that are known come to."""
    return Reason(
        rule="more_than_charged",
        message=f"{number}: {more} more is applied to {item} than it and its charges come to in QAD",
        next_step="Nothing: it goes on when the charge is read, or what takes room comes off. If it stays, look at the "
        "adjustments and payments of that invoice.",
        value=str(more),
        # A charge that is yet to come is news of the invoice; what comes off one that is known, of that.
        waits_for=(waits.room(item), *(waits.room(charge) for charge in charges)),
    )


def raised_by_hand(number: str, movement: str) -> Reason:
    """Say that nothing in QAD stands for what went up into a credit balance."""
    return Reason(
        rule="raised_by_hand",
        message=f"{number}: {movement} was raised by hand, from no invoice or payment that stands in QAD",
        next_step="Book it in QAD by hand, naming the Zuora number; what is taken of it later is booked so as well.",
    )


def credit_balance_short(number: str, movement: str, short: Decimal) -> Reason:
    """Say that more was taken from a credit balance than is known to have gone up."""
    return Reason(
        rule="credit_balance_short",
        message=f"{number}: {movement} takes {short} more than is known to have gone up",
        next_step="Look at the credit balance in Zuora; it is decided again when it changes or you release it.",
        value=str(short),
    )


def applied_otherwise(number: str) -> Reason:
    """Say that Zuora shows other application rows than those that were posted."""
    return Reason(
        rule="applied_otherwise",
        message=f"{number}: Zuora shows its applications as other rows than those that are in QAD, as it does after "
        "Invoice Settlement was switched on",
        next_step="Compare what is applied in both; what is applied or taken back from now on is booked by hand.",
    )


def already_deallocated(number: str, row: str, *, item: str) -> Reason:
    """Say that an unapplication was done by a reversal before it came."""
    return Reason(
        rule="already_deallocated",
        message=f"{number}: application row {row} undoes what a reversal has deallocated already",
        value=row,
        # Posted again, that document may take over what this row undoes.
        waits_for=(waits.document(item),),
    )


def corrected_and_applied(number: str) -> Reason:
    """Say that a credit memo is to be corrected and pays others."""
    return Reason(
        rule="corrected_and_applied",
        message=f"{number} is to be corrected, and it is applied, or was: its applications belong to what stands",
        next_step="Reverse it in Zuora and issue another; the decision to correct it changes nothing.",
    )
