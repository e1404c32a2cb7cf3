"""What a document lacks to be booked: a row of the mapping, a reference, a period that is open, a cleared e-invoice.

Each says what it waits for: the document goes on by itself when that comes. What is wrong with a document is said in
reasons.py, and there which of these waits instead of being parked.
"""

from collections.abc import Sequence
from datetime import date

from schemas.reasons import Reason
from schemas.references import Period
from streams import waits


def no_mapping(number: str, day: date) -> Reason:
    """Say that no published mapping covers the document's date."""
    return Reason(
        rule="no_mapping",
        message=f"{number}: no published mapping covers documents of {day}",
        next_step="Publish one whose first_document_date is not later: ml-connector mapping publish FILE.",
        field="first_document_date",
        value=str(day),
        waits_for=(waits.MAPPING,),
    )


def unmapped(number: str, *, what: str, value: str, row: str) -> Reason:
    """Say that something has no row in the mapping."""
    return Reason(
        rule="unmapped_code",
        message=f"{number}: {what} has no row in the mapping",
        next_step=f"Add {row} to the mapping and publish it: ml-connector mapping publish FILE.",
        field="accounting code",
        value=value,
        waits_for=(waits.MAPPING,),
    )


def unknown_code_id(number: str, code_id: str) -> Reason:
    """Say that an accounting code's id is not among those read."""
    return Reason(
        rule="reference_not_read",
        message=f"{number}: accounting code {code_id} of Zuora has not been read yet",
        next_step="Nothing: the poll brings it. If it stays, look at ml-connector ping.",
        value=code_id,
        waits_for=(waits.zuora_reference("accounting_code"),),
    )


def no_deferral_rule(number: str, *, line: str, code: str, ends: date) -> Reason:
    """Say that a line reaches beyond its period and nobody said what then."""
    return Reason(
        rule="no_deferral_rule",
        message=f"{number}: line {line} runs to {ends}, past its period, and the mapping of {code!r} says no `revenue`",
        next_step="Say revenue = deferred, recognized or by_service_period in that row, and publish the mapping.",
        field="revenue",
        value=code,
        waits_for=(waits.MAPPING,),
    )


def no_deferred_code(number: str, *, line: str, code: str) -> Reason:
    """Say that the mapping defers a line for which Zuora gives no deferred code."""
    return Reason(
        rule="no_deferred_code",
        message=f"{number}: the mapping defers line {line} of {code!r}, and Zuora gives no deferred code for it",
        next_step="Give the charge a deferred revenue accounting code in Zuora, or change `revenue` in the mapping.",
        field="deferredRevenueAccountingCode",
        value=code,
        waits_for=(waits.MAPPING,),
    )


def currency_refused(number: str, currency: str, why: str) -> Reason:
    """Say that a currency cannot be booked in QAD as Zuora counts it."""
    return Reason(
        rule="currency_refused",
        message=f"{number}: {currency} {why}",
        next_step="Set the currency up in QAD with ISO's decimals; the document goes on when QAD shows it.",
        field="currency",
        value=currency,
        waits_for=(waits.qad_reference("currency", currency),),
    )


def account_unfit(number: str, account: str, why: str) -> Reason:
    """Say that a GL account of the mapping takes no posting."""
    return Reason(
        rule="gl_account_unfit",
        message=f"{number}: GL account {account} {why}",
        next_step="Mend the account in QAD, or map to another and publish the mapping.",
        field="account",
        value=account,
        waits_for=(waits.qad_reference("gl_account", account), waits.MAPPING),
    )


def daybook_unfit(number: str, daybook: str, why: str) -> Reason:
    """Say that a daybook of the mapping takes no posting."""
    return Reason(
        rule="daybook_unfit",
        message=f"{number}: daybook {daybook} {why}",
        next_step="Mend the daybook in QAD, or map to another and publish the mapping.",
        field="daybook",
        value=daybook,
        waits_for=(waits.qad_reference("daybook", daybook), waits.MAPPING),
    )


def reference_not_read(number: str, kind: str) -> Reason:
    """Say that QAD's references have not come yet."""
    return Reason(
        rule="reference_not_read",
        message=f"{number}: QAD's {kind.replace('_', ' ')} list has not been read yet",
        next_step="Nothing: the poll brings it. If it stays, look at ml-connector ping.",
        waits_for=(waits.qad_reference(kind),),
    )


def period_closed(number: str, day: date, period: Period) -> Reason:
    """Say that QAD's period of a date is not open."""
    return Reason(
        rule="period_closed",
        message=f"{number}: QAD's period {period.code} of {day} is not open for receivables",
        next_step="It goes on when QAD opens the period.",
        field="posting date",
        value=str(day),
        waits_for=(waits.qad_reference("period"),),
    )


