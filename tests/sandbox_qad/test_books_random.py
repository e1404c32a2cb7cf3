"""Random mixes of everything: the books agree with themselves, and what is taken back was never there."""

import datetime as dt
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from sandbox.qad.books.errors import Refused
from sandbox.qad.books.reversals import Reversal

DECIMALS = {"EUR": 2, "KWD": 3, "JPY": 0}
CUSTOMERS = ("C0001", "C0002", "C0003")

act = st.tuples(
    st.sampled_from(("invoice", "credit", "payment", "apply", "reopen", "refund", "journal", "reverse", "batch")),
    st.sampled_from(tuple(DECIMALS)),
    st.sampled_from(CUSTOMERS),
    st.integers(min_value=1, max_value=10_000_000),
    st.integers(min_value=0, max_value=1000),
    st.dates(dt.date(2026, 1, 1), dt.date(2026, 4, 30)),
)


class Mix:
    """Turns drawn numbers into contents that are nearly always right."""

    def __init__(self, desk, draft):
        self.desk = desk
        self.draft = draft

    def content(self, name, drawn):
        currency, customer, minor, choice, day = drawn
        common = {"currency_code": currency, "posting_date": day}
        amount = Decimal(minor).scaleb(-DECIMALS[currency])
        if name == "invoice":
            parts = (self.draft.line(amount), self.draft.line(amount), self.draft.line(amount, debit=True))
            return self.draft.invoice(str(amount), customer_code=customer, posting_lines=parts, **common)
        if name == "credit":
            return self.draft.credit_note(str(amount), customer_code=customer, **common)
        if name == "journal":
            lines = (("1900", currency, str(amount), "0"), ("4100", currency, "0", str(amount)))
            return self.draft.journal(*lines, posting_date=day)
        return self._settling(name, customer, amount, choice, common)

    def _settling(self, name, customer, amount, choice, common):
        items = [
            item
            for item in self.desk.ledger.items.values()
            if item.currency_code == common["currency_code"]
            and (item.open_amount < item.original_amount if name == "reopen" else item.open_amount)
        ]
        owing = [item for item in items if item.is_debit]
        owed = [item for item in items if not item.is_debit]
        if name == "payment":
            paid = [item for item in owing if item.customer_code == customer and item.open_amount][: choice % 3]
            allocations = [(item.document, str(item.open_amount)) for item in paid]
            total = amount + sum((item.open_amount for item in paid), Decimal(0))
            return self.draft.payment(str(total), *allocations, customer_code=customer, **common)
        if not owing or not owed:
            return None
        debit, credit = owing[choice % len(owing)], owed[choice % len(owed)]
        if name == "refund":
            part = str(min(amount, credit.open_amount))
            line = self.draft.movement(credit.document, debit=part, customer=credit.customer_code)
            return self.draft.adjustment(line, gl_lines=(self.draft.line(part, "1010"),), **common)
        if name == "reopen":
            gone = [one.original_amount - one.open_amount for one in (debit, credit)]
            part = str(min(amount, *gone))
            return self.draft.adjustment(
                self.draft.movement(debit.document, debit=part, customer=debit.customer_code),
                self.draft.movement(credit.document, credit=part, customer=credit.customer_code),
                **common,
            )
        part = str(min(amount, debit.open_amount, credit.open_amount))
        return self.draft.adjustment(
            self.draft.movement(credit.document, debit=part, customer=credit.customer_code),
            self.draft.movement(debit.document, credit=part, customer=debit.customer_code),
            **common,
        )

    def reverse(self, choice, day):
        documents = list(self.desk.ledger.documents.values())
        if documents:
            document = documents[choice % len(documents)]
            try:
                self.desk.books.reverse(document.key, Reversal(posting_date=day), origin=self.desk.origin)
            except Refused:
                return False
            return True
        return False

    def fall(self, content):
        """Post a call whose last record is wrong: nothing of it may stay."""
        before = self.desk.snapshot()
        wrong = self.draft.invoice(customer_code="C9999")
        contents = [self.draft.invoice("7.00"), content or self.draft.invoice("8.00"), wrong]
        booked = self.desk.books.post("10USACO", contents, origin=self.desk.origin)
        assert booked.documents == []
        assert self.desk.snapshot() == before


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts=st.lists(act, min_size=20, max_size=60))
def test_the_books_agree_with_themselves_after_any_mix(desk_class, draft_class, acts):
    desk, draft = desk_class(), draft_class()
    mix = Mix(desk, draft)
    for name, *drawn in acts:
        if name == "reverse":
            mix.reverse(drawn[3], drawn[4])
            continue
        content = mix.content("payment" if name == "batch" else name, drawn)
        if name == "batch":
            mix.fall(content)
        elif content is not None:
            desk.books.post("10USACO", [content], origin=desk.origin)
    desk.check()


@settings(max_examples=40, deadline=None)
@given(
    total=st.integers(min_value=1, max_value=10**9),
    parts=st.lists(st.integers(min_value=0, max_value=1000), min_size=1, max_size=6),
)
def test_any_way_down_ends_at_nothing(desk_class, draft_class, total, parts):
    desk, draft = desk_class(), draft_class()
    amount = Decimal(total).scaleb(-2)
    invoice = desk.post(draft.invoice(str(amount), currency_code="EUR"))
    rest = total
    for part in parts:
        step = min(rest, total * part // 1000)
        if step:
            paid = str(Decimal(step).scaleb(-2))
            desk.post(draft.payment(paid, (invoice, paid), currency_code="EUR"))
            rest -= step
    if rest:
        paid = str(Decimal(rest).scaleb(-2))
        desk.post(structs.replace(draft.payment(paid, (invoice, paid), currency_code="EUR")))
    item = desk.ledger.items[invoice.key]
    assert (item.open_amount, item.open_base_amount) == (0, 0)
    desk.check()
