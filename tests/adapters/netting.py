"""Profiles whose QAD nets credit notes by their link, over each way of speaking to the stand-in."""

from tests.adapters.qad_company import QadCompany, qxtend_template

# Field of the link's year, daybook and voucher, and column of what was netted.
WORDS = {
    "house": (("linkedPostingYear", "linkedDaybookCode", "linkedVoucher"), "nettedAmount"),
    "elsewhere": (("tcLinkedPostingYear", "tcLinkedDaybookCode", "tcLinkedVoucher"), "tcNettedAmount"),
}
_LINK = ("item_year", "item_daybook", "item_voucher")
_ELEMENTS = ("tiLinkedPeriodYear", "tcLinkedJournalCode", "tiLinkedDInvoiceVoucher")


def netting(company: QadCompany, dialect: str = "house"):
    """Return the company's profile over REST with `nets`."""
    fields, column = WORDS[dialect]
    said = dict(zip((f"fields.{word}" for word in _LINK), fields, strict=True))
    said |= {"nets": True, "find.allocated": column}
    return company.changed({f"documents.credit_note.{place}": value for place, value in said.items()})


def netting_qxtend() -> str:
    """Return the template over QXtend with `nets`."""
    before, head, rest = qxtend_template().partition("[qxtend.documents.credit_note]\n")
    fields = "[qxtend.documents.credit_note.tables.fields]\n"
    link = "".join(f'{word} = "{element}"\n' for word, element in zip(_LINK, _ELEMENTS, strict=True))
    rest = rest.replace(fields, fields + link, 1)
    find = "[qxtend.documents.credit_note.find]\n"
    return before + head + "nets = true\n" + rest.replace(find, f'{find}allocated = "nettedAmount"\n', 1)
