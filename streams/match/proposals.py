"""Proposals: which of QAD's customers resemble a billing account, best first, each with a score and reasons in words.

A score ranks what a person looks at. It matches nothing: no stage reads it, no document goes on for it.
Source: ACCOUNTING 5. Apart from the rules also in what it imports: rapidfuzz compares names.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from rapidfuzz import fuzz, process

from schemas.parties import Party
from schemas.references import Customer

SHOWN_MAX = 5
# What is less alike resembles nothing that a person would take.
SCORE_MIN = 50

# What speaks for a candidate, of 100. What one side does not know counts half: it speaks neither for nor against.
_WEIGHTS = {"name": 50, "tax_id": 30, "postal_code": 10, "email_domain": 10}
# A domain that so many share is a mail provider's, and a word or a postcode that so many share narrows nothing.
_COMMON = 50
_COMMON_BLOCK = 500
# Where somebody in a block is called so, nobody else is looked for.
_ALIKE = 95
# Names that begin alike stay in one block, whatever slip of the pen comes behind.
_STEM = 4
# QAD's search name, whole or cut. Source: qad.md 2.2.
_SEARCH_NAME_LENGTH = 28
_WITHIN_WORDS = ".'\u2019"
# Legal forms say nothing of who it is, and are written in many ways.
_LEGAL_FORMS = frozenset(
    {
        *("ab", "ag", "aps", "as", "asa", "bv", "co", "company", "corp", "corporation", "gmbh", "inc", "incorporated"),
        *(
            "kg",
            "kgaa",
            "kk",
            "limited",
            "llc",
            "llp",
            "ltd",
            "mbh",
            "nv",
            "ohg",
            "oy",
            "oyj",
            "plc",
            "pte",
            "pty",
            "sa",
        ),
        *("sarl", "sas", "se", "sl", "spa", "srl", "ug", "wll"),
    }
)


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What an account and a customer are compared by; "" for what is not known."""

    name: str = ""
    tax_id: str = ""
    postal_code: str = ""
    email_domain: str = ""

    def __repr__(self) -> str:
        """Return nothing of it: a name and a tax id may be a person's."""
        return "Traits()"


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A customer that may be meant.

    Attributes:
        customer: Its code.
        name: What QAD calls it.
        score: 0 to 100; it ranks, and decides nothing.
        reasons: What speaks for it and against it, in words; the most telling first.
    """

    customer: str
    name: str
    score: int
    reasons: tuple[str, ...]


class Proposer:
    """QAD's customers, laid out so that the few that resemble an account are found without looking at all of them."""

    def __init__(self, customers: Iterable[Customer]) -> None:
        """Take up the customers as last shown."""
        self._customers = [customer for customer in customers if not customer.gone]
        self._traits = [_of_customer(customer) for customer in self._customers]
        self._names = [traits.name for traits in self._traits]
        self._search_names = [_words(customer.search_name or "") for customer in self._customers]
        self._blocks: dict[str, list[int]] = defaultdict(list)
        for place, traits in enumerate(self._traits):
            for block in _blocks_of(traits, self._search_names[place]):
                self._blocks[block].append(place)

    def proposals(self, party: Party, *, tax_id: str = "", limit: int = SHOWN_MAX) -> Sequence[Proposal]:
        """Return the customers that resemble an account, best first.

        Args:
            party: Who is billed.
            tax_id: Its tax id, where the site keeps it in a field of its own.
            limit: How many at most.
        """
        wanted = _of_party(party, tax_id)
        places = self._candidates(wanted)
        found = [proposal for place in places if (proposal := self._proposal(place, wanted, party)) is not None]
        return sorted(found, key=lambda one: (-one.score, one.customer))[:limit]

    def _candidates(self, wanted: Traits) -> set[int]:
        """Return who shares a block; where no name among them is alike, those of all whose names are."""
        places: set[int] = set()
        for block in _blocks_of(wanted, ""):
            members = self._blocks.get(block, ())
            if len(members) <= _COMMON_BLOCK:
                places.update(members)
        if wanted.name and not any(self._likeness(place, wanted.name) >= _ALIKE for place in places):
            for scorer in (fuzz.token_sort_ratio, fuzz.ratio):
                alike = process.extract(
                    wanted.name, self._names, scorer=scorer, processor=None, limit=SHOWN_MAX, score_cutoff=70
                )
                places.update(place for _, _, place in alike)
        return places

    def _likeness(self, place: int, name: str) -> int:
        """Return how alike names are, 0 to 100; QAD's search name is the name, cut."""
        traits, short = self._traits[place], self._search_names[place]
        alike = _alike(name, traits.name) if traits.name else 0
        if short:
            alike = max(alike, _alike(name[: max(len(short), _SEARCH_NAME_LENGTH)].strip(), short))
        return alike

    def _proposal(self, place: int, wanted: Traits, party: Party) -> Proposal | None:
        customer, has = self._customers[place], self._traits[place]
        likeness = self._likeness(place, wanted.name) if wanted.name and (has.name or self._search_names[place]) else 50
        points = _WEIGHTS["name"] * likeness
        reasons = [f"name {likeness} % alike"] if wanted.name else []
        for field, called in (("tax_id", "tax id"), ("postal_code", "postal code"), ("email_domain", "e-mail domain")):
            ours, theirs = getattr(wanted, field), getattr(has, field)
            if field == "email_domain" and len(self._blocks.get(f"{field}:{theirs}", ())) > _COMMON:
                theirs = ""
            if not ours or not theirs:
                points += _WEIGHTS[field] * 50
            elif ours == theirs:
                points += _WEIGHTS[field] * 100
                reasons.append(f"same {called}")
            else:
                reasons.append(f"another {called}")
        if points // 100 < SCORE_MIN:
            return None
        reasons.sort(key=lambda reason: not reason.startswith("same tax"))
        return Proposal(
            customer=customer.code,
            name=customer.name or customer.search_name or "",
            score=points // 100,
            reasons=(*reasons, *_against(customer, party)),
        )


