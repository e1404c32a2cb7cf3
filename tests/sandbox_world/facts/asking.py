"""How a fact is declared, and what facts ask of both books. A fact is a function of a site and a case."""

from collections.abc import Callable
from datetime import date

FACTS: dict[str, Callable] = {}


def fact(*names):
    def keep(function):
        FACTS.update(dict.fromkeys(names, function))
        return function

    return keep


def day(row, field):
    return date.fromisoformat(row[field])


def posted_rows(site, case):
    books = {
        "invoice": site.invoices,
        "credit_memo": site.memos,
        "debit_memo": site.debits,
        "payment": site.payments,
        "refund": site.refunds,
    }
    return [books[case.kind][number] for number in case.documents]


def invoice_of(site, case, position=0):
    return site.invoices[case.documents[position]]


def deeds(site, number, *verbs):
    return [deed for deed in site.chronicle if deed["number"] == number and deed["verb"] in verbs]


def account_of(site, row):
    return site.accounts[row["accountId"]]["accountNumber"]


def customers_of(told, site, rows):
    accounts = {one.number: one for one in told.world.sites[site.name].population.accounts}
    return [accounts[account_of(site, row)].customer for row in rows]


def qad_of(told, site):
    return told.world.sites[site.name].qad()


def customer_of(told, site, row):
    code = customers_of(told, site, [row])[0]
    return next(one for one in qad_of(told, site).shared_sets[0].customers if one.customer_code == code)


def rows_of(site, payment):
    """Return the application rows of a payment in the order in which they were made."""
    return sorted(site.payments[payment]["paymentApplications"], key=lambda row: row["createdDate"])
