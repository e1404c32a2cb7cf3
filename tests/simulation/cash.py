"""What a tenant does with money that has come: it gives it back, loses it again, or gives it to another account.

By the rules of Zuora as far as they are known (the stand-in's acts have them too): what is transferred is wholly
unapplied, what is refunded is unapplied first, a chargeback is a refund. And what must stand in QAD's general ledger
when all has come to rest.
"""

from dataclasses import dataclass
from decimal import Decimal

from tests.simulation.zuora import BEFORE_CUT_OVER, OVER_NOTHING_S, About, Zuora
from tests.unit import builders as zuora
from tests.unit.tenant import ZERO, Tenant

REFUNDED, MEMO_REFUNDED, CHARGED_BACK = "payment refunded", "memo refunded", "payment charged back"
CHARGED_BACK_AS_ERROR, REFUND_CANCELLED = "payment charged back, and its status says so", "refund cancelled"
BOUNCED, BOUNCED_APPLIED = "payment bounced", "payment bounced, and what stood applied of it is shown as it was"
TRANSFERRED, OF_NOBODY, ASSIGNED = "payment transferred", "payment of nobody", "payment of nobody assigned"
OPENING_TRANSFERRED = "payment that others loaded transferred"
CASH_ACTS = (
    REFUNDED,
    MEMO_REFUNDED,
    CHARGED_BACK,
    CHARGED_BACK_AS_ERROR,
    REFUND_CANCELLED,
    BOUNCED,
    BOUNCED_APPLIED,
    TRANSFERRED,
    OF_NOBODY,
    ASSIGNED,
    OPENING_TRANSFERRED,
)
# Where the mapping of the house puts it, and where people move revenue to.
BANK, UNASSIGNED, REVENUE, LESS = ("1010",), ("1999",), ("4000", "4100"), ("6800",)
MOVED = ("4090",)
OPENING = "pold"


@dataclass
class Refund:
    """Money given back of one payment or memo."""

    payer: str
    amount: Decimal
    account: str
    day: str
    made: str
    status: str = "Processed"


class Cash(Zuora):
    """The tenant, with all that money does."""

    def __init__(self) -> None:
        self.refunds: dict[str, Refund] = {}
        super().__init__()
        about = self.about[OPENING] = About("acc1", BEFORE_CUT_OVER, posted=f"{BEFORE_CUT_OVER}T10:00:00Z")
        about.touched = about.posted
        Tenant.pay(self, OPENING, 80)
        about.touched = ""

    # Acts.

    def refund(self, name: str, amount: int) -> bool:
        """Give back a part of a payment or memo; what is applied of a payment is unapplied as far as is needed."""
        if not self._counts(name) or not self.about[name].account:
            return False
        if not name.startswith("cm"):
            for invoice in self.invoices:
                self.unapply(name, invoice, int(max(amount - self.unapplied(name), ZERO)))
        return self._refund(name, min(Decimal(amount), self.unapplied(name)))

    def charge_back(self, name: str, *, as_error: bool) -> bool:
        """Give all of a payment back, as its bank did; of some tenants its status says so as well."""
        about = self.about[name]
        if not self._counts(name) or not about.account or name == OPENING:
            return False
        self._unapply_all(name)
        if as_error:
            about.status = "Error"
        return self._refund(name, self.payers[name].total - about.refunded)

    def cancel_refund(self, name: str, *, status: str) -> bool:
        """Take a refund back: what it gave back is open again."""
        refund = self.refunds[name]
        if refund.status != "Processed" or not self._counts(refund.payer):
            return False
        refund.status = status
        self.about[refund.payer].refunded -= refund.amount
        self._payer(refund.payer)
        self._show(name)
        return True

    def bounce(self, name: str, *, status: str, unapplies: bool) -> bool:
        """Lose a payment again of which nothing was refunded."""
        about = self.about[name]
        if not self._counts(name) or about.refunded or name == OPENING:
            return False
        if unapplies:
            self._unapply_all(name)
        about.status = status
        self._payer(name)
        return True

    def transfer(self, name: str, account: str) -> bool:
        """Give a payment to another account, or assign one of nobody: it must be there whole."""
        about = self.about[name]
        if not self._counts(name) or account == about.account or self.unapplied(name) != self.payers[name].total:
            return False
        about.account = account
        self._payer(name)
        return True

    # What can be done.

    def payments(self) -> list[str]:
        """Return the payments that count, the newest first."""
        return [name for name in reversed(self.payers) if not name.startswith("cm") and self._counts(name)]

    def of_nobody(self) -> list[str]:
        """Return those of them that have no account."""
        return [name for name in self.payments() if not self.about[name].account]

    # What is true.

    def ledger(self, moved: Decimal) -> dict[tuple[str, ...], Decimal]:
        """Return what must stand in the general ledger, debits above zero, by accounts that are taken together.

        Args:
            moved: What people moved from revenue elsewhere, likewise.
        """
        posted = [one for name, one in self.invoices.items() if one.posted and name != "iold"]
        memos = [one for name, one in self.payers.items() if name.startswith("cm") and self.about[name].posted]
        received = {name: self.payers[name].total for name in self.payments()}
        refunded = sum((self.about[name].refunded for name in self.payers if self._counts(name)), ZERO)
        over_nothing = sum((OVER_NOTHING_S for one in posted if not one.total), ZERO)
        credited = sum((one.total for one in memos if one.name != "cmold"), ZERO)
        return {
            BANK: sum(received.values(), ZERO) - received.get(OPENING, ZERO) - refunded,
            UNASSIGNED: -sum((total for name, total in received.items() if not self.about[name].account), ZERO),
            REVENUE: credited - over_nothing - sum((one.total for one in posted), ZERO) - moved,
            LESS: over_nothing,
            MOVED: moved,
        }

    # How it shows them.

    def _counts(self, name: str) -> bool:
        about = self.about[name]
        return bool(about.posted) and about.status == "Processed"

    def _unapply_all(self, name: str) -> None:
        for invoice in self.invoices:
            self.unapply(name, invoice, 10**6)

    def _refund(self, payer: str, amount: Decimal) -> bool:
        if amount <= 0:
            return False
        about = self.about[payer]
        about.refunded += amount
        self._payer(payer)
        name = f"r{len(self.refunds)}"
        self.refunds[name] = Refund(payer, amount, about.account, self.today, self._now())
        self._show(name)
        return True

    def _show(self, name: str) -> None:
        refund = self.refunds[name]
        kind = "credit_memo" if refund.payer.startswith("cm") else "payment"
        record = zuora.refund(
            str(refund.amount),
            name=name,
            closes=f"{kind}:{refund.payer}",
            updated=self._now(),
            accountId=refund.account,
            refundDate=refund.day,
            createdDate=refund.made,
            status=refund.status,
        )
        self.versions[f"refund:{name}"].append(record)
