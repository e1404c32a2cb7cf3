"""The books of a stand-in, as a second witness for tests: what it booked, entry by entry, in the order of its commits.

It reads what the stand-in shows of itself, as data; it imports nothing of it, and the product's browses have no part.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from console.verification.facts import Log, PostingFacts
from console.verification.report import Findings, Violation
from schemas.money import ZERO

Booked = Mapping[str, Any]


def judge_books(log: Log, booked: Iterable[Booked], *, user: str) -> Sequence[Violation]:
    """Return what the books of one entity break.

    I1: what was posted is booked. I2: each reference once, with the total that was intended. I3: each entry balances,
    in each currency and in base. I5: what refers to another is booked behind it. I6: what we booked was intended.

    Args:
        log: The connection's log, read to its end.
        booked: Documents as the stand-in's control shows them, in the order of commit, whoever keyed them.
        user: Who posts for the connector there.
    """
    findings = Findings(log.connection)
    ours = {posting.reference: posting for posting in log.postings.values()}
    booked_as: dict[str, list[str]] = {}
    for document in booked:
        key, reference = _key(document), str(document["content"]["custom_short_0"])
        _balanced(document, key, findings)
        if document["created_by"] != user:
            continue
        booked_as.setdefault(reference, []).append(key)
        posting = ours.get(reference)
        if posting is None:
            findings.name("I6", f"booked under {reference}, which no posting has", number=key, evidence=(key,))
        else:
            _as_intended(posting, document, key, findings)
            _in_order(posting, log, booked_as, key, findings)
    for posting in log.postings.values():
        keys = booked_as.get(posting.reference, [])
        if len(keys) > 1:
            _name(findings, "I2", f"{posting.step} is booked {len(keys)} times", posting, *keys)
        elif posting.is_call and not keys:
            _name(findings, "I1", f"{posting.step} was posted and is not booked", posting)
    return findings.violations


def _balanced(document: Booked, key: str, findings: Findings) -> None:
    sides: dict[str, Decimal] = {}
    for line in document["entry"]:
        for currency, debit, credit in (
            (line["currency_code"], line["debit_amount"], line["credit_amount"]),
            ("base", line["base_debit_amount"], line["base_credit_amount"]),
        ):
            sides[currency] = sides.get(currency, ZERO) + Decimal(str(debit)) - Decimal(str(credit))
    for currency, difference in sides.items():
        if difference:
            findings.name("I3", f"its entry is {difference} out of balance in {currency}", number=key, evidence=(key,))


def _as_intended(posting: PostingFacts, document: Booked, key: str, findings: Findings) -> None:
    if posting.intended_at < 0:
        _name(findings, "I6", f"{posting.step} is booked and was never intended", posting, key)
        return
    booked = (_total(document), _currency(document))
    if booked != (posting.sent_total, posting.sent_currency):
        what = f"{posting.step} is booked with {booked[0]} {booked[1]}, and was intended with {posting.sent_total}"
        _name(findings, "I2", what, posting, key)


def _in_order(
    posting: PostingFacts, log: Log, booked_as: Mapping[str, Sequence[str]], key: str, findings: Findings
) -> None:
    for name in posting.needs:
        needed = log.postings.get(name)
        if needed is not None and needed.kind != "opening" and needed.reference not in booked_as:
            _name(findings, "I5", f"{posting.step} is booked before {needed.step} of {needed.number}", posting, key)


def _total(document: Booked) -> Decimal:
    content = document["content"]
    if document["kind"] in ("adjustment", "journal"):
        lines = (*content["lines"], *content.get("gl_lines", ()))
        return sum((Decimal(str(line["debit_amount"])) for line in lines), ZERO)
    return Decimal(str(content["original_amount" if document["kind"] == "invoice" else "amount"]))


def _currency(document: Booked) -> str:
    """Return the currency of a document; a journal has it on its lines, ours all the same one."""
    content = document["content"]
    return str(content["lines"][0]["currency_code"] if document["kind"] == "journal" else content["currency_code"])


def _key(document: Booked) -> str:
    key = document["key"]
    return f"QAD {key['posting_year']}/{key['daybook_code']}/{key['voucher']}"


def _name(findings: Findings, invariant: str, what: str, posting: PostingFacts, *evidence: str) -> None:
    findings.name(invariant, what, document=posting.document, number=posting.number, evidence=evidence)
