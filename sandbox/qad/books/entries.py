"""Builds the GL entry of a document: base amounts, realised differences and rounding, so that it balances in both.

Only what the ERP owns is decided here: at which rate a line is valued, and where what is left over goes. A movement
of an open item is valued at the item's own rate; what that differs from the rate of the day is realised gain or
loss.
"""

from decimal import Decimal

from msgspec import structs

from sandbox.qad.books.amounts import ZERO, converted, unit
from sandbox.qad.books.checks import Inspection
from sandbox.qad.books.documents import KIND_OF, Content, Document, DocumentKey, Origin
from sandbox.qad.books.errors import InvariantViolation, settled
from sandbox.qad.books.ledger import Entry, GlLine
from sandbox.qad.books.master import Entity, Period
from sandbox.qad.books.open_items import Movement, OpenItem


class EntryBuilder:
    """Gathers the lines of one entry. All signed amounts in here are positive for debit."""

    def __init__(self, *, document: Document, entity: Entity, base_decimals: int, rate: Decimal = Decimal(1)) -> None:
        self.document = document
        self._entity = entity
        self._base_decimals = base_decimals
        self._rate = rate
        self._lines: list[GlLine] = []
        self._movements: list[Movement] = []
        self._open_amounts: dict[int, Decimal] = {}
        self._new_item: OpenItem | None = None

    def in_base(self, amount: Decimal) -> Decimal:
        """Value an amount at the rate of the document."""
        return converted(amount, rate=self._rate, decimals=self._base_decimals)

    def add(
        self,
        origin: str,
        account: tuple[str, str],
        *,
        currency_code: str,
        debit: Decimal = ZERO,
        credit: Decimal = ZERO,
        base: Decimal | None = None,
        rate: Decimal | None = None,
        cost_centre_code: str = "",
        project_code: str = "",
        text: str = "",
        item: OpenItem | None = None,
    ) -> None:
        """Add a line.

        Args:
            origin: why it is there.
            account: GL account and sub-account.
            currency_code: currency of debit and credit.
            debit: amount, where the line stands on the debit side; negative in corrections.
            credit: the same for the credit side.
            base: signed value in base where it does not follow from the rate.
            rate: the rate of this line, where lines of one document have several.
            cost_centre_code: analysis.
            project_code: analysis.
            text: text of the line.
            item: the open item that the line moves.
        """
        if base is None:
            base = converted(debit - credit, rate=rate or self._rate, decimals=self._base_decimals)
        base += ZERO  # A value that was rounded to minus zero becomes plain zero.
        stands_on_credit = bool(credit) or (not debit and base < 0)
        self._lines.append(
            GlLine(
                document=self.document,
                sequence=len(self._lines) + 1,
                origin=origin,
                gl_account_code=account[0],
                sub_account_code=account[1],
                cost_centre_code=cost_centre_code,
                project_code=project_code,
                text=text,
                currency_code=currency_code,
                debit_amount=debit,
                credit_amount=credit,
                base_debit_amount=ZERO if stands_on_credit else base,
                base_credit_amount=-base if stands_on_credit else ZERO,
                item=item,
            )
        )

    def open(self, item: OpenItem, *, debit: Decimal = ZERO, credit: Decimal = ZERO) -> None:
        """Add the line on the control account that brings a new open item into being."""
        self._new_item = item
        self.add(
            "control",
            (item.gl_account_code, item.sub_account_code),
            currency_code=item.currency_code,
            debit=debit,
            credit=credit,
            base=item.open_base_amount if item.is_debit else -item.open_base_amount,
            item=item,
        )

    def settle(self, item: OpenItem, *, debit: Decimal = ZERO, credit: Decimal = ZERO) -> Decimal:
        """Add the line that lowers or re-opens an item, at the item's own value.

        Returns:
            What the same amount is worth at the rate of the document, less that value: signed, positive for debit.
        """
        signed = debit - credit
        change = signed if item.is_debit else -signed
        before = self._open_amounts.get(id(item), item.open_amount)
        after = self._open_amounts[id(item)] = before + change
        base_change = item.base_at(after) - item.base_at(before)
        self._movements.append(Movement(item=item, change=change, base_change=base_change))
        base = base_change if item.is_debit else -base_change
        self.add(
            "control",
            (item.gl_account_code, item.sub_account_code),
            currency_code=item.currency_code,
            debit=debit,
            credit=credit,
            base=base,
            item=item,
        )
        return self.in_base(signed) - base

    def realise(self, difference: Decimal, currency_code: str) -> None:
        """Book a realised exchange difference in base: credit is a gain, debit a loss."""
        if difference < 0:
            account, origin = self._entity.realised_gain_gl_account_code, "gain"
        elif difference > 0:
            account, origin = self._entity.realised_loss_gl_account_code, "loss"
        else:
            return
        self.add(origin, (account, ""), currency_code=currency_code, base=difference)

    def finish(self, *, is_new: bool = True) -> Entry:
        """Book what rounding left over and return the entry."""
        left_over = sum((line.base_debit_amount - line.base_credit_amount for line in self._lines), ZERO)
        # Each line was rounded once, by half a unit at most; more than that is no rounding.
        if abs(left_over) > unit(self._base_decimals) * len(self._lines):
            raise InvariantViolation(f"Entry {self.document.key} is {left_over} out of balance in base.")
        if left_over:
            account = self._entity.rounding_gl_account_code
            currency_code = self._lines[0].currency_code
            self.add("rounding", (account, ""), currency_code=currency_code, base=-left_over)
        return Entry(
            document=self.document,
            lines=self._lines,
            movements=self._movements,
            new_item=self._new_item,
            is_new=is_new,
        )


def sides(signed: Decimal, *, is_correction: bool = False) -> tuple[Decimal, Decimal]:
    """Split an amount that is positive for debit; a correction stands negative on the other side."""
    if (signed > 0) != is_correction:
        return signed, ZERO
    return ZERO, -signed


def begin(
    inspection: Inspection,
    content: Content,
    *,
    key: DocumentKey | None,
    period: Period | None,
    origin: Origin,
    rate: Decimal = Decimal(1),
) -> EntryBuilder:
    """Make the document of a content without findings, and the builder of its entry.

    Raises:
        Refused: where the inspection found something.
    """
    inspection.findings.raise_if_any()
    key = settled(key)
    document = Document(
        kind=KIND_OF[type(content)],
        key=key,
        content=structs.replace(
            content, entity_code=key.entity_code, posting_year=key.posting_year, voucher=key.voucher
        ),
        posting_period=settled(period).period,
        created_by=origin.user,
        created_at=origin.at,
    )
    return resume(inspection, document, rate=rate)


def resume(inspection: Inspection, document: Document, *, rate: Decimal) -> EntryBuilder:
    """Make the builder of an entry for a document that is there already."""
    return EntryBuilder(document=document, entity=inspection.entity, base_decimals=inspection.base_decimals, rate=rate)
