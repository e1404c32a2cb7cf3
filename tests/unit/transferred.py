"""A payment of one account that goes to another, of a second customer: what tests of moved money share."""

from schemas.mapping import Analysis
from tests.unit import builders as zuora
from tests.unit.test_ledger_refunds import world as with_banking
from tests.unit.world import World

PAYMENT, INVOICE = "payment:pay1", "invoice:inv1"
LATER, LATEST, LAST = "2026-03-12T10:00:00Z", "2026-03-13T10:00:00Z", "2026-03-14T10:00:00Z"
CASH = {"unassigned_cash": Analysis(account="1999")}


def world(**policy) -> World:
    """Return a world with a second customer, that of account acc2, and all daybooks."""
    found = with_banking(policy=policy).put(
        zuora.Daybook(code="ZJRN", active=True), zuora.customer("C2", zuora_account="")
    )
    return found.put(zuora.account("acc2", number="A-2"), zuora.linked("C2", "acc2"))


def steps(found: World) -> list[str]:
    return [f"{posting.act}#{posting.n} {posting.step}" for posting in found.postings if posting.document == PAYMENT]


def moved(*rows, **more) -> zuora.ZuoraRecord:
    return zuora.payment("100.00", *rows, **{"accountId": "acc2", "updated": LATER, **more})
