"""Three sides that agree with each other, to be put out of step by what a test is about."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from console.reconciliation.comparing import Result, compare
from console.reconciliation.facts import LogSide, QadDocument, QadOpenItem, QadSide, Standing
from console.reports import Difference, Report, SumLine
from console.zuora_side import ZuoraDocument
from schemas.ids import document_key, machine_reference, posting_id
from schemas.outcomes import Document
from schemas.postings import (
    Act,
    AllocationContent,
    Content,
    CreditNoteContent,
    GlLine,
    InverseContent,
    InvoiceContent,
    OpeningContent,
    Posting,
    ReceiptContent,
    content_hash,
)
from schemas.reasons import Reason

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
DAY, CUT_OVER = date(2026, 3, 10), date(2026, 1, 1)
READ, CHANGED = "2026-04-01T00:00:00+00:00", "2026-03-11T08:00:00Z"
_DAYBOOKS = {"invoice": "ZINV", "debit_memo": "ZINV", "credit_memo": "ZCRN", "payment": "ZPAY"}
_KINDS = {"invoice": "invoice", "debit_memo": "invoice", "credit_memo": "credit_note", "payment": "receipt"}
_ACCOUNTS = {"invoice": "1200", "debit_memo": "1200", "credit_memo": "1210", "payment": "2400"}


class Sides:
    """Zuora, QAD and the log of one connection."""

    def __init__(self) -> None:
        self.zuora: dict[str, ZuoraDocument] = {}
        self.qad = QadSide()
        self.log = LogSide(cut_over=CUT_OVER, read_to=dict.fromkeys(_DAYBOOKS, READ))
        self._vouchers = 0

    # -- what is there -----------------------------------------------------------------------------------------------

    def document(
        self,
        kind: str,
        total: str,
        *,
        open_amount: str | None = None,
        number: str = "",
        currency: str = "EUR",
        day: date = DAY,
        updated: str = CHANGED,
    ) -> str:
        """Put a document into Zuora alone; return its name."""
        name = document_key(kind, f"8a{len(self.zuora):04}")
        self.zuora[name] = ZuoraDocument(
            kind=kind,
            number=number or f"N-{len(self.zuora)}",
            currency=currency,
            total=Decimal(total),
            open=Decimal(total if open_amount is None else open_amount),
            day=str(day),
            stamp=updated,
        )
        return name

    def posted(self, kind: str, total: str, *, customer: str = "C1", **fields: Any) -> str:
        """Put a document into Zuora, the log and QAD, all of one mind."""
        name = self.document(kind, total, **fields)
        document = self.zuora[name]
        self.put(self.posting(name), customer=customer, open_amount=str(abs(document.open)))
        self.log.read.add(name)
        self.log.matched.add(name)
        return name

    # -- the log -----------------------------------------------------------------------------------------------------

    def posting(self, name: str, *, n: int = 1, act: Act = Act.POST, content: Content | None = None) -> Posting:
        """Write the posting of a document to the log; it stands nowhere yet."""
        document = self.zuora[name]
        made = content or self._content(document)
        step = "inverse" if act is Act.REVERSE else "document"
        return self.offer(name, number=document.number, act=act, n=n, step=step, content=made)

    def offer(self, name: str, *, number: str, act: Act, n: int, step: str, content: Content) -> Posting:
        """Write a posting to the log."""
        kind, _, zuora_id = name.partition(":")
        identity = posting_id("acme", kind=kind, zuora_id=zuora_id, act=act.value, n=n, step=step)
        posting = Posting(
            id=identity,
            reference=machine_reference(identity),
            number=number,
            document=name,
            act=act,
            n=n,
            step=step,
            content=content,
            source_hash="",
            content_hash=content_hash(content),
        )
        self.log.postings[posting.id] = posting
        return posting

    def allocation(self, payer: str, item: str, amount: str, *, reopens: bool = False, row: str = "r1") -> Posting:
        """Write an application of one document to another to the log."""
        content = AllocationContent(
            payer=posting_id("acme", kind="x", zuora_id=payer, act="post", n=1, step="document"),
            item=posting_id("acme", kind="x", zuora_id=item, act="post", n=1, step="document"),
            payer_document=payer,
            item_document=item,
            amount=Decimal(amount),
            currency="EUR",
            document_date=DAY,
            posting_date=DAY,
            daybook="ZADJ",
            description="",
            reopens=reopens,
            row=row,
        )
        act = Act.DEALLOCATE if reopens else Act.ALLOCATE
        return self.offer(payer, number="A", act=act, n=1, step=f"{act.value}:{row}", content=content)

    def inverse(self, name: str, posting: Posting, *, total: str, number: str = "N") -> Posting:
        """Write the inverse of a posting to the log."""
        content = InverseContent(
            of=posting.id, currency="EUR", total=Decimal(total), posting_date=DAY, daybook="ZCRN", description=""
        )
        return self.offer(name, number=number, act=Act.REVERSE, n=1, step="inverse", content=content)

    def opening(self, name: str, *, item_kind: str = "invoice") -> Posting:
        """Write to the log that a document is an opening item."""
        number = self.zuora[name].number
        content = OpeningContent(number=number, currency="EUR", item_kind=item_kind)
        return self.offer(name, number=number, act=Act.POST, n=1, step="opening", content=content)

    def stands(self, posting: Posting, status: str, rule: str = "", message: str = "a message") -> None:
        """Say where a posting stands for the sink."""
        reason = Reason(rule=rule, message=message) if rule else None
        self.log.standings[posting.id] = Standing(status=status, reason=reason)

    def held(self, name: str, status: str, rule: str) -> None:
        """Say that match or ledger hold or ignore a document."""
        self.log.documents[name] = Standing(status=status, reason=Reason(rule=rule, message="a message"))

    # -- QAD ---------------------------------------------------------------------------------------------------------

    def put(
        self, posting: Posting, *, customer: str = "C1", open_amount: str | None = None, how: str = "answer"
    ) -> Document:
        """Put a posting into QAD and say so in the log; return its key."""
        content = posting.content
        kind = posting.document.partition(":")[0]
        total = content.amount if isinstance(content, AllocationContent) else content.total
        daybook = getattr(content, "daybook", "")
        key = self.key(daybook, customer=customer, currency=content.currency, total=str(total))
        day = getattr(content, "posting_date", None)
        self.log.standings[posting.id] = Standing(
            status="posted", qad=key, customer=customer, how=how, currency=content.currency, total=total, day=day
        )
        self.qad.documents.append(
            QadDocument(
                key=key,
                kind=_KINDS.get(kind, kind),
                reference=posting.reference,
                number=posting.number,
                day=day,
            )
        )
        if open_amount is not None:
            self.item(key, open_amount, kind=kind, number=posting.number)
        return key

    def key(self, daybook: str, *, customer: str = "C1", currency: str = "EUR", total: str = "0") -> Document:
        """Return a key of QAD that nobody has yet."""
        self._vouchers += 1
        return Document(
            year=2026,
            daybook=daybook,
            voucher=self._vouchers,
            customer=customer,
            currency=currency,
            total=Decimal(total),
        )

    def item(self, key: Document, open_amount: str, *, kind: str = "invoice", number: str = "") -> None:
        """Put an open item into QAD, and its amount on its control account."""
        owed = 1 if kind in ("invoice", "debit_memo") else -1
        account = _ACCOUNTS[kind]
        self.qad.open_items.append(
            QadOpenItem(key=key, number=number, open=Decimal(open_amount), owed=owed, account=account)
        )
        self.balance(account, str(owed * Decimal(open_amount)), currency=key.currency)

    def balance(self, account: str, amount: str, *, currency: str = "EUR") -> None:
        """Move a balance of QAD."""
        before = self.qad.balances.get((account, currency), Decimal(0))
        self.qad.balances[account, currency] = before + Decimal(amount)

    def change_document(self, name: str, **changes: Any) -> None:
        """Change what QAD shows of the first posting of a document, key columns included."""
        [posting] = [one for one in self.log.postings.values() if one.document == name and one.act is Act.POST]
        place = next(p for p, one in enumerate(self.qad.documents) if one.reference == posting.reference)
        found = self.qad.documents[place]
        of_key = {field: changes.pop(field) for field in list(changes) if field in Document.__struct_fields__}
        key = msgspec.structs.replace(found.key, **of_key)
        self.qad.documents[place] = msgspec.structs.replace(found, key=key, **changes)

    def change_item(self, number: str, **changes: Any) -> None:
        """Change an open item of QAD; its control account moves with it."""
        place = next(p for p, one in enumerate(self.qad.open_items) if one.number == number)
        before = self.qad.open_items[place]
        after = msgspec.structs.replace(before, **changes)
        self.qad.open_items[place] = after
        self.balance(after.account, str(after.owed * (after.open - before.open)), currency=after.key.currency)

    # -- the comparison ----------------------------------------------------------------------------------------------

    def compared(self, *, from_date: date = FIRST, as_of: date = LAST, on: date | None = None) -> "Compared":
        """Compare the three sides."""
        return Compared(compare(self.zuora, self.qad, self.log, from_date=from_date, as_of=as_of, balances_on=on))

    @staticmethod
    def _content(document: ZuoraDocument) -> Content:
        total, known = abs(document.total), {"customer": "C1", "currency": document.currency, "description": ""}
        day = date.fromisoformat(document.day)
        dates = {"document_date": day, "posting_date": day}
        if document.kind == "payment":
            return ReceiptContent(**known, **dates, total=total, daybook="ZPAY", bank_account="1010")
        credit = document.kind == "credit_memo" or document.total < 0
        kind, side = (CreditNoteContent, "debit") if credit else (InvoiceContent, "credit")
        line = GlLine(account="4000", **{side: total})
        return kind(**known, **dates, due_date=day, total=total, daybook="ZCRN" if credit else "ZINV", lines=(line,))


class Compared:
    """What a comparison found."""

    def __init__(self, result: Result) -> None:
        self.sums: tuple[SumLine, ...] = result.sums
        self.checks = result.checks
        self.movements = result.movements
        self.differences: tuple[Difference, ...] = result.differences
        self.balances = {(line.customer, line.currency): line for line in result.balances}
        self.roll_forward = {(line.currency, line.side): line for line in result.roll_forward}

    def line(self, kind: str = "invoice", currency: str = "EUR") -> SumLine:
        """Return the last line of a kind and currency; the buckets must come to Zuora's total."""
        [line] = [one for one in self.sums if (one.kind, one.currency) == (kind, currency)]
        rest = (line.in_qad, line.in_flight, line.parked, line.ignored, line.timing, line.unexplained)
        assert line.zuora == sum(rest)
        return line

    def parts(self) -> list[tuple[str, str]]:
        """Return part and number of every difference."""
        return [(one.part, one.number) for one in self.differences]

    def of(self, part: str) -> list[Difference]:
        """Return the differences of a part."""
        return [one for one in self.differences if one.part == part]

    @property
    def clean(self) -> bool:
        """Whether a report of this comparison would be clean."""
        report = Report(
            connection="acme",
            at="",
            from_date="",
            as_of="",
            sums=self.sums,
            checks=self.checks,
            differences=self.differences,
        )
        return report.clean
