"""Customer invoices, credit notes and their corrections: what is valid, and the entry that each makes.

An invoice debits the customer's control account with its total and takes the other side from its lines and tax
lines; a credit note is the mirror; a correction stands with negative amounts on the side of what it corrects. It
never reckons tax unless the site says that it does.
"""

from datetime import date, timedelta
from decimal import Decimal

from msgspec import structs

from sandbox.qad.books.accounts import ON_INVOICE_LINES, ON_TAX_LINES, check_account, check_analysis, check_posting_line
from sandbox.qad.books.amounts import ZERO, converted
from sandbox.qad.books.checks import Inspection
from sandbox.qad.books.documents import (
    INVOICE_RULES,
    DocumentKey,
    Invoice,
    InvoiceRule,
    Kind,
    Origin,
    PostingLine,
)
from sandbox.qad.books.entries import EntryBuilder, begin, sides
from sandbox.qad.books.errors import Code, refuse, settled
from sandbox.qad.books.ledger import Entry
from sandbox.qad.books.master import CreditTerms, Customer
from sandbox.qad.books.open_items import OpenItem


def prepare_invoice(inspection: Inspection, asked: Invoice, origin: Origin) -> Entry:
    """Check an invoice and build its entry.

    Raises:
        Refused: with everything that is wrong with it.
    """
    rule = INVOICE_RULES.get(asked.invoice_type)
    if rule is None:
        raise refuse(Code.VALUE_NOT_ALLOWED, "invoice_type", asked.invoice_type, "The invoice type is not known.")
    customer = inspection.customer(asked.customer_code)
    invoice = _with_own_tax(inspection, _with_defaults(inspection, asked, customer, origin), rule)
    invoice = _off_by(inspection.policy.off_by, invoice, rule)
    posting_date = settled(invoice.posting_date)
    inspection.check_header(invoice, Kind.INVOICE)
    inspection.check_required("description", invoice.description)
    _check_customer(inspection, invoice, customer)
    rate = inspection.rate(invoice.currency_code, posting_date)
    daybook = inspection.daybook(invoice.daybook_code, rule.daybook_type)
    period = inspection.period(posting_date, invoice.posting_year, for_sales=True)
    key = inspection.key(invoice, daybook, period)
    _check_amounts(inspection, invoice, rule)
    _check_link(inspection, invoice)
    builder = begin(inspection, invoice, key=key, period=period, origin=origin, rate=rate)
    return _build(inspection, builder, invoice, customer=settled(customer), rule=rule)


def _with_defaults(inspection: Inspection, asked: Invoice, customer: Customer | None, origin: Origin) -> Invoice:
    """Fill what may be left out: dates from today and the terms, currency, terms and tax from the customer."""
    today = origin.at.date()
    invoice_date = asked.invoice_date or today
    posting_date = asked.posting_date or today
    terms_code = asked.credit_terms_code or (customer.credit_terms_code if customer else "")
    terms = inspection.credit_terms(terms_code) if terms_code or customer else None
    is_taxable = asked.is_taxable
    return structs.replace(
        asked,
        currency_code=asked.currency_code or (customer.currency_code if customer else ""),
        credit_terms_code=terms_code,
        invoice_date=invoice_date,
        posting_date=posting_date,
        tax_point_date=asked.tax_point_date or posting_date,
        due_date=asked.due_date or _due_date(invoice_date, terms),
        is_taxable=is_taxable if is_taxable is not None else bool(customer and customer.is_taxable),
    )


def _due_date(invoice_date: date, terms: CreditTerms | None) -> date:
    days = terms.days if terms else 0
    # The last days of the calendar have no day after them; no period covers them either.
    return invoice_date + timedelta(days=min(days, (date.max - invoice_date).days))


def _with_own_tax(inspection: Inspection, invoice: Invoice, rule: InvoiceRule) -> Invoice:
    """Let the site's own tax engine overrule what was sent, where it has one."""
    own_rate = inspection.policy.own_tax_rate
    currency = inspection.master.currencies.get(invoice.currency_code)
    if own_rate is None or not invoice.is_taxable or currency is None:
        return invoice
    tax_lines = tuple(
        structs.replace(line, tax_amount=converted(line.base_amount, rate=own_rate, decimals=currency.decimals))
        for line in invoice.tax_lines
    )
    invoice = structs.replace(invoice, tax_lines=tax_lines)
    return structs.replace(invoice, original_amount=_total_of_lines(invoice, rule))


