"""Things that happen to a connection, for properties that must hold whatever happens, in whatever order."""

from hypothesis import strategies as st

from schemas.codec import Event
from schemas.mapping import LineRow
from tests.unit import builders as zuora

LATER, LAST = "2026-03-11T10:00:00Z", "2026-03-12T10:00:00Z"
NEW = zuora.item("100.00", "inv3-1", accountingCode="New")
WITH_NEW = (*zuora.lines(), LineRow(code="New", account="4100"))
BACK = zuora.row("-40.00", "r2", created=LATER)
AGAIN = zuora.row("40.00", "r3", to="inv2", created=LAST)

HAPPENINGS: tuple[Event, ...] = (
    zuora.published(),
    zuora.account(),
    zuora.account(updated=LATER, QADCustomer__c="C2"),
    zuora.account("acc2", number="A-2"),
    zuora.customer(),
    zuora.customer("C2", zuora_account=""),
    zuora.customer(active=False),
    zuora.linked("C2"),
    zuora.simple_invoice(),
    zuora.simple_invoice(updated=LATER, comments="x"),
    zuora.simple_invoice("120.00", updated=LAST, postedDate=LAST),
    zuora.simple_invoice("50.00", "inv2"),
    zuora.draft(updated=LATER),
    zuora.draft("inv2", updated=LATER),
    zuora.invoice(NEW, name="inv3"),
    zuora.simple_invoice(name="inv4", accountId="acc2"),
    zuora.simple_invoice(name="inv5", invoiceDate="2025-12-01", postedDate="2025-12-01T10:00:00Z"),
    zuora.payment("100.00"),
    zuora.payment("100.00", zuora.row("60.00"), updated=LATER),
    zuora.payment("100.00", zuora.row("60.00"), BACK, AGAIN, updated=LAST),
    zuora.payment("5.00", zuora.row("5.00", "r9", to="inv5"), name="pay2"),
    zuora.memo(zuora.memo_item("10.00"), rows=[zuora.row("10.00", "r5")]),
    zuora.published(2, lines=WITH_NEW),
    zuora.period(3, is_open=False),
    zuora.period(3),
    zuora.released("invoice:inv3"),
    zuora.replayed("invoice:inv1"),
)

# Most begin with what nothing goes without, some with nothing.
_beginnings = st.sampled_from([HAPPENINGS[:2], HAPPENINGS[1::-1], HAPPENINGS[:2], ()])
happenings = st.tuples(_beginnings, st.lists(st.sampled_from(HAPPENINGS), min_size=6, max_size=24)).map(
    lambda parts: [*parts[0], *parts[1]]
)

# One long story in which much waits, parks, is released, undone and made anew.
STORY: tuple[Event, ...] = (
    zuora.simple_invoice(),
    zuora.payment("100.00", zuora.row("60.00")),
    zuora.account(),
    zuora.published(),
    zuora.invoice(NEW, name="inv3"),
    zuora.simple_invoice("50.00", "inv2"),
    zuora.payment("100.00", zuora.row("60.00"), BACK, AGAIN, updated=LAST),
    zuora.memo(zuora.memo_item("10.00"), rows=[zuora.row("10.00", "r5", to="inv2")]),
    zuora.payment("9.00", zuora.row("9.00", "r8", invoiceId=None), name="pay3"),
    zuora.published(2, lines=WITH_NEW),
    zuora.simple_invoice("7.00", "inv6"),
    zuora.draft("inv6", updated=LATER),
    zuora.simple_invoice("8.00", "inv6", updated=LAST, postedDate=LAST),
    zuora.period(3, is_open=False),
    zuora.simple_invoice("1.00", "inv7"),
    zuora.period(3),
    zuora.released("invoice:inv7"),
)
