"""What Zuora says of a document's e-invoice: its status, that one may come, or that none is to.

Whether that is enough for the document to be posted is the ledger's. A status moves no content of a document: here
alone it is seen to change. Source: ACCOUNTING 2 and 7, decision 0037.
"""

from schemas.matching import E_INVOICE_AWAITED, AccountSeen
from schemas.zuora import Account, CreditMemo, DebitMemo, Invoice
from streams.documents import Facts


def account_e_invoices(account: Account) -> bool:
    """Return whether e-invoices are made of what is billed to an account."""
    return bool(account.e_invoice_profile_id)


def e_invoice_of(facts: Facts, account: AccountSeen | None) -> str | None:
    """Return the e-invoice status of an invoice or memo that is posted; None for what has none.

    Where Zuora says nothing yet, it may still come unless the account is known to have no e-invoice profile.

    Args:
        facts: The document's.
        account: Its billing account, where it has been read.
    """
    if not facts.posted or not isinstance(facts.parent, Invoice | CreditMemo | DebitMemo):
        return None
    if facts.parent.e_invoice_status:
        return facts.parent.e_invoice_status
    return "" if account is not None and account.e_invoices is False else E_INVOICE_AWAITED
