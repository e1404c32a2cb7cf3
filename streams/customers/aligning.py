"""What is said of the accounts of a customer after they were compared: what was written, what was left, who is called.

A person is called where something that was alike once is not, and cannot flow. What never was alike, and what QAD alone
has changed, is QAD's: it stands in the list of ml-connector match align, and calls nobody. Source: ACCOUNTING 5.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from schemas.matching import AccountSeen
from schemas.outcomes import Aligned, Aligning, Parked
from schemas.reasons import Reason
from streams.customers.bases import Bases
from streams.customers.comparing import Line, State, fingerprint
from streams.customers.known import document_of
from streams.customers.spec import ALIGN
from streams.customers.wanted import Value
from streams.stage import LIVE

DIFFERS, NOT_HELD, REFUSED = "customer_differs", "customer_not_held", "customer_not_changed"

# What nobody need hear of: it is as it should be, or Zuora or the profile says nothing of it.
_QUIET = (State.IN_LINE, State.WRITE, State.NOT_SAID, State.NOT_MAPPED)
_LOOK = (
    "See ml-connector match align {0}. It is looked at again when the account changes, or: ml-connector parked release."
)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A change that QAD did not take, or did not keep.

    Attributes:
        words: What was to be changed.
        kept: Whether QAD said yes, and shows the old value all the same.
        unanswered: Whether QAD shows the old value, and no answer said why, however often it was sent.
        said: QAD's words.
    """

    words: tuple[str, ...]
    kept: bool = False
    unanswered: bool = False
    said: tuple[str, ...] = ()


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A customer, and the accounts that share it.

    Attributes:
        passes: By account id, which release it was asked by; else it is live.
    """

    connection: str
    customer: str
    accounts: Sequence[AccountSeen]
    passes: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def documents(self) -> list[str]:
        """The accounts as the log names them."""
        return [document_of(account) for account in self.accounts]

    def intent(self, part: str, code: str, writes: Mapping[str, Value]) -> Aligning:
        """Return what is said before a record is changed."""
        words = {word: fingerprint(self.customer, word, value) for word, value in writes.items()}
        account = self.accounts[0]
        return Aligning(
            **self._head(account), origin=account.origin, customer=self.customer, part=part, code=code, words=words
        )

    def outcomes(self, lines: Sequence[Line], refusal: Refusal | None, bases: Bases) -> Iterator[Aligned | Parked]:
        """Yield what is new of each account; an intent that is open ends with it."""
        meant = bases.of(self.customer, self.documents).meant
        words = tuple(
            word for line in lines for word, found in line.base.items() if found in meant.get(word, frozenset())
        )
        base = {word: found for line in lines for word, found in line.base.items()}
        left: dict[str, str] = {line.field: line.state.value for line in lines if line.state not in _QUIET}
        for account in self.accounts:
            told = bases.told.get(document_of(account))
            known = told is not None and told.customer == self.customer
            parked = self._parked(account, lines, refusal)
            stood = told.parked if known and told is not None else None
            reason = (parked.reason.rule, parked.reason.message) if parked else None
            same = known and told is not None and told.left == left and base.items() <= told.base.items()
            goes_on = stood is not None and reason is None
            if meant or not same or goes_on or account.id in self.passes:
                yield Aligned(
                    **self._head(account),
                    origin=account.origin,
                    customer=self.customer,
                    written=words,
                    base=base,
                    left=left,
                )
            elif stood == reason:
                continue
            if parked is not None:
                yield parked

    def _parked(self, account: AccountSeen, lines: Sequence[Line], refusal: Refusal | None) -> Parked | None:
        called = {
            state: [line for line in lines if line.state is state and line.was_in_line]
            for state in (State.DIFFERS, State.NOT_HELD)
        }
        customer, number = self.customer, account.number
        if refusal is not None:
            what = "said yes and kept what it had" if refusal.kept else "does not take the change"
            if refusal.unanswered:
                what = "shows what it had, and never says what becomes of the change"
            rule, message = REFUSED, f"{customer}: QAD {what} ({', '.join(refusal.words)})"
            step = "Mend it in QAD, or look at [customers] of the profile."
        elif called[State.DIFFERS]:
            fields = ", ".join(line.field for line in called[State.DIFFERS])
            rule, message = DIFFERS, f"{fields} of customer {customer} changed in Zuora and in QAD: nothing is written"
            step = "Make both say the same, in the one or in the other."
        elif called[State.NOT_HELD]:
            why = "; ".join(line.why for line in called[State.NOT_HELD])
            rule, message = NOT_HELD, f"customer {customer} is not changed: {why}"
            step = "Change it in Zuora, or mend [terms] of the mapping."
        else:
            return None
        return Parked(
            **self._head(account),
            origin=account.origin,
            reason=Reason(
                rule=rule,
                message=f"{number}: {message}",
                next_step=f"{step} {_LOOK.format(number)}",
                field="customer",
                value=customer,
            ),
            said=refusal.said if refusal else (),
        )

    def _head(self, account: AccountSeen) -> dict[str, Any]:
        return {
            "connection": self.connection,
            "stage": ALIGN,
            "subject": document_of(account),
            "document": document_of(account),
            "number": account.number,
            "input_pass": self.passes.get(account.id, LIVE),
        }
