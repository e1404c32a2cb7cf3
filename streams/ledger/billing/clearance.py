"""Whether the e-invoice of a document lets it be posted, at a site that posts only what is cleared.

It never holds what is posted, undone or applied: only a document that is to be posted waits. A word of Zuora's that is
not known clears nothing. Source: ACCOUNTING 7, decision 0037.
"""

import msgspec

from schemas.errors import CannotGoOn
from schemas.mapping import Mapping
from schemas.matching import E_INVOICE_AWAITED, Matched
from schemas.zuora import CreditMemo, DebitMemo, Invoice
from streams.documents import Facts
from streams.ledger.stopping import lacking

# Zuora's words, folded and without spaces: its screens and its API spell some of them differently.
# What is cancelled was cleared before: Zuora cancels no other. A PEPPOL file is done when it is generated.
_CLEARED = frozenset({"success", "conditionalsuccess", "generated", "cancelprocessing", "canceled", "cancelled"})
# What the authority approved, the customer may still reject.
_UNDER_WAY = frozenset({"processing", "retrievetimeout", "approvedbyauthority"})
_FAILED = frozenset({"failed", "rejected"})


def e_invoice_at(matched: Matched, facts: Facts) -> str:
    """Return the e-invoice status of a matched document; of one matched before any mapping asked, what its record says.

    Such a record tells nothing of its account: without a status, one may come.
    """
    if not isinstance(matched.e_invoice, msgspec.UnsetType):
        return matched.e_invoice
    if not isinstance(facts.parent, Invoice | CreditMemo | DebitMemo):
        return ""
    return facts.parent.e_invoice_status or E_INVOICE_AWAITED


def check_cleared(number: str, e_invoice: str, *, mapping: Mapping) -> None:
    """Hold that a document may be posted as far as its e-invoice goes.

    Raises:
        CannotGoOn: Its e-invoice is not cleared in Zuora.
    """
    word = e_invoice.replace(" ", "").casefold()
    if mapping.policy.post_when == "posted" or not word or word in _CLEARED:
        return
    if e_invoice == E_INVOICE_AWAITED:
        raise CannotGoOn(lacking.no_e_invoice_yet(number))
    if word in _UNDER_WAY:
        raise CannotGoOn(lacking.e_invoice_not_cleared(number, e_invoice))
    if word in _FAILED:
        raise CannotGoOn(lacking.e_invoice_failed(number, e_invoice))
    raise CannotGoOn(lacking.e_invoice_unknown(number, e_invoice))
