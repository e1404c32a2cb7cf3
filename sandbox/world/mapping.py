"""The GL mappings that an accountant publishes, as the TOML files they are: three versions of each site's.

Version 1 is what the sites go live with. Version 2 books subscriptions to another account from the same day on, so it
counts for what is posted after its publication. Version 3 adds the rows that the trouble of November asks for.
"""

from collections.abc import Iterator

from sandbox.world.chart import (
    ANNUAL,
    BAD_DEBT,
    DEFERRED,
    HARDWARE,
    HARDWARE_ACCOUNT,
    OUR_DAYBOOKS,
    PASSED_ON,
    SERVICES,
    SETUP,
    SUBSCRIPTION,
    SUPPORT,
    TRAINING,
    UNASSIGNED_CASH,
    USAGE,
    WALLET_BANK,
    Bank,
    banks_of,
)
from sandbox.world.qad_side import CREDIT_TERMS
from sandbox.world.sites import CUT_OVER, Site
from sandbox.world.toml import Value, pairs, table

VERSIONS = (1, 2, 3)
# Narrows usage to one product, which has an account of its own.
DATA_INTERFACE_SKU = "API-1000"

Row = dict[str, Value]

_NOTES = {
    1: "as agreed for the cut-over",
    2: "subscriptions go to 4010 from now on",
    3: "with the rows that November's parked documents asked for",
}


def mapping_text(site: Site, version: int) -> str:
    """Return one version of a site's mapping."""
    head = [
        f"# Zuora to QAD, {site.entity_name}: version {version}, {_NOTES[version]}.",
        *pairs({"first_document_date": CUT_OVER, "cut_over": CUT_OVER}),
    ]
    tables = [
        *_policy(site),
        table("[customers]", _customers(site)),
        table("[daybooks]", dict(OUR_DAYBOOKS)),
        table("[terms]", {term: code for term, (code, _) in CREDIT_TERMS.items()}),
        *(table("[[lines]]", row) for row in _lines(site, version)),
        *(table("[[tax]]", row) for row in _taxes(site)),
        *(table("[[banks]]", _bank_row(bank)) for bank in _banks(site, version)),
    ]
    return "\n".join(["\n".join(head) + "\n", *tables])


def _policy(site: Site) -> Iterator[str]:
    nothing: Row = {"zero_total": "journal"} if site.books_nothing_by_journal else {}
    yield table("[policy]", {"deferral_system": "Zuora Revenue", "closed_period": "hold", **nothing})
    if site.takes_cash_of_nobody:
        yield table("[policy.unassigned_cash]", {"account": UNASSIGNED_CASH})


def _customers(site: Site) -> Row:
    row: Row = {"account_field": "QADCustomer__c", "qad_field": True}
    return row | ({"other_currency": True} if site.other_currency else {})


def _lines(site: Site, version: int) -> Iterator[Row]:
    subscription = {"account": "4000" if version == 1 else "4010", "sub_account": "SAAS"}
    # Billed within its period a subscription is revenue at once, and what reaches beyond is deferred; but where the
    # periods are not months, every month reaches beyond, by days that nobody defers.
    by_period = {"revenue": "by_service_period" if site.name == "emea" else "recognized"}
    yield {"code": SUBSCRIPTION, **subscription, **by_period}
    yield {"code": SUBSCRIPTION, "processing": "Discount", "account": "4090", **by_period}
    yield {"code": DEFERRED, "account": "2500"}
    yield {"code": DEFERRED, "processing": "Discount", "account": "2500"}
    # No `revenue`: Zuora gives a deferred code for every annual plan.
    yield {"code": ANNUAL, **subscription}
    yield {"code": ANNUAL, "processing": "Discount", "account": "4090"}
    yield {"code": USAGE, "account": "4100"}
    yield {"code": USAGE, "product": DATA_INTERFACE_SKU, "account": "4110"}
    yield {"code": SERVICES, "account": "4200", "cost_centre": "CC10"}
    yield {"code": SETUP, "account": "4210", "cost_centre": "CC10", "project": "SETUP", "text": "Set-up"}
    yield {"code": SUPPORT, "account": "4300", **({"revenue": "recognized"} if version == 3 else {})}
    yield {"code": HARDWARE, "account": HARDWARE_ACCOUNT}
    yield {"code": PASSED_ON, "excluded": True, "account": "4900"}
    # What is lost is an expense at once, however long the service was to run.
    bad_debt = {"account": "6100", "cost_centre": "CC20", "revenue": "recognized"}
    yield {"code": BAD_DEBT, **bad_debt}
    yield {"code": BAD_DEBT, "processing": "Discount", **bad_debt}
    yield {"code": BAD_DEBT, "excluded": True, **bad_debt}
    if version == 3:
        yield {"code": TRAINING, "account": "4500", "cost_centre": "CC20"}


def _taxes(site: Site) -> Iterator[Row]:
    if site.name == "amer":
        yield {"code": "SALESTAX", "account": "2340"}
        yield {"code": "SALESTAX", "jurisdiction": "CALIFORNIA", "account": "2341"}
        yield {"code": "ECOFEE", "rate_type": "FlatFee", "account": "2345"}
        return
    yield {"code": "VATDE", "account": "2310"}
    yield {"code": "VATGB", "account": "2320"}
    yield {"code": "JCT", "account": "2330"}
    yield {"code": "METERFEE", "account": "2310", "text": "Grid levies"}


def _banks(site: Site, version: int) -> list[Bank]:
    banks = banks_of(site)
    return [*banks, WALLET_BANK] if version == 3 and site.name == "amer" else banks


def _bank_row(bank: Bank) -> Row:
    row: Row = {"currency": bank.currency, "payment_type": bank.payment_type, "account": bank.account}
    return row | ({"gateway": bank.gateway} if bank.gateway else {})
