"""The judge's view: each document of Zuora's books is counted once, as in QAD or as staying out of it."""

from collections import Counter
from decimal import Decimal

from sandbox.world.chart import UNASSIGNED_CASH

BOOKS = (
    ("invoice", "invoices", "amount"),
    ("credit_memo", "memos", "totalAmount"),
    ("debit_memo", "debits", "totalAmount"),
    ("payment", "payments", "amount"),
    ("refund", "refunds", "amount"),
)


def staying(books):
    return {(one.kind, one.number): one for one in books.staying}


def test_every_document_is_counted_once(told):
    for site in told.sites.values():
        for books in (site.expected, site.unmended):
            for kind, book, field in BOOKS:
                rows = getattr(site, book)
                totals, counts = Counter(), Counter()
                for row in rows.values():
                    totals[row["currency"]] += Decimal(row[field])
                    # What is over nothing moves no total, wherever it is.
                    counts[row["currency"]] += bool(row[field])
                if kind == "invoice" and books is site.expected:
                    corrected = [case.amount for case in site.cases.values() if case.fix and case.amount]
                    totals["EUR"] += sum(corrected)
                    counts["EUR"] += len(corrected)
                for one in books.staying:
                    if one.kind == kind and one.amount:
                        totals[one.currency] -= one.amount
                        counts[one.currency] -= 1
                found = {key[1]: total for key, total in books.in_qad.items() if key[0] == kind}
                assert {code: total.documents for code, total in found.items()} == +counts
                assert all(totals[code] == (found[code].amount if code in found else 0) for code in totals)


def test_what_stays_in_the_end_is_named_with_its_rule(told):
    for site in told.sites.values():
        ignored = {one.rule for one in site.expected.staying if one.fate == "ignored"}
        assert ignored == {"before_cut_over", "zero"}
        parked = Counter(one.rule for one in site.expected.staying if one.fate == "parked")
        assert parked == ({"currency_refused": 1} if site.name == "emea" else {})
        assert not [one for one in site.expected.staying if one.fate not in ("ignored", "parked")]


def test_before_anything_is_mended_more_stays(told):
    for site in told.sites.values():
        more = staying(site.unmended).keys() - staying(site.expected).keys()
        held = {
            (case.kind, number)
            for case in site.cases.values()
            if case.fate in ("parked", "waiting") and case.is_mended
            # The first is in QAD itself; the other is ignored, and what pays it stands still.
            if case.rule not in ("waits_for_posting", "opening_not_found")
            for number in case.documents
        }
        assert more == held
        assert len(more) >= 8
        assert staying(site.expected).keys() < staying(site.unmended).keys()


def test_money_whose_application_waits_is_expected_in_qad(told):
    for site in told.sites.values():
        waiting = {
            number for case in site.cases.values() if case.rule == "waits_for_posting" for number in case.documents
        }
        assert waiting
        assert not waiting & {one.number for one in site.unmended.staying}


def test_the_withdrawn_invoice_is_expected_nowhere(told):
    for site in told.sites.values():
        assert site.cases["withdrawn"].documents[0] not in {one.number for one in site.expected.staying}


def test_of_what_is_in_qad_one_later_act_is_passed_over(told):
    for site in told.sites.values():
        [one] = site.expected.passed_over
        assert (one.rule, one.number) == ("same_customer", site.cases["moved_to_a_sister"].documents[0])
        assert one.number not in {stays.number for stays in site.expected.staying}


def test_banks_hold_what_came_in_less_what_went_back(told):
    """All that is counted as received is on a bank account, or went back; what nobody claimed waits beside."""
    for site in told.sites.values():
        banks, unclaimed = Counter(), []
        for (account, currency), amount in site.expected.cash.items():
            if account == UNASSIGNED_CASH:
                unclaimed.append(amount)
            else:
                banks[currency] += amount
        for (kind, currency), total in site.expected.in_qad.items():
            if kind in ("payment", "refund"):
                banks[currency] += -total.amount if kind == "payment" else total.amount
        assert set(banks.values()) == {0}
        assert site.refunds
        assert unclaimed == ([Decimal("-12.50")] if site.name == "amer" else [])


def test_what_is_open_is_what_zuoras_own_balances_say(told):
    """By currency, Zuora's balances of its accounts less those of documents that others loaded or that stay."""
    for site in told.sites.values():
        for currency in ("EUR", "USD"):
            owed = sum(amount for (_, code), amount in site.unmended.open.items() if code == currency)
            stays = staying(site.unmended)
            said = Decimal(0)
            for kind, rows, field, sign in (
                ("invoice", site.invoices, "balance", 1),
                ("debit_memo", site.debits, "balance", 1),
                ("credit_memo", site.memos, "balance", -1),
                ("payment", site.payments, "unappliedAmount", -1),
            ):
                said += sign * sum(
                    Decimal(row[field])
                    for number, row in rows.items()
                    if row["currency"] == currency and (kind, number) not in stays and row.get("accountId")
                )
            assert owed == said


def test_what_is_foreign_stands_apart_with_its_value(told):
    for site in told.sites.values():
        [foreign] = site.expected.foreign
        assert (foreign.amount, foreign.currency) == (Decimal(88), told.world.sites[site.name].site.base_currency)