def _alike(one: str, other: str) -> int:
    """Return how alike two names are, in whichever order their words stand; a slip at the front changes that order."""
    return int(max(fuzz.ratio(one, other), fuzz.token_sort_ratio(one, other)))


def _against(customer: Customer, party: Party) -> Iterator[str]:
    """Say what a person must know before they link it; whether it fits a document is decided in `fitness`."""
    if customer.zuora_account and customer.zuora_account != party.account_number:
        yield f"QAD holds it for account {customer.zuora_account}"
    if not customer.active:
        yield "is not active in QAD"
    if customer.held:
        yield "is on credit hold in QAD"
    if customer.currency and party.currency and customer.currency != party.currency:
        yield f"takes {customer.currency}, the account is in {party.currency}"


def _of_customer(customer: Customer) -> Traits:
    return Traits(
        name=_words(customer.name or ""),
        tax_id=_code(customer.tax_id or ""),
        postal_code=_code(customer.postal_code or ""),
        email_domain=customer.email_domain or "",
    )


def _of_party(party: Party, tax_id: str) -> Traits:
    contact = party.bill_to
    return Traits(
        name=_words(party.name),
        tax_id=_code(tax_id or party.vat_id or ""),
        postal_code=_code(contact.postal_code) if contact else "",
        email_domain=contact.email_domain if contact else "",
    )


def _blocks_of(traits: Traits, search_name: str) -> set[str]:
    """Return the blocks that something stands in: its codes, and how the words of its names begin."""
    codes = {f"{field}:{getattr(traits, field)}" for field in _WEIGHTS if field != "name" and getattr(traits, field)}
    words = {*traits.name.split(), *search_name.split()}
    return codes | {f"word:{word[:_STEM]}" for word in words}


def _words(name: str) -> str:
    """Return a name as it is compared: without case, accents, marks and legal forms, "" where nothing is left."""
    plain = name.casefold().replace("ö", "oe").replace("ä", "ae").replace("ü", "ue")
    letters = (mark for mark in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(mark))
    # "K.K." and "S.A." are one word each, and an apostrophe parts none.
    joined = (mark if mark.isalnum() else "" if mark in _WITHIN_WORDS else " " for mark in letters)
    words = "".join(joined).split()
    return " ".join(word for word in words if word not in _LEGAL_FORMS) or " ".join(words)


def _code(text: str) -> str:
    """Return a tax id or a postcode without what people put between its signs."""
    return "".join(mark for mark in text.casefold() if mark.isalnum())
