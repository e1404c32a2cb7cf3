"""What a rehearsal posts, step by step: one document of each kind, small, each undone by a later one.

Pure: a step is built from what the steps before it were called in QAD. At its end nothing is open, and every account is
where it was. Never decides what a posting of Zuora's becomes: that is the ledger's.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from schemas.errors import Misconfigured
from schemas.mapping import Mapping as Rules
from schemas.money import ZERO, scale_of
from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, GlLine, InvoiceContent, JournalContent
from streams.ports import Adjustment, Bounce, ItemLine, Payload, Receipt, Refund, RefundReversal, Transfer

Made = TypeVar("Made")

# In the smallest unit of the currency: large enough that a rate of tax shows, small enough to be nobody's money.
_NET, _TAX = 10_000, 1_900


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a rehearsal plays.

    Attributes:
        customer: A customer of the test entity.
        other: Another one, to whom money is transferred; "" leaves transfers out.
        day: Every date of every document.
        rules: The mapping: its daybooks, a revenue account, a tax account and a bank of it are used.
        nets: This QAD applies a credit note to the invoice that its link names.
    """

    customer: str
    other: str
    day: date
    rules: Rules
    nets: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One document.

    Attributes:
        name: What other steps call it.
        kind: The kind of document, as profiles name it.
        what: What it does, for people.
        needs: Steps whose documents it refers to.
        build: Makes it from those.
        customer: The customer whose document it is.
        linked: The step to whose document it is linked, for QAD to net it; "" where it is linked to none.
    """

    name: str
    kind: str
    what: str
    build: Callable[[Mapping[str, Document]], Payload]
    needs: tuple[str, ...] = ()
    customer: str = ""
    linked: str = ""


def script(stage: Stage) -> list[Step]:
    """Return the steps in their order.

    Raises:
        Misconfigured: The mapping names no revenue account, bank or daybook to do it with.
    """
    return _Script(stage).steps()


class _Script:
    def __init__(self, stage: Stage) -> None:
        rules = stage.rules
        revenue = next((row for row in rules.lines if row.processing == "Charge"), None)
        if revenue is None or not rules.banks:
            raise Misconfigured("the mapping has no [[lines]] for a charge, or no [[banks]]: nothing can be rehearsed")
        self._stage, self._books = stage, rules.daybooks
        self._revenue, self._tax = revenue, next(iter(rules.tax), None)
        self._bank, self._currency = rules.banks[0].account, rules.banks[0].currency
        unit = Decimal(1).scaleb(-scale_of(self._currency))
        self._net, self._on_top = _NET * unit, _TAX * unit if self._tax else ZERO
        self._total = self._net + self._on_top

    def steps(self) -> list[Step]:
        """Return the steps in their order."""
        books, mine = self._books, self._stage.customer
        found = [
            Step(name="invoice", kind="invoice", what="a customer invoice with tax", build=lambda _: self._invoice()),
            *self._paid(),
            Step(
                name="deallocation",
                kind="adjustment",
                what="that allocation taken back: both items are open again",
                needs=("invoice", "receipt", *(step.name for step in self._paid()[1:])),
                build=lambda made: self._moved(made["invoice"], made["receipt"], reopens=True),
            ),
            Step(
                name="bounce",
                kind="bounce",
                what="the receipt taken back from the bank",
                needs=("receipt", "deallocation"),
                build=lambda made: self._bank_move(Bounce, made["receipt"], books.bounce or books.receipt),
            ),
            Step(
                name="credit note",
                kind="credit_note",
                what="a credit note of the same lines turned",
                needs=("invoice", "deallocation"),
                build=lambda _: self._credit_note(),
            ),
            Step(
                name="allocation",
                kind="adjustment",
                what="the credit note allocated to the invoice",
                needs=("invoice", "credit note"),
                build=lambda made: self._moved(made["invoice"], made["credit note"], reopens=False),
            ),
        ]
        if self._stage.nets:
            found += [
                Step(
                    name="invoice to net",
                    kind="invoice",
                    what="another invoice",
                    build=lambda _: self._invoice(),
                ),
                Step(
                    name="netted credit note",
                    kind="credit_note",
                    what="a credit note that QAD nets against it by its link",
                    needs=("invoice to net",),
                    build=lambda _: self._credit_note(),
                    linked="invoice to net",
                ),
            ]
        if books.banking:
            found += [
                Step(name="prepayment", kind="receipt", what="a receipt without an allocation", build=self._prepayment),
                Step(
                    name="refund",
                    kind="refund",
                    what="that prepayment refunded",
                    needs=("prepayment",),
                    build=lambda made: self._bank_move(Refund, made["prepayment"], books.banking),
                ),
                Step(
                    name="refund reversal",
                    kind="refund_reversal",
                    what="the refund cancelled: the prepayment is open again",
                    needs=("prepayment", "refund"),
                    build=lambda made: self._bank_move(RefundReversal, made["prepayment"], books.banking),
                ),
                *self._last_of_prepayment(),
            ]
        if books.journal:
            found += [
                Step(name="journal", kind="journal", what="a journal", build=lambda _: self._journal(turned=False)),
                Step(
                    name="journal turned",
                    kind="journal",
                    what="the same journal turned",
                    needs=("journal",),
                    build=lambda _: self._journal(turned=True),
                ),
            ]
        return [step if step.customer else msgspec.structs.replace(step, customer=mine) for step in found]

    def _paid(self) -> list[Step]:
        """Return how the invoice is paid: the receipt carries it, or an adjustment does, as the mapping says."""
        carries = self._stage.rules.policy.receipts == "allocated"
        receipt = Step(
            name="receipt",
            kind="receipt",
            what=f"a receipt {'that carries its allocation to the invoice' if carries else 'as a prepayment'}",
            needs=("invoice",),
            build=lambda made: self._receipt(((made["invoice"], self._total),) if carries else ()),
        )
        applied = Step(
            name="payment applied",
            kind="adjustment",
            what="the prepayment allocated to the invoice",
            needs=("invoice", "receipt"),
            build=lambda made: self._moved(made["invoice"], made["receipt"], reopens=False),
        )
        return [receipt] if carries else [receipt, applied]

    def _last_of_prepayment(self) -> list[Step]:
        """Return how the prepayment ends: by way of another customer where there is one."""
        books, mine, other = self._books, self._stage.customer, self._stage.other
        if not other:
            return [
                Step(
                    name="refund again",
                    kind="refund",
                    what="the prepayment refunded for good",
                    needs=("prepayment", "refund reversal"),
                    build=lambda made: self._bank_move(Refund, made["prepayment"], books.banking),
                )
            ]
        return [
            Step(
                name="transfer",
                kind="transfer",
                what=f"the prepayment transferred to {other}",
                needs=("prepayment", "refund reversal"),
                build=lambda made: self._transfer(made["prepayment"], mine, to=other),
                customer=other,
            ),
            Step(
                name="refund again",
                kind="refund",
                what=f"the prepayment refunded to {other} for good",
                needs=("transfer",),
                build=lambda made: self._bank_move(Refund, made["transfer"], books.banking, customer=other),
                customer=other,
            ),
        ]

    # -- payloads ----------------------------------------------------------------------------------------------------

    def _head(self, daybook: str) -> dict[str, Any]:
        day = self._stage.day
        return {
            "currency": self._currency,
            "total": self._total,
            "document_date": day,
            "posting_date": day,
            "daybook": daybook,
            "description": "Rehearsal of ml-connector",
        }

    def _lines(self, *, side: str) -> tuple[GlLine, ...]:
        amounts = [(self._revenue, self._net), *([(self._tax, self._on_top)] if self._tax else [])]
        return tuple(
            GlLine(
                account=place.account,
                sub_account=place.sub_account,
                cost_centre=place.cost_centre,
                project=place.project,
                text="Rehearsal",
                debit=amount if side == "debit" else ZERO,
                credit=amount if side == "credit" else ZERO,
            )
            for place, amount in amounts
        )

    def _invoice(self) -> InvoiceContent:
        return _made(
            InvoiceContent,
            self._head(self._books.invoice),
            customer=self._stage.customer,
            # Another day than all others: a column that shows the wrong one of them is seen.
            due_date=self._stage.day + timedelta(days=30),
            lines=self._lines(side="credit"),
            terms=next(iter(self._stage.rules.terms.values()), ""),
        )

    def _credit_note(self) -> CreditNoteContent:
        head = self._head(self._books.credit_note)
        lines, day = self._lines(side="debit"), self._stage.day
        return _made(CreditNoteContent, head, customer=self._stage.customer, due_date=day, lines=lines)

    def _receipt(self, allocations: tuple[tuple[Document, Decimal], ...]) -> Receipt:
        head, customer = self._head(self._books.receipt), self._stage.customer
        return _made(Receipt, head, customer=customer, bank_account=self._bank, allocations=allocations)

    def _prepayment(self, _made_before: Mapping[str, Document]) -> Receipt:
        return self._receipt(())

    def _moved(self, item: Document, payer: Document, *, reopens: bool) -> Adjustment:
        lowered, raised = (ZERO, self._total) if reopens else (self._total, ZERO)
        lines = (
            ItemLine(document=item, customer=self._stage.customer, debit=raised, credit=lowered),
            ItemLine(document=payer, customer=self._stage.customer, debit=lowered, credit=raised),
        )
        return _made(Adjustment, self._head(self._books.adjustment), lines=lines)

    def _bank_move(
        self, kind: type[Refund] | type[RefundReversal] | type[Bounce], item: Document, daybook: str, customer: str = ""
    ) -> Payload:
        whose = customer or self._stage.customer
        return _made(kind, self._head(daybook), customer=whose, bank_account=self._bank, item=item)

    def _transfer(self, item: Document, holder: str, *, to: str) -> Transfer:
        line = ItemLine(document=item, customer=holder, debit=self._total, credit=ZERO)
        return _made(Transfer, self._head(self._books.adjustment), customer=to, item=line)

    def _journal(self, *, turned: bool) -> JournalContent:
        sides = ("credit", "debit") if turned else ("debit", "credit")
        # In and out of the same account: no balance moves, and both sides of a line are seen.
        lines = tuple(line for side in sides for line in self._lines(side=side))
        return _made(JournalContent, self._head(self._books.journal), lines=lines)


def _made(kind: type[Made], head: dict[str, Any], **more: Any) -> Made:
    return kind(**head, **more)