def period_not_defined(number: str, day: date) -> Reason:
    """Say that QAD has no period for a date."""
    return Reason(
        rule="period_not_defined",
        message=f"{number}: QAD has no period for {day}",
        next_step="It goes on when QAD's calendar has that period and it is open.",
        field="posting date",
        value=str(day),
        waits_for=(waits.qad_reference("period"),),
    )


def periods_overlap(number: str, day: date, codes: Sequence[str]) -> Reason:
    """Say that QAD has more than one period for a date: whether it is open cannot be told."""
    return Reason(
        rule="periods_overlap",
        message=f"{number}: QAD shows more than one period for {day} ({', '.join(sorted(codes))})",
        next_step="Mend QAD's calendar, or the columns of [browses.periods] in the profile; it goes on then.",
        field="posting date",
        value=str(day),
        waits_for=(waits.qad_reference("period"),),
    )


def no_daybook(number: str, name: str) -> Reason:
    """Say that the mapping names no daybook for a kind of document."""
    return Reason(
        rule="no_daybook",
        message=f"{number}: the mapping names no daybook for it ([daybooks] {name})",
        next_step="Name one in the mapping and publish it: ml-connector mapping publish FILE.",
        field=f"daybooks.{name}",
        waits_for=(waits.MAPPING,),
    )


def clearing_not_zero(number: str, account: str) -> Reason:
    """Say that a line of a document belongs on the clearing account itself, which then never comes to zero."""
    return Reason(
        rule="clearing_not_zero",
        message=f"{number}: the mapping sends one of its lines to {account}, which is the clearing account",
        next_step="Send that line elsewhere, or name another [policy] clearing, and publish the mapping.",
        field="policy.clearing",
        value=account,
        waits_for=(waits.MAPPING,),
    )


def no_qad_tax_code(number: str, code: str) -> Reason:
    """Say that a tax row has its account, and no tax code of QAD."""
    return Reason(
        rule="no_qad_tax_code",
        message=f'{number}: the [[tax]] row of code "{code}" names no tax code of QAD',
        next_step="Add qad_code to that row and publish the mapping: ml-connector mapping publish FILE.",
        field="qad_code",
        value=code,
        waits_for=(waits.MAPPING,),
    )


def no_e_invoice_yet(number: str) -> Reason:
    """Say that Zuora shows no e-invoice status of a document whose account has an e-invoice profile."""
    return Reason(
        rule="e_invoice_not_cleared",
        message=f"the e-invoice of {number} is not cleared in Zuora: it has no status yet",
        next_step="Nothing: Zuora is asked again. If it stays, generate the e-invoice in Zuora, or take the e-invoice "
        "profile off the billing account if it is to have none.",
        field="eInvoiceStatus",
        waits_for=(waits.e_invoice(""), waits.MAPPING),
    )


def e_invoice_not_cleared(number: str, status: str) -> Reason:
    """Say that the e-invoice of a document is under way."""
    return Reason(
        rule="e_invoice_not_cleared",
        message=f"the e-invoice of {number} is not cleared in Zuora: status {status}",
        next_step="Nothing: Zuora is asked again. If it stays, have Zuora fetch the status (Resync E-Invoice Status).",
        field="eInvoiceStatus",
        value=status,
        waits_for=(waits.e_invoice(status), waits.MAPPING),
    )


def e_invoice_failed(number: str, status: str) -> Reason:
    """Say that the e-invoice of a document was refused, or could not be made."""
    return Reason(
        rule="e_invoice_failed",
        message=f"the e-invoice of {number} is not cleared in Zuora, and will not be by itself: status {status}",
        next_step="Look at its error in Zuora. One that failed is mended and generated again there; of one that is "
        "rejected the document is unposted and cancelled in Zuora, and another issued.",
        field="eInvoiceStatus",
        value=status,
        waits_for=(waits.e_invoice(status), waits.MAPPING),
    )


def e_invoice_unknown(number: str, status: str) -> Reason:
    """Say that an e-invoice has a status that this version does not know."""
    return Reason(
        rule="unknown_value",
        message=f"the e-invoice of {number} has a status that is not known to this version: {status[:40]!r}",
        next_step="Look it up in Zuora's documentation and report it; a version that knows it releases the document.",
        field="eInvoiceStatus",
        value=status[:40],
        waits_for=(waits.e_invoice(status), waits.MAPPING),
    )
