"""Opening items tied to what is open in Zuora: each way in which one does not tie is named with what to do."""

from datetime import date
from decimal import Decimal

import pytest

from console.cutover import Tie, tie
from console.reconciliation.facts import QadOpenItem
from console.zuora_side import ZuoraDocument
from schemas.outcomes import Document

CUT_OVER = date(2026, 10, 1)
CUSTOMERS = {"a1": "C1", "a2": "C2"}


def document(number="INV1", *, kind="invoice", open="100.00", total="", account="a1", **more):  # noqa: A002
    fields = {"day": "2026-09-10", "stamp": "", "currency": "EUR", **more}
    return ZuoraDocument(
        kind=kind, number=number, total=Decimal(total or open), open=Decimal(open), account=account, **fields
    )


def item(number="INV1", *, open="100.00", customer="C1", owed=1, currency="EUR", voucher=1):  # noqa: A002
    key = Document(year=2026, daybook="OPEN", voucher=voucher, customer=customer, currency=currency)
    return QadOpenItem(key=key, number=number, open=Decimal(open), owed=owed, account="1200")


def tied(documents, items) -> Tie:
    names = {"invoice": "INVOICE", "payment": "PREPAYMENT"}
    return tie(documents, items, cut_over=CUT_OVER, customer_of=lambda one: CUSTOMERS.get(one, ""), names=names)


def parts(found: Tie) -> list[tuple[str, str]]:
    return [(one.part, one.number) for one in found.untied]


def test_all_kinds_tie_with_the_sign_of_what_is_owed():
    found = tied(
        [
            document(),
            document("DM1", kind="debit_memo", open="5"),
            document("CM1", kind="credit_memo", open="30"),
            document("P1", kind="payment", open="20", total="50"),
            document("INV2", open="-7.00"),
        ],
        [
            item(),
            item("DM1", open="5"),
            item("CM1", open="30", owed=-1),
            item("P1", open="20", owed=-1),
            item("INV2", open="7", owed=-1),
        ],
    )
    assert found.untied == ()
    [balance] = found.balances
    assert (balance.customer, balance.documents, balance.zuora, balance.qad) == ("C1", 5, Decimal(48), Decimal(48))


@pytest.mark.parametrize(
    ("items", "part", "said"),
    [
        ([], "missing", "QAD has no open item with this number"),
        ([item(open="0")], "amount", "0 is open in QAD (2026/OPEN/1), 100.00 in Zuora"),
        ([item(open="99.99")], "amount", "99.99 is open in QAD"),
        ([item(owed=-1)], "side", "it is on the other side in QAD"),
        ([item(customer="C9")], "customer", "it stands under C9 in QAD, its account belongs to C1"),
        ([item(), item(voucher=2)], "twice", "2 open items carry this number (2026/OPEN/1, 2026/OPEN/2)"),
        ([item(currency="USD")], "missing", "no open item with this number"),
    ],
)
def test_what_does_not_tie_is_named(items, part, said):
    found = tied([document()], items)
    assert (part, "INV1") in parts(found)
    [one] = [one for one in found.untied if one.part == part]
    assert said in one.what
    assert one.next_step


def test_the_next_step_says_what_qad_calls_it():
    found = tied([document("P1", kind="payment")], [])
    assert "as PREPAYMENT" in found.untied[0].next_step


@pytest.mark.parametrize(
    "other",
    [
        document(day="2026-10-01"),
        document(counts=False),
        document("R1", kind="refund"),
        document(open="0.00", total="100"),
    ],
)
def test_what_need_not_be_loaded(other):
    assert tied([other], []) == Tie(balances=(), untied=())


def test_what_is_closed_in_zuora_and_open_in_qad():
    assert parts(tied([document(open="0", total="100")], [item()])) == [("amount", "INV1")]


def test_an_account_that_is_not_matched_is_tied_by_its_number_alone():
    found = tied([document(account="a9")], [item(customer="C9")])
    assert (found.untied, found.balances[0].customer) == ((), "C9")


def test_what_qad_alone_has_of_our_customers_is_named_and_of_others_is_not():
    found = tied([document()], [item(), item("X-1", voucher=7), item("X-2", customer="C7", voucher=8)])
    assert parts(found) == [("surplus", "2026/OPEN/7")]
    assert found.balances[0].qad == Decimal(100)


def test_what_was_posted_since_the_cut_over_is_no_surplus():
    assert tied([document(day="2026-10-05")], [item()]).untied == ()
