"""Topics `zuora.reference` and `qad.reference`: codes, customers, accounts, daybooks and periods as last shown.

One event per object and change. `gone` says that the object is no longer listed.
"""

from datetime import date

from msgspec import UNSET, UnsetType

from schemas.codec import Event


class AccountingCode(Event, frozen=True, kw_only=True, tag="accounting_code"):
    """An accounting code of Zuora: Object Query names it by id, mapping rows name it by name."""

    id: str
    name: str
    code_type: str = ""
    active: bool = True
    gl_account_number: str = ""
    gone: bool = False


class AccountingPeriod(Event, frozen=True, kw_only=True, tag="accounting_period"):
    """An accounting period of Zuora. It decides nothing: QAD's own does; what it says otherwise is named."""

    id: str
    name: str
    first_day: date
    last_day: date
    status: str = ""
    gone: bool = False


class BillRun(Event, frozen=True, kw_only=True, tag="bill_run"):
    """A bill run of Zuora, as last seen."""

    id: str
    number: str
    status: str
    invoices: int = 0
    credit_memos: int = 0
    updated: str = ""
    gone: bool = False


ZuoraReference = AccountingCode | AccountingPeriod | BillRun


class Customer(Event, frozen=True, kw_only=True, tag="customer"):
    """A customer of QAD.

    Attributes:
        code: Customer code, at most 8 characters.
        active: Takes documents.
        held: On credit hold.
        currency: Its default currency.
        terms: Its credit terms code.
        zuora_account: What the matching field of QAD holds: the Zuora account number, or "".
        invoice_control: Its control GL profile for invoices, "" where QAD shows none; unset where the site's browse
            does not show that column.
        credit_note_control: As above, for credit notes.
        prepayment_control: As above, for prepayments.
        name: What its business relation is called; like all below for proposals alone, and unset where the site's
            browse does not show that column.
        search_name: The relation's short name, at most 28 characters.
        city: Of its address.
        postal_code: Of its address.
        email_domain: Behind the @ of its address for mail, in lower case; the address itself is not kept.
        tax_id: Its tax id.
    """

    code: str
    active: bool
    currency: str
    held: bool = False
    terms: str = ""
    zuora_account: str = ""
    invoice_control: str | UnsetType = UNSET
    credit_note_control: str | UnsetType = UNSET
    prepayment_control: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    search_name: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    postal_code: str | UnsetType = UNSET
    email_domain: str | UnsetType = UNSET
    tax_id: str | UnsetType = UNSET
    gone: bool = False


class GlAccount(Event, frozen=True, kw_only=True, tag="gl_account"):
    """A GL account of QAD with what its analysis asks for."""

    code: str
    active: bool
    description: str = ""
    account_type: str = ""
    sub_account_required: bool = False
    cost_centre_required: bool = False
    project_required: bool = False
    gone: bool = False

    @property
    def is_control(self) -> bool:
        """Whether documents alone move it: QAD calls the type of such an account so, and lets nobody post by hand."""
        return "control" in self.account_type.casefold()


class Daybook(Event, frozen=True, kw_only=True, tag="daybook"):
    """A daybook of QAD."""

    code: str
    active: bool
    daybook_type: str = ""
    gone: bool = False


class Period(Event, frozen=True, kw_only=True, tag="period"):
    """An accounting period of the connection's entity; `open` is for receivables."""

    code: str
    year: int
    period: int
    first_day: date
    last_day: date
    open: bool
    gone: bool = False


class QadCurrency(Event, frozen=True, kw_only=True, tag="currency"):
    """A currency of QAD with the decimals it books."""

    code: str
    decimals: int
    active: bool = True
    gone: bool = False


QadReference = Customer | GlAccount | Daybook | Period | QadCurrency


def reference_kind(event: ZuoraReference | QadReference) -> str:
    """Return the kind of a reference as its key and its tag name it."""
    return str(event.__struct_config__.tag)


def reference_code(event: ZuoraReference | QadReference) -> str:
    """Return what names the object within its kind."""
    return event.id if isinstance(event, ZuoraReference) else event.code