def _off_by(amount: Decimal, invoice: Invoice, rule: InvoiceRule) -> Invoice:
    """Let the site make more of an invoice than was sent: of its tax, or of a line where it has none."""
    if not amount:
        return invoice
    more = {"original_amount": invoice.original_amount + amount}
    if invoice.tax_lines:
        first, *others = invoice.tax_lines
        first = structs.replace(first, tax_amount=first.tax_amount + amount)
        return structs.replace(invoice, tax_lines=(first, *others), **more)
    side = "credit_amount" if rule.raises_debt else "debit_amount"
    lines = list(invoice.posting_lines)
    at = next(place for place, line in enumerate(lines) if getattr(line, side))
    lines[at] = structs.replace(lines[at], **{side: getattr(lines[at], side) + amount})
    return structs.replace(invoice, posting_lines=tuple(lines), **more)


def _total_of_lines(invoice: Invoice, rule: InvoiceRule) -> Decimal:
    credit = sum((line.credit_amount - line.debit_amount for line in invoice.posting_lines), ZERO)
    tax = sum((line.tax_amount for line in invoice.tax_lines), ZERO)
    return (credit if rule.raises_debt else -credit) + tax


def _check_customer(inspection: Inspection, invoice: Invoice, customer: Customer | None) -> None:
    if customer is None:
        return
    code = customer.customer_code
    holds = inspection.policy.credit_hold_blocks_invoices and customer.is_locked_credit_limit
    if holds and invoice.invoice_type == "INVOICE":
        inspection.findings.add(Code.CUSTOMER_ON_HOLD, "customer_code", code, f"Customer {code} is on credit hold.")
    check_customer_currency(inspection, customer, invoice.currency_code)


def check_customer_currency(inspection: Inspection, customer: Customer | None, currency_code: str) -> None:
    """Check the currency against the customer's own, where the site allows no other."""
    if customer and inspection.policy.customer_currency_only and currency_code != customer.currency_code:
        message = f"Customer {customer.customer_code} takes {customer.currency_code} only."
        inspection.findings.add(Code.CUSTOMER_CURRENCY, "currency_code", currency_code, message)


def _check_amounts(inspection: Inspection, invoice: Invoice, rule: InvoiceRule) -> None:
    """Check total, lines and tax lines, each by itself and together."""
    findings = inspection.findings
    decimals = inspection.currency_decimals(invoice.currency_code)
    inspection.amount("original_amount", invoice.original_amount, decimals, positive=True)
    for line in invoice.posting_lines:
        check_posting_line(
            inspection,
            line,
            prefix="posting_lines.",
            currency_code=invoice.currency_code,
            decimals=decimals,
            allowed=ON_INVOICE_LINES,
            is_correction=rule.is_correction,
        )
    _check_tax_lines(inspection, invoice, decimals)
    if not invoice.posting_lines:
        findings.add(Code.FIELD_REQUIRED, "posting_lines", "", "The invoice has no posting lines.")
    elif not any(error.code == Code.AMOUNT_TOO_LARGE for error in findings.errors):
        total = _total_of_lines(invoice, rule)
        if total != invoice.original_amount:
            message = f"Lines and tax come to {total}, the total is {invoice.original_amount}."
            findings.add(Code.OUT_OF_BALANCE, "original_amount", invoice.original_amount, message)


