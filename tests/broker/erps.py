"""A real stand-in QAD for lane tests, its adapter by the template profile, and postings to bring into it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.profile import Profile
from adapters.qad.qxtend.client import QxtendClient
from adapters.qad.qxtend.messages import Login
from adapters.qad.qxtend.port import QxtendQad
from adapters.qad.reading.look_ups import LookUps
from adapters.qad.rest.port import RestQad
from sandbox.qad.books.documents import Invoice as ErpInvoice
from sandbox.qad.books.documents import PostingLine
from sandbox.qad.sample import sample_world
from sandbox.qad.server import QadServer
from sandbox.qad.settings import Settings
from schemas.ids import PostingId, machine_reference, posting_id
from schemas.postings import (
    Act,
    AllocationContent,
    Content,
    CreditNoteContent,
    GlLine,
    InverseContent,
    InvoiceContent,
    Offer,
    Posting,
    PostingSet,
    ReceiptContent,
    content_hash,
)
from tests.adapters.qad_company import profile_text, qxtend_template
from tests.loopback import LOOPBACK

CONNECTION = "acme-main"
DAY = date(2026, 3, 15)


def profile_for(server: QadServer, directory: Path, *, over_qxtend: bool = False) -> Profile:
    template = qxtend_template() if over_qxtend else ""
    path = directory / "profile.toml"
    path.write_text(profile_text(server.url, template, qxtend_url=server.qxtend_url), encoding="utf-8")
    return load_profile(path)


@dataclass
class Qad:
    """A QAD, and where the lanes that speak to it keep their bookmark."""

    server: QadServer
    erp: LookUps
    bookmark: Path

    def documents(self) -> int:
        counts = self.server.control.counts()["10USACO"]
        return counts["invoice"] + counts["payment"] + counts["adjustment"]

    def check_books(self) -> None:
        """Hold that nothing is in the books twice, and that they contradict nothing."""
        assert self.server.control.duplicates() == []
        assert self.server.control.audit()["10USACO"] == []


@asynccontextmanager
async def running_qad(
    directory: Path, *, timeout_s: float = 1.0, page_size: int = 500, over_qxtend: bool = False
) -> AsyncIterator[Qad]:
    settings = Settings()
    settings.books = msgspec.structs.replace(settings.books, prepayment_holds_whole_payment=True)
    async with QadServer(world=sample_world(), settings=settings) as server:
        profile = profile_for(server, directory, over_qxtend=over_qxtend)
        limits = msgspec.structs.replace(profile.limits, timeout_s=timeout_s, page_size=page_size)
        profile = msgspec.structs.replace(profile, limits=limits)
        credentials = Credentials(
            client_id=Secret("ml-connector"), username=Secret("connector"), password=Secret("connector-word")
        )
        async with QadClient(profile, credentials, LOOPBACK) as client:
            bookmark = directory / "outcomes.mark"
            if profile.qxtend is None:
                yield Qad(server, RestQad(client, profile), bookmark)
                return
            qxtend = msgspec.structs.replace(profile.qxtend, timeout_s=timeout_s)
            login = Login(username=Secret("connector"), password=Secret("connector-word"))
            async with QxtendClient(profile, qxtend, login, LOOPBACK) as calls:
                yield Qad(server, QxtendQad(calls, client, profile, qxtend), bookmark)


def name_of(
    number: str, *, kind: str = "invoice", act: Act = Act.POST, n: int = 1, step: str = "document"
) -> PostingId:
    return posting_id(CONNECTION, kind=kind, zuora_id=number, act=act, n=n, step=step)


def posting(
    number: str,
    content: Content,
    *,
    kind: str = "invoice",
    act: Act = Act.POST,
    n: int = 1,
    step: str = "document",
    after: tuple[PostingId, ...] = (),
) -> Posting:
    name = name_of(number, kind=kind, act=act, n=n, step=step)
    return Posting(
        id=name,
        reference=machine_reference(name),
        number=number,
        document=f"{kind}:{number}",
        act=act,
        n=n,
        step=step,
        content=content,
        source_hash="s",
        content_hash=content_hash(content),
        after=after,
    )


def invoice(number: str, total: str = "100.00", *, account: str = "4100", day: date = DAY) -> Posting:
    content = InvoiceContent(
        customer="C0001",
        currency="USD",
        total=Decimal(total),
        document_date=day,
        posting_date=day,
        due_date=day,
        daybook="ZINV",
        description=number,
        lines=(GlLine(account=account, credit=Decimal(total)),),
    )
    return posting(number, content)


def hand_loaded(number: str, total: str = "70.00") -> ErpInvoice:
    """Return an item from before the cut-over, as others load it."""
    return ErpInvoice(
        invoice_type="INVOICE",
        customer_code="C0001",
        currency_code="USD",
        invoice_date=DAY,
        posting_date=DAY,
        due_date=DAY,
        daybook_code="HINV",
        description="Opening",
        reference=number,
        original_amount=Decimal(total),
        is_taxable=False,
        posting_lines=(PostingLine(gl_account_code="4100", credit_amount=Decimal(total)),),
    )


def credit_note(number: str, total: str = "40.00") -> Posting:
    content = CreditNoteContent(
        customer="C0001",
        currency="USD",
        total=Decimal(total),
        document_date=DAY,
        posting_date=DAY,
        due_date=DAY,
        daybook="ZCRN",
        description=number,
        lines=(GlLine(account="4100", debit=Decimal(total)),),
    )
    return posting(number, content, kind="credit_memo")


def receipt(number: str, total: str = "100.00", *, offers: tuple[Offer, ...] = ()) -> Posting:
    content = ReceiptContent(
        customer="C0001",
        currency="USD",
        total=Decimal(total),
        document_date=DAY,
        posting_date=DAY,
        daybook="ZPAY",
        bank_account="1010",
        description=number,
        offers=offers,
    )
    return posting(number, content, kind="payment")


def allocation(payment: str, item: str, amount: str, *, row: str = "r1", payer_kind: str = "payment") -> Posting:
    payer, owed = name_of(payment, kind=payer_kind), name_of(item)
    content = AllocationContent(
        payer=payer,
        item=owed,
        payer_document=f"{payer_kind}:{payment}",
        item_document=f"invoice:{item}",
        amount=Decimal(amount),
        currency="USD",
        document_date=DAY,
        posting_date=DAY,
        daybook="ZADJ",
        description=f"{payment} to {item}",
        row=row,
    )
    return posting(payment, content, kind=payer_kind, act=Act.ALLOCATE, step=f"allocate:{row}", after=(payer, owed))


def offer(payment: str, item: str, amount: str, *, row: str = "r1") -> Offer:
    return Offer(
        allocation=name_of(payment, kind="payment", act=Act.ALLOCATE, step=f"allocate:{row}"),
        item=name_of(item),
        amount=Decimal(amount),
    )


def reversal(number: str, total: str = "100.00") -> tuple[Posting, Posting]:
    original = name_of(number)
    inverse = posting(
        number,
        InverseContent(
            of=original,
            currency="USD",
            total=Decimal(total),
            posting_date=DAY,
            daybook="ZCRN",
            description=f"{number} undone",
        ),
        act=Act.REVERSE,
        step="inverse",
        after=(original,),
    )
    settle = posting(
        number,
        AllocationContent(
            payer=inverse.id,
            item=original,
            payer_document=f"invoice:{number}",
            item_document=f"invoice:{number}",
            amount=Decimal(total),
            currency="USD",
            document_date=DAY,
            posting_date=DAY,
            daybook="ZADJ",
            description=f"{number} undone",
        ),
        act=Act.REVERSE,
        step="settle",
        after=(original, inverse.id),
    )
    return inverse, settle


def posting_set(*postings: Posting) -> PostingSet:
    first = postings[0]
    kind, _, zuora_id = first.document.partition(":")
    return PostingSet(
        connection=CONNECTION,
        kind=kind,
        id=zuora_id,
        number=first.number,
        origin=0,
        record=0,
        record_id="r",
        stamp="",
        customer="C0001",
        mapping_version=1,
        currency="USD",
        value=Decimal(0),
        postings=postings,
    )
