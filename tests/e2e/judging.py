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
from sandbox.world.chart import UNASSIGNED_CASH, WALLET_BANK, banks_of

# Who posts for the product, in QAD's own words, and how Zuora's numbers of each kind begin.
USER = "connector"
KINDS = {"INV": "invoice", "CM": "credit_memo", "DM": "debit_memo", "P-": "payment", "R-": "refund"}

# Receivables, credit notes and prepayments: what customers owe.
_CONTROLS = frozenset({"1200", "1205", "1210", "2400"})

# Kind of Zuora document, currency, number.
Name = tuple[str, str, str]


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


async def acts_in_qad(scene: Scene) -> dict[Name, list[Decimal]]:
    """Return, by Zuora document, what each of its QAD documents brings of its total, or takes away; in order."""
    acts: defaultdict[Name, list[Decimal]] = defaultdict(list)
    for document in await documents_of(scene):
        if document["kind"] == "adjustment":
            continue
        content = document["content"]
        # A journal has its number in its text alone.
        number = (
            content.get("reference")
            or content.get("payment_reference")
            or content.get("external_reference")
            or content["description"].split()[1]
        )
        kind = next(kind for begin, kind in KINDS.items() if number.startswith(begin))
        acts[kind, _currency(document), number].append(_brought(document, kind))
    return dict(acts)


def _currency(document: dict[str, Any]) -> str:
    content = document["content"]
    return str(content["lines"][0]["currency_code"] if document["kind"] == "journal" else content["currency_code"])


def _brought(document: dict[str, Any], kind: str) -> Decimal:
    content = document["content"]
    match document["kind"]:
        case "invoice":
            undoes = (content["invoice_type"] == "CREDITNOTE") != (kind == "credit_memo")
            amount = Decimal(content["original_amount"])
        case "payment":
            undoes, amount = content["status"] == "Bounced", Decimal(content["amount"])
        case "banking":
            undoes, amount = (content["direction"] == "OUT") != (kind == "refund"), Decimal(content["amount"])
        case "journal" if kind == "payment":
            # Of nobody known: what it brings to a bank.
            on_banks = [line for line in content["lines"] if line["gl_account_code"] != UNASSIGNED_CASH]
            return sum(map(_debit, on_banks), Decimal(0))
        case _:
            # Of an invoice over nothing.
            return Decimal(0)
    return -amount if undoes else amount


def _debit(line: dict[str, Any]) -> Decimal:
    return Decimal(line["debit_amount"]) - Decimal(line["credit_amount"])


async def totals_in_qad(scene: Scene) -> dict[tuple[str, str], Total]:
    """Return what stands in QAD by kind of Zuora document and currency; an inverse takes away what it undoes."""
    amounts: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for (kind, currency, _), each in (await acts_in_qad(scene)).items():
        if sum(each):
            amounts[kind, currency].append(sum(each, Decimal(0)))
    return {key: Total(documents=len(each), amount=sum(each, Decimal(0))) for key, each in sorted(amounts.items())}


async def turned_in_qad(scene: Scene) -> set[tuple[str, str]]:
    """Return kind and number of what our documents brought into QAD and took away again, whole."""
    acts = await acts_in_qad(scene)
    return {(kind, number) for (kind, _, number), each in acts.items() if len(each) > 1 and not sum(each)}


async def lines_of_journals(scene: Scene, number: str) -> list[Decimal]:
    """Return the lines of all journals of a document, debits above zero, in order of amount."""
    found = [one["content"] for one in await documents_of(scene) if one["kind"] == "journal"]
    return sorted(_debit(line) for one in found if number in one["description"].split() for line in one["lines"])


async def booked_on(scene: Scene, number: str) -> dict[str, Decimal]:
    """Return what our documents of a Zuora document leave on GL accounts, debits above zero; what is zero left out.

    QAD's own side of them, which is a control account, is left out as well.
    """
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for document in await documents_of(scene):
        content = document["content"]
        if number in (content.get("reference"), *(content.get("description") or "").split()):
            for line in document["entry"]:
                sums[line["gl_account_code"]] += _debit(line)
    return {account: amount for account, amount in sorted(sums.items()) if amount and account not in _CONTROLS}


async def cash_in_qad(scene: Scene) -> dict[tuple[str, str], Decimal]:
    """Return what our documents leave on banks and on the account for money of nobody, by account and currency."""
    accounts = {UNASSIGNED_CASH, *(bank.account for bank in (*banks_of(scene.site), WALLET_BANK))}
    cash: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for document in await documents_of(scene):
        for line in document["entry"]:
            if line["gl_account_code"] in accounts:
                cash[line["gl_account_code"], line["currency_code"]] += _debit(line)
    return {key: amount for key, amount in sorted(cash.items()) if amount}


async def open_in_qad(scene: Scene) -> dict[tuple[str, str], Decimal]:
    """Return what is open of items that our documents made, by customer and currency: owed less owed to them."""
    ours = {tuple(document["key"].items()) for document in await documents_of(scene)}
    found: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for item in await scene.qad.show("items", entity_code=scene.site.entity, limit="100000"):
        if tuple(item["key"].items()) in ours:
            amount = Decimal(item["open_amount"])
            found[item["customer_code"], item["currency_code"]] += amount if item["is_debit"] else -amount
    return {key: amount for key, amount in sorted(found.items()) if amount}
