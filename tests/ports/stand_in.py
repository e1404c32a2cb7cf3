"""The stand-in QAD as a driver: whichever way a port speaks to it, its books are read on their own side."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from sandbox.qad.books.documents import Invoice, Payment, PostingLine
from sandbox.qad.books.master import Currency, ExchangeRate
from sandbox.qad.settings import Settings
from schemas.postings import GlLine
from streams.ports import Command, Erp
from tests.adapters.commands import JANUARY, Commands
from tests.adapters.qad_company import ENTITY, QadCompany, qad_company
from tests.ports.books import Booked, Key, Line, Tax

# What the house's name for a kind of document is in the words of the port.
_KINDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "invoice": lambda content: "invoice" if content["invoice_type"] == "INVOICE" else "credit_note",
    "payment": lambda content: "bounce" if content["status"] == "Bounced" else "receipt",
    "banking": lambda content: {"OUT": "refund", "IN": "refund_reversal"}[content["direction"]],
    "adjustment": lambda content: "transfer" if _makes_an_item(content) else "adjustment",
    "journal": lambda content: "journal",
}
_TOTALS: dict[str, Callable[[dict[str, Any]], Decimal]] = {
    "invoice": lambda content: content["original_amount"],
    "payment": lambda content: content["amount"],
    "banking": lambda content: content["amount"],
    "adjustment": lambda content: _debits(content["lines"]) + _debits(content["gl_lines"]),
    "journal": lambda content: _debits(content["lines"]),
}


class StandIn:
    """A QAD that answers what `speak` asks."""

    takes_tax_rows = True

    def __init__(self, qad: QadCompany, speak: Callable[[QadCompany], Awaitable[Erp]], account: str) -> None:
        self.qad = qad
        self.commands: Commands = qad
        self._speak = speak
        self._account = account

    async def port(self) -> Erp:
        return await self._speak(self.qad)

    def booked(self) -> Sequence[Booked]:
        return [_booked(document) for document in self.qad.documents()]

    def open_amounts(self) -> dict[Key, Decimal]:
        return {
            _key(item): item["open_amount"] * (1 if item["is_debit"] else -1)
            for item in self.qad.control.items(ENTITY)
            if item["open_amount"]
        }

    def contradictions(self) -> Sequence[str]:
        return self.qad.control.audit()[ENTITY]

    def load_opening(self, number: str, *, kind: str, currency: str = "USD") -> Key:
        content = _opening(number, kind=kind, currency=currency)
        return _key(self.qad.control.post_by_hand(ENTITY, content, user="clerk"))

    def lose_answer(self) -> Callable[[], bool]:
        armed = self.qad.arm("commit_then_reset", count=1)
        return lambda: armed.fired == 1

    async def refused(self, erp: Erp) -> tuple[Command, str, tuple[str, ...]]:
        closed = (GlLine(account="4900", credit=Decimal("5.00")),)
        return self.commands.invoice("5.00", lines=closed), "gl_account", (self._account,)

    async def leave(self) -> None:
        await self.qad.server.refuse_connections()

    async def come_back(self) -> None:
        await self.qad.server.listen()


@asynccontextmanager
async def stand_in(
    directory: Path,
    speak: Callable[[QadCompany], Awaitable[Erp]],
    account: str = "glAccountCode",
    dialect: str = "house",
) -> AsyncIterator[StandIn]:
    """Serve a QAD, spoken to in a way that calls GL accounts so; it books CLF, with four decimals, as well."""
    settings = Settings()
    settings.books = msgspec.structs.replace(settings.books, prepayment_holds_whole_payment=True)
    async with qad_company(directory, dialect, settings=settings) as qad:
        qad.control.set_currency(Currency(currency_code="CLF", description="Unidad de Fomento", decimals=4))
        rate = ExchangeRate(
            from_currency_code="CLF", to_currency_code="USD", valid_from=date(2025, 1, 1), rate=Decimal(40)
        )
        qad.control.add_rate("CORP", rate)
        yield StandIn(qad, speak, account)


def _booked(shown: dict[str, Any]) -> Booked:
    kind, content = str(shown["kind"]), shown["content"]
    lines = content.get("posting_lines") or content.get("gl_lines") or (content["lines"] if kind == "journal" else ())
    return Booked(
        kind=_KINDS[kind](content),
        reference=content["custom_short_0"],
        number=content.get("reference", content.get("payment_reference", content.get("external_reference"))),
        customer=content.get("customer_code", ""),
        currency=content["lines"][0].currency_code if kind == "journal" else content["currency_code"],
        total=_TOTALS[kind](content),
        day=content["posting_date"],
        key=_key(shown),
        description=content["description"],
        lines=tuple(_line(line) for line in lines),
        taxes=tuple(
            Tax(row.tax_code, row.gl_account_code, row.base_amount, row.tax_amount)
            for row in content.get("tax_lines", ())
        ),
        off=sum((line["debit_amount"] - line["credit_amount"] for line in shown["entry"]), Decimal(0)),
    )


def _key(shown: dict[str, Any]) -> Key:
    key = shown["key"]
    return Key(key["posting_year"], key["daybook_code"], key["voucher"])


def _line(line: PostingLine) -> Line:
    return Line(
        account=line.gl_account_code,
        sub_account=line.sub_account_code,
        cost_centre=line.cost_centre_code,
        project=line.project_code,
        text=line.text,
        debit=line.debit_amount,
        credit=line.credit_amount,
    )


def _debits(lines: Sequence[Any]) -> Decimal:
    return sum((line.debit_amount for line in lines), Decimal(0))


def _makes_an_item(content: dict[str, Any]) -> bool:
    return any(line.new_item_type for line in content["lines"])


def _opening(number: str, *, kind: str, currency: str) -> Invoice | Payment:
    amount = Decimal(70)
    head: dict[str, Any] = {"customer_code": "C0001", "currency_code": currency, "posting_date": JANUARY}
    if kind == "payment":
        paid = {"bank_gl_account_code": "1010", "payment_date": JANUARY, "daybook_code": "ZPAY", "status": "Paid"}
        return Payment(**head, **paid, amount=amount, payment_reference=number, description="Opening")
    owed = kind != "credit_memo"
    line = PostingLine(gl_account_code="4100", **{"credit_amount" if owed else "debit_amount": amount})
    return Invoice(
        **head,
        invoice_type="INVOICE" if owed else "CREDITNOTE",
        invoice_date=JANUARY,
        due_date=JANUARY,
        daybook_code="HINV" if owed else "ZCRN",
        description="Opening",
        reference=number,
        original_amount=amount,
        is_taxable=False,
        posting_lines=(line,),
    )
