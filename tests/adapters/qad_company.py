"""A company in QAD for tests: the stand-in on loopback, the template profile that speaks to it, documents for it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from adapters.clock import boot_time_s
from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.reference import QadReferences
from adapters.qad.rest.port import RestQad
from sandbox.qad.calls import Call
from sandbox.qad.faults import Armed, Fault
from sandbox.qad.server import QadServer
from schemas.ids import machine_reference, posting_id
from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, GlLine, InvoiceContent, JournalContent
from streams.ports import (
    Accepted,
    Adjustment,
    Bounce,
    Command,
    ItemLine,
    Payload,
    Receipt,
    Refund,
    RefundReversal,
    Transfer,
)

TEMPLATE = Path(__file__).parents[2] / "sandbox" / "world" / "profile.toml"
ENTITY, DOMAIN = "10USACO", "10USA"
USER, WORD = "connector", "connector-word"
JANUARY, FEBRUARY = date(2026, 1, 10), date(2026, 2, 12)


def profile_text(base_url: str, template: str = "") -> str:
    """Return the template profile, or another, filled in for this company."""
    filled = template or TEMPLATE.read_text(encoding="utf-8")
    for name, value in (
        ("BASE_URL", base_url),
        ("WORKSPACE", f"{DOMAIN}_{ENTITY}"),
        ("DOMAIN", DOMAIN),
        ("ENTITY", ENTITY),
    ):
        filled = filled.replace(f"@{name}@", value)
    return filled


class QadCompany:
    """The stand-in, its books, and adapters that post to them."""

    def __init__(self, server: QadServer, directory: Path, stack: AsyncExitStack) -> None:
        self.server = server
        self.control = server.control
        self.directory = directory
        self._stack = stack
        self._documents = 0

    def profile_text(self) -> str:
        """Return the template profile, to be changed in words."""
        return TEMPLATE.read_text(encoding="utf-8")

    # -- the adapters ------------------------------------------------------------------------------------------------

    def profile(self, template: str = "", *, limits: dict[str, Any] | None = None, **changes: Any) -> Profile:
        """Load the profile of this company from a file, and change parts of it."""
        path = self.directory / "profile.toml"
        path.write_text(profile_text(self.server.url, template), encoding="utf-8")
        profile = load_profile(path)
        changed = msgspec.structs.replace(profile.limits, **(limits or {}))
        return msgspec.structs.replace(profile, limits=changed, **changes)

    async def client(
        self, profile: Profile | None = None, *, username: str = USER, password: str = WORD, **more: str
    ) -> QadClient:
        """Return a client, closed with the test."""
        credentials = Credentials(
            client_id=Secret("ml-connector"),
            username=Secret(username) if username else None,
            password=Secret(password) if password else None,
            **{name: Secret(text) for name, text in more.items()},
        )
        return await self._stack.enter_async_context(QadClient(profile or self.profile(), credentials))

    async def erp(self, profile: Profile | None = None, **changes: Any) -> RestQad:
        """Return the sink's port to this company; it is signed in, so that the next call is the first that counts."""
        chosen = profile or self.profile(**changes)
        client = await self.client(chosen)
        await client.token.get()
        return RestQad(client, chosen)

    async def references(self, template: str = "", **changes: Any) -> QadReferences:
        """Return a reader of reference data."""
        chosen = self.profile(template, **changes)
        return QadReferences(await self.client(chosen), chosen)

    # -- what happened -----------------------------------------------------------------------------------------------

    def arm(self, name: str, **more: Any) -> Armed:
        """Arm a fault; its `fired` must be looked at."""
        return self.control.arm(Fault(name=name, **more))

    def requests(self, kind: str = "") -> list[Call]:
        """Return the requests of a kind, oldest first."""
        return [call for call in self.control.requests() if kind in ("", call.kind)]

    def documents(self) -> list[dict[str, Any]]:
        """Return everything in the books, oldest first."""
        return self.control.documents(ENTITY)

    def document(self, command: Command) -> dict[str, Any]:
        """Return the one document that carries a command's reference."""
        [found] = self.control.find(command.reference)
        return found

    # -- documents ---------------------------------------------------------------------------------------------------

    def command(self, payload: Payload, *, number: str, customer: str = "C0001") -> Command:
        """Return a call that commits, with a reference of its own."""
        self._documents += 1
        name = posting_id("acme", kind="invoice", zuora_id=str(self._documents), act="post", n=1, step="document")
        return Command(reference=machine_reference(name), number=number, customer=customer, payload=payload)

    def invoice(self, total: str = "119.00", **changes: Any) -> Command:
        """Return an invoice with tax and a discount, narrowed by what a test is about."""
        content = {
            "customer": "C0001",
            "currency": "USD",
            "total": Decimal(total),
            "document_date": JANUARY,
            "posting_date": date(2026, 1, 12),
            "due_date": date(2026, 2, 9),
            "daybook": "ZINV",
            "description": "Subscription",
            "terms": "NET30",
            **changes,
        }
        content["lines"] = changes.get("lines") or _invoice_lines(Decimal(total))
        payload = InvoiceContent(**content)
        return self.command(payload, number="INV00000001", customer=payload.customer)

    def credit_note(self, total: str = "40.00", **changes: Any) -> Command:
        """Return a credit note over one line."""
        content = {
            "customer": "C0001",
            "currency": "USD",
            "total": Decimal(total),
            "document_date": JANUARY,
            "posting_date": JANUARY,
            "due_date": JANUARY,
            "daybook": "ZCRN",
            "description": "Credit",
            "lines": (GlLine(account="4100", debit=Decimal(total)),),
            **changes,
        }
        return self.command(CreditNoteContent(**content), number="CM-00000001", customer=content["customer"])

    def receipt(self, total: str, *allocations: tuple[Document, str], **changes: Any) -> Command:
        """Return a receipt that carries these allocations."""
        content = {
            "customer": "C0001",
            "currency": "USD",
            "total": Decimal(total),
            "document_date": FEBRUARY,
            "posting_date": FEBRUARY,
            "daybook": "ZPAY",
            "bank_account": "1010",
            "description": "Card",
            "allocations": tuple((document, Decimal(amount)) for document, amount in allocations),
            **changes,
        }
        return self.command(Receipt(**content), number="P-00000001", customer=content["customer"])

    def adjustment(self, item: Document, payer: Document, amount: str, *, reopens: bool = False) -> Command:
        """Return an adjustment that moves an amount from what pays to what is owed, or back."""
        lowered, raised = (Decimal(0), Decimal(amount)) if reopens else (Decimal(amount), Decimal(0))
        payload = Adjustment(
            currency="USD",
            total=Decimal(amount),
            document_date=FEBRUARY,
            posting_date=FEBRUARY,
            daybook="ZADJ",
            description="CM-00000001 to INV00000001",
            lines=(
                ItemLine(document=item, customer="C0001", debit=raised, credit=lowered),
                ItemLine(document=payer, customer="C0001", debit=lowered, credit=raised),
            ),
        )
        return self.command(payload, number="CM-00000001")

    def bank_move(
        self, kind: type[Refund] | type[RefundReversal] | type[Bounce], item: Document, amount: str, **changes: Any
    ) -> Command:
        """Return bank against an open item: a refund, one taken back, or a receipt that bounced."""
        content = {
            "customer": "C0001",
            "currency": "USD",
            "total": Decimal(amount),
            "document_date": FEBRUARY,
            "posting_date": FEBRUARY,
            "daybook": "ZPAY" if kind is Bounce else "ZBNK",
            "bank_account": "1010",
            "description": "Money back",
            "item": item,
            **changes,
        }
        return self.command(kind(**content), number="R-00000001", customer=content["customer"])

    def transfer(self, amount: str, *, item: Document | None = None, customer: str = "C0003") -> Command:
        """Return a new prepayment of a customer: out of C0001's, or out of unassigned cash."""
        total = Decimal(amount)
        source: dict[str, Any] = {"unassigned": GlLine(account="1900", debit=total, role="unassigned")}
        if item is not None:
            source = {"item": ItemLine(document=item, customer="C0001", debit=total, credit=Decimal(0))}
        payload = Transfer(
            customer=customer,
            currency="USD",
            total=total,
            document_date=FEBRUARY,
            posting_date=FEBRUARY,
            daybook="ZADJ",
            description="Transferred",
            **source,
        )
        return self.command(payload, number="P-00000001", customer=customer)

    def journal(self, amount: str) -> Command:
        """Return bank against unassigned cash."""
        total = Decimal(amount)
        payload = JournalContent(
            currency="USD",
            total=total,
            document_date=FEBRUARY,
            posting_date=FEBRUARY,
            daybook="ZJRN",
            description="Of nobody yet",
            lines=(GlLine(account="1010", debit=total), GlLine(account="1900", credit=total)),
        )
        return self.command(payload, number="P-00000001", customer="")


def _invoice_lines(total: Decimal) -> tuple[GlLine, ...]:
    tax = Decimal("19.00")
    return (
        GlLine(account="4000", sub_account="SAAS", credit=total - tax + 10, text="Plan", role="revenue"),
        GlLine(account="4100", debit=Decimal(10), text="less", role="discount"),
        GlLine(account="2300", credit=tax, role="tax"),
    )


async def post(erp: RestQad, command: Command, *, age_s: float = 2.0) -> Accepted:
    """Post a command whose intent may still age so many seconds."""
    return await erp.post(command, not_after=boot_time_s() + age_s)


@asynccontextmanager
async def qad_company(directory: Path, **server: Any) -> AsyncIterator[QadCompany]:
    """Serve a company while the body runs."""
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(QadServer(**server))
        yield QadCompany(running, directory, stack)
