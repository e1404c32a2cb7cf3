"""What a site must confirm before a connection goes live, walked: what the files show, and what only a person knows.

The same list stands in docs/go-live.md, with how to find each out. Source: reference qad.md 6.7.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from adapters.qad.profiles.documents import TAXED
from adapters.qad.profiles.profile import Profile
from console.customers.allowed import problems_of_align
from console.pinging.customers import CONFIRM, UNCONFIRMED
from schemas.mapping import Mapping

State = Literal["set", "open", "confirm"]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list.

    Attributes:
        number: As in docs/go-live.md.
        title: Likewise.
        state: set: the files show it; open: something is missing; confirm: only a person knows whether it is right.
        found: What the files say, or what is missing.
    """

    number: int
    title: str
    state: State
    found: str


def walk(profile: Profile, mapping: Mapping | None) -> list[Item]:
    """Return the list as it stands for a connection.

    Args:
        profile: Its profile.
        mapping: Its newest mapping, None where none was published.
    """
    return [
        Item(number=number, title=title, state=state, found=found)
        for number, (title, look) in enumerate(_LIST, 1)
        for state, found in [look(profile, mapping)]
    ]


Look = Callable[[Profile, Mapping | None], tuple[State, str]]

# Parts of a profile that say how documents are made.
_POSTED = ("documents.", "qxtend")


def _address(profile: Profile, _: Mapping | None) -> tuple[State, str]:
    return "confirm", f"{profile.base_url}, grant {profile.auth.grant}, tokens live {profile.auth.lifetime_s} s"


def _workspace(profile: Profile, _: Mapping | None) -> tuple[State, str]:
    if not profile.workspace:
        return "open", "workspace is empty: the user's default one would be posted to"
    return "confirm", f"workspace {profile.workspace}, entity {profile.entity}, domain {profile.domain or 'not said'}"


def _documents(profile: Profile, _: Mapping | None) -> tuple[State, str]:
    waiting = [name for name in profile.unconfirmed if name.startswith(_POSTED)]
    return ("open", f"not confirmed: {', '.join(waiting)}") if waiting else ("set", "every kind is confirmed")


def _refusals(profile: Profile, _: Mapping | None) -> tuple[State, str]:
    classes = sorted({known.means for known in profile.errors})
    if not classes:
        return "open", "[[errors]] is empty: every refusal would be unclassified"
    return "confirm", f"classes with words or codes: {', '.join(classes)}"


def _keys(profile: Profile, _: Mapping | None) -> tuple[State, str]:
    return "confirm", ", ".join(
        f"{kind}: {document.key.year}/{document.key.daybook}/{document.key.voucher}"
        for kind, document in profile.posted.items()
    )


def _browses(profile: Profile, _: Mapping | None) -> tuple[State, str]:
    waiting = [name for name in profile.unconfirmed if not name.startswith(_POSTED)]
    if profile.open_items is None:
        return "open", "no [open_items]: opening items are not found, balances are not compared"
    return ("open", f"not confirmed: {', '.join(waiting)}") if waiting else ("set", "every browse is confirmed")


def _references(profile: Profile, _: Mapping | None) -> tuple[State, str]:
    blind = [kind for kind, find in profile.finds.items() if find is None]
    if blind:
        return "open", f"no look-up for {', '.join(blind)}: what gets no answer is for a person"
    fields = {name for document in profile.posted.values() for name in document.references}
    return "confirm", f"the machine reference goes to {', '.join(sorted(fields))}"


def _customers(profile: Profile, mapping: Mapping | None) -> tuple[State, str]:
    if profile.customers is not None and not profile.customers.confirmed:
        return "open", f"{UNCONFIRMED}. {CONFIRM}"
    if mapping is None:
        return _NO_MAPPING
    if problems := problems_of_align(mapping, profile):
        return "open", "; ".join(problems)
    rules = mapping.customers
    told = [f"the account's field {rules.account_field}"] if rules.account_field else []
    told += (
        ["QAD's matching field"] if rules.qad_field and "zuora_account" in profile.browses["customers"].columns else []
    )
    told += ["equal codes"] if rules.equal_codes else []
    flows = f"; {', '.join(rules.align)} flow to those that are there" if rules.align else ""
    return (
        ("confirm", f"found by {', '.join(told)}{flows}")
        if told
        else ("open", "no rule finds a customer: links alone do")
    )


def _daybooks(profile: Profile, mapping: Mapping | None) -> tuple[State, str]:
    if mapping is None:
        return _NO_MAPPING
    named = {name: code for name, code in msgspec.structs.asdict(mapping.daybooks).items() if code}
    banks = sorted({bank.account for bank in mapping.banks})
    books = ", ".join(f"{name} {code}" for name, code in named.items())
    made = profile.posted["receipt"].posted_when
    counts = f"counts when it is {' or '.join(map(str, made))}" if made else "counts once it is there: no posted_when"
    return "confirm", f"{books}; banks {', '.join(banks)}; a receipt {counts}"


def _accounts(_: Profile, mapping: Mapping | None) -> tuple[State, str]:
    if mapping is None:
        return _NO_MAPPING
    policy = mapping.policy
    return "confirm", f"{len(mapping.lines)} rows of lines; deferred revenue is released by {policy.deferral_system}"


def _tax(profile: Profile, mapping: Mapping | None) -> tuple[State, str]:
    if mapping is None:
        return _NO_MAPPING
    compared = [kind for kind in TAXED if profile.posted[kind].read_back or profile.posted[kind].key.total]
    after = f"; after each yes it is compared for {', '.join(compared)}" if compared else ""
    return "confirm", f"tax as {mapping.policy.tax}; QAD's own calculation must be off: the rehearsal shows it{after}"


def _periods(_: Profile, mapping: Mapping | None) -> tuple[State, str]:
    if mapping is None:
        return _NO_MAPPING
    closed = mapping.policy.closed_period
    if not isinstance(closed, str):
        closed_by_kind = [f"{kind} {choice}" for kind, choice in sorted(closed.items())]
        return "confirm", f"a closed period: {', '.join(closed_by_kind)}, all else hold; cut-over {mapping.cut_over}"
    return "confirm", f"a closed period: {closed}; cut-over {mapping.cut_over}"


def _quiet(_: Profile, __: Mapping | None) -> tuple[State, str]:
    return "confirm", "QAD must not print, e-invoice, dun or collect what comes in our daybooks"


_NO_MAPPING: tuple[State, str] = ("open", "no mapping is published")

_LIST: tuple[tuple[str, Look], ...] = (
    ("Address, log-in and session limits", _address),
    ("Domain, entity and workspace", _workspace),
    ("Paths, names and steps of each document", _documents),
    ("What refusals look like", _refusals),
    ("What the answer calls a document", _keys),
    ("Browses and their columns", _browses),
    ("Where the references go, and that they are found again", _references),
    ("How customers are found", _customers),
    ("Daybooks and bank accounts", _daybooks),
    ("Accounts and analysis", _accounts),
    ("Tax", _tax),
    ("Periods and cut-over", _periods),
    ("That QAD leaves our documents alone", _quiet),
)