def _check_tax_lines(inspection: Inspection, invoice: Invoice, decimals: int | None) -> None:
    if bool(invoice.tax_lines) != bool(invoice.is_taxable):
        message = "A taxable invoice needs tax lines." if invoice.is_taxable else "The invoice is not taxable."
        inspection.findings.add(Code.TAX_LINES, "tax_lines", len(invoice.tax_lines), message)
    for line in invoice.tax_lines:
        account = check_account(
            inspection,
            line.gl_account_code,
            field="tax_lines.gl_account_code",
            currency_code=invoice.currency_code,
            allowed=ON_TAX_LINES,
        )
        if account is not None:
            check_analysis(
                inspection, account, PostingLine(sub_account_code=line.sub_account_code), prefix="tax_lines."
            )
        inspection.check_lengths(line, "tax_lines.")
        inspection.check_required("tax_lines.tax_code", line.tax_code)
        inspection.amount("tax_lines.base_amount", line.base_amount, decimals)
        inspection.amount("tax_lines.tax_amount", line.tax_amount, decimals)


def _check_link(inspection: Inspection, invoice: Invoice) -> None:
    """Check that the document which this one refers to exists and is the same customer's."""
    if not invoice.linked_voucher:
        return
    key = _linked_key(inspection, invoice)
    linked = inspection.ledger.documents.get(key)
    content = linked.content if linked else None
    if not isinstance(content, Invoice) or content.customer_code != invoice.customer_code:
        message = f"Customer {invoice.customer_code} has no invoice {key}."
        inspection.findings.add(Code.LINK_UNKNOWN, "linked_voucher", invoice.linked_voucher, message)


def _linked_key(inspection: Inspection, invoice: Invoice) -> DocumentKey:
    return DocumentKey(
        inspection.entity.entity_code,
        invoice.linked_posting_year,
        invoice.linked_daybook_code,
        invoice.linked_voucher,
    )


def _build(
    inspection: Inspection,
    builder: EntryBuilder,
    invoice: Invoice,
    *,
    customer: Customer,
    rule: InvoiceRule,
) -> Entry:
    """Make the entry: control account against lines and tax."""
    currency_code, total = invoice.currency_code, invoice.original_amount
    if rule.uses_credit_note_control:
        profile = customer.credit_note_control_gl_profile_code
    else:
        profile = customer.invoice_control_gl_profile_code
    account, sub_account = inspection.control_account(profile)
    item = OpenItem(
        key=builder.document.key,
        item_type=invoice.invoice_type,
        customer_code=customer.customer_code,
        gl_account_code=account,
        sub_account_code=sub_account,
        currency_code=currency_code,
        due_date=settled(invoice.due_date),
        original_amount=total,
        open_amount=total,
        original_base_amount=builder.in_base(total),
        open_base_amount=builder.in_base(total),
        base_decimals=inspection.base_decimals,
        document=builder.document,
    )
    sign = 1 if rule.raises_debt else -1
    debit, credit = sides(sign * total, is_correction=rule.is_correction)
    builder.open(item, debit=debit, credit=credit)
    for line in invoice.posting_lines:
        builder.add(
            "line",
            (line.gl_account_code, line.sub_account_code),
            currency_code=currency_code,
            debit=line.debit_amount,
            credit=line.credit_amount,
            cost_centre_code=line.cost_centre_code,
            project_code=line.project_code,
            text=line.text,
        )
    for tax in invoice.tax_lines:
        if tax.tax_amount:  # A row for exempt or reverse-charged tax stands in the tax report only.
            debit, credit = sides(-sign * tax.tax_amount, is_correction=rule.is_correction)
            builder.add(
                "tax",
                (tax.gl_account_code, tax.sub_account_code),
                currency_code=currency_code,
                debit=debit,
                credit=credit,
            )
    if inspection.policy.nets_linked and invoice.invoice_type == "CREDITNOTE":
        _net(inspection, builder, invoice, item)
    return builder.finish()


def _net(inspection: Inspection, builder: EntryBuilder, invoice: Invoice, item: OpenItem) -> None:
    """Apply a credit note to the invoice that it is linked to, as far as both are open."""
    linked = inspection.ledger.items.get(_linked_key(inspection, invoice))
    if linked is None or not linked.is_debit or linked.currency_code != item.currency_code:
        return
    amount = builder.document.netted_amount = min(item.open_amount, linked.open_amount)
    if amount:
        difference = builder.settle(item, debit=amount) + builder.settle(linked, credit=amount)
        builder.realise(difference, item.currency_code)
