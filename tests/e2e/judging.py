"""What the stand-in QAD's own books hold of Zuora's documents; of the product only its judge is asked."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from console.verification.books import judge_books
from console.verification.facts import Log
from console.verification.judging import read_log
from console.verification.report import Findings, Violation
from console.wiring import Wiring
from sandbox.world import Scene, Total

# Who posts for the product, in QAD's own words, and how Zuora's numbers of each kind begin.
USER = "connector"
KINDS = {"INV": "invoice", "CM": "credit_memo", "DM": "debit_memo", "P-": "payment"}


async def documents_of(scene: Scene) -> list[dict[str, Any]]:
    """Return all documents that the product made in QAD, in order of commit."""
    return [document for document in await booked_in(scene) if document["created_by"] == USER]


async def booked_in(scene: Scene) -> list[dict[str, Any]]:
    """Return all documents in QAD's books, whoever made them, in order of commit."""
    found: list[dict[str, Any]] = []
    while True:
        page = await scene.qad.show("documents", entity_code=scene.site.entity, offset=str(len(found)), limit="1000")
        found += page
        if not page:
            return found


async def written_to_zuora(scene: Scene) -> list[str]:
    """Return every request to Zuora that could change something there: all but reads, queries and tokens."""
    reads = {("POST", "/oauth/token"), ("POST", "/v1/action/query"), ("POST", "/v1/action/queryMore")}
    asked = [(one["method"], one["path"]) for one in await scene.zuora.requests()]
    assert ("POST", "/oauth/token") in asked, "nobody asked: this shows nothing"
    return [f"{method} {path}" for method, path in asked if method != "GET" and (method, path) not in reads]


async def broken_in_books(wiring: Wiring, connection: str, scene: Scene) -> Sequence[Violation]:
    """Return what the product's judge finds between its log and the stand-in's own books."""
    log, findings = Log(connection, (await wiring.partitions())[connection]), Findings(connection)
    await read_log(wiring.site.cluster, log, findings, polled_in=log.partition)
    return [*findings.violations, *judge_books(log, await booked_in(scene), user=USER)]


async def totals_in_qad(scene: Scene) -> dict[tuple[str, str], Total]:
    """Return what stands in QAD by kind of Zuora document and currency; an inverse takes away what it undoes."""
    net: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for document in await documents_of(scene):
        content = document["content"]
        if document["kind"] == "adjustment":
            continue
        number = content.get("reference") or content["payment_reference"]
        kind = next(kind for begin, kind in KINDS.items() if number.startswith(begin))
        amount = Decimal(content.get("original_amount", content.get("amount")))
        undoes = document["kind"] == "invoice" and (content["invoice_type"] == "CREDITNOTE") != (kind == "credit_memo")
        net[kind, content["currency_code"], number] += -amount if undoes else amount
    amounts: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for (kind, currency, _), amount in net.items():
        if amount:
            amounts[kind, currency].append(amount)
    return {key: Total(documents=len(each), amount=sum(each, Decimal(0))) for key, each in sorted(amounts.items())}
