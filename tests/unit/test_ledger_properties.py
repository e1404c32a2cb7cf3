"""What holds for any document: it balances to the unit, what undoes it leaves nothing, and the same gives the same."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.mapping import Analysis, TaxRow
from schemas.money import scale_of
from schemas.records import ZuoraRecord
from schemas.references import Daybook
from schemas.topics import Topic
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.world import world

property_of_documents = settings(max_examples=80, deadline=None)
amounts = st.integers(-100_000, 100_000)
DOCUMENTS = {"invoice": "invoice:inv1", "credit_memo": "credit_memo:cm1"}
CODES = ("Subscription Revenue", "Usage", "Bad Debt")


@st.composite
def lines_of(draw: st.DrawFn, currency: str) -> list[dict[str, Any]]:
    """Return items with tax rows, zeros, discounts and deferral among them."""
    unit = Decimal(1).scaleb(-scale_of(currency))
    rows = []
    for index in range(draw(st.integers(1, 6))):
        taxes = [
            zuora.tax(str(draw(amounts) * unit), f"t{index}-{number}") for number in range(draw(st.integers(0, 2)))
        ]
        more: dict[str, Any] = {"accountingCode": draw(st.sampled_from(CODES)), "serviceEndDate": "2026-03-31"}
        if draw(st.booleans()):
            more |= {"deferredRevenueAccountingCodeId": "c-def", "serviceEndDate": "2026-08-31"}
        if draw(st.booleans()):
            more |= {"processingType": "1", "accountingCode": "Subscription Revenue"}
        rows.append(zuora.item(str(draw(amounts) * unit), f"it{index}", taxes=taxes, **more))
    return rows


@st.composite
def invoices(draw: st.DrawFn) -> ZuoraRecord:
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    return zuora.invoice(*draw(lines_of(currency)), currency=currency)


@st.composite
def memos(draw: st.DrawFn) -> ZuoraRecord:
    unit = Decimal("0.01")
    items = [
        zuora.memo_item(
            str(draw(amounts) * unit), f"mi{index}", taxes=[zuora.tax(str(draw(amounts) * unit), f"t{index}")]
        )
        for index in range(draw(st.integers(1, 5)))
    ]
    return zuora.memo(*items)


def net(content: Any) -> Decimal:
    return sum((line.credit - line.debit for line in content.lines), Decimal(0))


@given(st.one_of(invoices(), memos()))
@property_of_documents
def test_a_document_becomes_its_total_to_the_unit_or_stands_with_a_reason(record):
    found = world().put(record)
    document = f"{record.kind}:{record.id}"
    if not found.postings:
        assert found.standing(document)[1] in {"zero", "zero_total"}
        return
    (event,) = found.sets
    (content,) = found.contents()
    owed = event.value if record.kind == "invoice" else -event.value
    assert content.__struct_config__.tag == ("invoice" if owed > 0 else "credit_note")
    assert content.total == abs(owed)
    assert net(content) == owed
    tax_rows = sum(len(zuora.msgspec.json.decode(raw).get("taxationItems", [])) for raw in record.children["items"])
    if record.kind == "invoice":
        assert len(content.lines) + event.dropped_zero_lines == len(record.children["items"]) + tax_rows
    for line in content.lines:
        assert (line.credit - line.debit).as_tuple().exponent == -scale_of(event.currency)


@given(st.one_of(invoices(), memos()))
@property_of_documents
def test_what_undoes_a_document_leaves_nothing_on_any_account(record):
    found = world().put(record)
    gone = zuora.msgspec.json.decode(record.parent) | {"status": "Canceled", "updatedDate": "2026-03-20T10:00:00Z"}
    sink = Sink(found).run()
    found.put(zuora.msgspec.structs.replace(record, parent=zuora.raw(gone), children={}))
    sink.run()
    assert sink.stuck == []
    assert {account: amount for account, amount in sink.books.ledger.items() if amount} == {}
    assert all(not item.open for item in sink.books.items.values())


@given(invoices())
@property_of_documents
def test_the_same_document_gives_the_same_bytes_whatever_the_order_of_its_rows(record):
    turned = zuora.msgspec.structs.replace(record, children={"items": record.children["items"][::-1]})
    first, second = world().put(record), world().put(turned)
    assert [one.source_hash for one in first.postings] == [one.source_hash for one in second.postings]
    again = world().put(record)
    assert again.log[Topic.POSTINGS] == first.log[Topic.POSTINGS]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.integers(100, 500))
@property_of_documents
def test_a_receipt_never_offers_more_than_it_holds(shares, total):
    rows, left = [], Decimal(total)
    for index, share in enumerate(shares):
        amount = min(Decimal(share), left)
        if amount:
            rows.append(zuora.row(str(amount), f"r{index}", to=f"inv{index}"))
            left -= amount
    found = world().put(zuora.payment(str(total), *rows))
    receipt, *allocations = found.contents()
    assert sum(offer.amount for offer in receipt.offers) == Decimal(total) - left
    assert [one.amount for one in allocations] == [offer.amount for offer in receipt.offers]


@property_of_documents
@given(st.one_of(invoices(), memos()))
def test_over_the_clearing_account_the_same_comes_to_the_same_accounts_and_clearing_to_nothing(record):
    over = {"gl": "journal", "clearing": Analysis(account="1999"), "zero_total": "journal"}
    books = []
    for policy in (over, {"zero_total": "journal"}):
        found = world(policy=policy, daybooks=zuora.ALL_DAYBOOKS).put(Daybook(code="ZJRN", active=True), record)
        sink = Sink(found).run()
        assert sink.stuck == []
        books.append({place: amount for place, amount in sink.books.ledger.items() if amount})
    assert books[0] == books[1]
    assert not any(account == "1999" for _, account in books[0])


@property_of_documents
@given(st.one_of(invoices(), memos()))
def test_tax_as_rows_comes_to_what_it_comes_to_as_lines_and_lines_with_it_to_the_total(record):
    rows = {"policy": {"tax": "qad_tax_rows"}, "tax": (TaxRow(account="2300", qad_code="V"),)}
    as_rows, as_lines = (world(**changes).put(record) for changes in (rows, {}))
    assert as_rows.standing(DOCUMENTS[record.kind]) == as_lines.standing(DOCUMENTS[record.kind])
    for one, other in zip(as_rows.postings, as_lines.postings, strict=True):
        content, sign = one.content, 1 if one.content.__struct_config__.tag == "invoice" else -1
        assert content.total == sign * net(content) + sum(row.tax for row in content.tax_rows)
        assert [line for line in other.content.lines if line.role != "tax"] == list(content.lines)
        assert content.tax == sign * sum(line.credit - line.debit for line in other.content.lines if line.role == "tax")
        assert (content.total, content.document_date) == (other.content.total, other.content.document_date)
