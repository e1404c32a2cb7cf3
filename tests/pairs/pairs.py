"""What Zuora expresses twice, by an act and by its document: what QAD's books hold when both have come.

To add a pair: a function that does it in a house, with what the accounts hold in the end (debit above zero; what is not
named holds nothing), in a list that `test_pairs.py` takes up.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.pairs.house import House

# Done between two acts: nothing, or all is read, decided and posted.
Settle = Callable[[], Awaitable[None]]
Act = Callable[[House, Settle], Awaitable[None]]


@dataclass(frozen=True)
class Pair:
    """One act and its document.

    Attributes:
        name: What it is, for people.
        act: Does it; settles where time may pass between the two.
        books: What the accounts hold in the end, by name.
        policy: Of the mapping, where it is not the usual one.
        tenant: Switches of the tenant, where it is not the usual one.
        ignored: Rules by which documents of it make nothing of their own.
    """

    name: str
    act: Act
    books: dict[str, str] = field(default_factory=dict)
    policy: dict[str, object] = field(default_factory=dict)
    tenant: dict[str, object] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
