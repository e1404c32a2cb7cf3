"""What is to stand in QAD of a billing account, in our words: its business relation, and its customer.

Says what is lacking or too long for QAD, in sentences; never cuts what says who somebody is. Source: ACCOUNTING 5;
qad.md 2.2.
"""

from collections.abc import Iterator, Mapping

import msgspec

from schemas.parties import Party

# The records of a customer, in the order in which they are made.
RELATION, CUSTOMER, OPERATIONS = "relation", "customer", "operations"
PARTS = (RELATION, CUSTOMER, OPERATIONS)

# The words that a profile may map, by record.
WORDS: Mapping[str, frozenset[str]] = {
    RELATION: frozenset(
        {"name", "search_name", "street", "street2", "city", "state", "postal_code", "country", "tax_id"}
    ),
    CUSTOMER: frozenset({"relation", "currency", "terms", "zuora_account", "active"}),
    OPERATIONS: frozenset(),
}
# Of these, what is yes or no; all else is text.
YES_OR_NO = frozenset({"active"})
# What QAD holds at most; a profile may say more of its own. Source: qad.md 2.2.
LENGTHS: Mapping[str, int] = {"code": 8, "search_name": 28, "zuora_account": 20}

Value = str | bool


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How a site writes what Zuora says.

    Attributes:
        terms: QAD's code by Zuora's payment term.
        countries: QAD's code by Zuora's country.
        lengths: What QAD holds of a word, beside what is known of every QAD.
    """

    terms: Mapping[str, str]
    countries: Mapping[str, str]
    lengths: Mapping[str, int]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to stand in QAD, by record and word; what Zuora does not say has no word.

    Attributes:
        problems: What of it QAD cannot hold, by word.
    """

    values: dict[str, dict[str, Value]]
    problems: dict[str, str]

    def __repr__(self) -> str:
        """Return which words there are: their values may be a person's."""
        return f"Wanted({ {part: sorted(words) for part, words in self.values.items()} })"


def wanted_of(party: Party, rules: Rules, *, tax_id: str = "", name: str = "", search_name: str = "") -> Wanted:
    """Return what is to stand in QAD of an account.

    Args:
        party: The account.
        rules: How the site writes it.
        tax_id: Its tax id, where the site keeps it in a field of its own.
        name: What a person calls it where Zuora's name is not to be taken.
        search_name: As a person shortened it; else the name, cut to what QAD holds.
    """
    lengths = {**LENGTHS, **rules.lengths}
    contact = party.bill_to
    called = _line(name or party.name)
    relation: dict[str, Value] = {
        "name": called,
        "search_name": _line(search_name) or called[: lengths["search_name"]].strip(),
        "tax_id": _line(tax_id or party.vat_id or ""),
    }
    problems: dict[str, str] = {}
    if contact is not None:
        country = _line(contact.country)
        relation |= {
            "street": _line(contact.address1),
            "street2": _line(contact.address2),
            "city": _line(contact.city),
            "state": _line(contact.state),
            "postal_code": _line(contact.postal_code),
            "country": rules.countries.get(country, country),
        }
    customer: dict[str, Value] = {"currency": party.currency, "zuora_account": party.account_number}
    if party.payment_term:
        terms = rules.terms.get(party.payment_term)
        if terms is None:
            problems["terms"] = f"[terms] of the mapping has no code for {party.payment_term!r}"
        else:
            customer["terms"] = terms
    customer["active"] = True
    if not called:
        problems["name"] = "the account has no name"
    values = {RELATION: _said(relation), CUSTOMER: _said(customer)}
    return Wanted(values=values, problems=problems | dict(_too_long(values, lengths)))


def _too_long(values: Mapping[str, Mapping[str, Value]], lengths: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for words in values.values():
        for word, value in words.items():
            if isinstance(value, str) and word in lengths and len(value) > lengths[word]:
                yield word, f"{word} has {len(value)} characters, QAD holds {lengths[word]}"


def _said(words: Mapping[str, Value]) -> dict[str, Value]:
    return {word: value for word, value in words.items() if value != ""}


def _line(text: str) -> str:
    """Return a text on one line: nothing else of it is changed, neither quotes nor commas nor umlauts."""
    return " ".join(text.split())
