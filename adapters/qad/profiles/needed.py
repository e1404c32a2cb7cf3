"""What a kind of document cannot do without, whichever way it is posted: what is not named is not sent.

QAD would take a value of its own, or leave the lines out, and say yes: we would hold for posted what is not.
"""

from collections.abc import Collection, Iterator, Mapping

from adapters.qad.profiles.documents import SIGNED, TAXED

Named = Collection[str]

# What QAD must be told and never choose, beside the posting date of every kind.
_CONTROLS = ("customer", "currency", "total")
_HEAD: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("invoice", "credit_note", "receipt", "refund", "refund_reversal", "bounce"), _CONTROLS
)
_ITEM = ("item_year", "item_daybook", "item_voucher")
_ACCOUNT = "account"
_SIDES = ("debit", "credit")
_GL_LINES = {"lines": (_ACCOUNT, *_SIDES)}
# Of each kind the lists of lines that it always has or may have, with their words; sides may be one signed amount.
_LINES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "invoice": _GL_LINES,
    "credit_note": _GL_LINES,
    "journal": _GL_LINES,
    "receipt": {"allocations": (*_ITEM, "amount")},
    "adjustment": {"lines": (*_ITEM, *_SIDES)},
}
# A transfer uses an item up, or cash of nobody, and makes another item; each list has one side.
_TRANSFER = {"lines": (*_ITEM, "debit"), "gl_lines": (_ACCOUNT, "debit"), "opens": ("customer", "credit")}
# Without its code, base or tax a row of the tax report is another.
_TAX_ROW = ("tax_code", "base", "tax")
# Which item bank is set against may stand in the head, or in a list.
_AGAINST_AN_ITEM = ("refund", "refund_reversal", "bounce")


def problems_of_needed(kind: str, head: Named, parts: Mapping[str, Named], *, what: str) -> Iterator[str]:
    """Yield what a kind of document does not name and cannot do without, a sentence each.

    Args:
        kind: The kind.
        head: Our words that are named of the document itself.
        parts: Our words that are named of its lines, by the name of their list; a list may be missing.
        what: What a tenant's name for a word is called, such as `field`.
    """
    for word in ("posting_date", *_HEAD.get(kind, ())):
        if word not in head:
            yield f"fields: no {what} is named for {word}: QAD would take a value of its own"
    for name, words in _LINES.get(kind, {}).items():
        yield from _problems_of_lines(name, words, parts.get(name, ()), what=what)
    if "tax_rows" in parts:
        yield from _problems_of_tax_rows(kind, parts["tax_rows"], what=what)
    if kind == "transfer":
        yield from _problems_of_lines("opens", _TRANSFER["opens"], parts.get("opens", ()), what=what)
        for name in ("lines", "gl_lines"):
            if name in parts:
                yield from _problems_of_lines(name, _TRANSFER[name], parts[name], what=what)
        if not {"lines", "gl_lines"} & parts.keys():
            yield "lines: nothing is named that a transfer takes its money from"
    if kind in _AGAINST_AN_ITEM and not set(_ITEM) <= set(head):
        yield from _problems_of_lines("allocations", (*_ITEM, "amount"), parts.get("allocations", ()), what=what)


def _problems_of_tax_rows(kind: str, named: Named, *, what: str) -> Iterator[str]:
    if kind not in TAXED:
        yield "tax_rows: only invoices and credit notes have them"
    yield from _problems_of_lines("tax_rows", _TAX_ROW, named, what=what)


def _problems_of_lines(name: str, words: tuple[str, ...], named: Named, *, what: str) -> Iterator[str]:
    for word in words:
        if word in named or (word in _SIDES and SIGNED in named):
            continue
        if word == _ACCOUNT:
            yield f"{name}: no {what} is named for the account: its GL lines would not be sent"
        elif word in _SIDES:
            yield f"{name}: no {what} is named for {word}: a side that is not named would not be sent"
        else:
            yield f"{name}: no {what} is named for {word}: it would not be sent"
