"""Which customer an account goes to: the rules in order, each candidate checked, the first that fits wins.

Source: ACCOUNTING 5. A similarity never decides; it only ranks proposals for review, elsewhere.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Table

import msgspec

from schemas.errors import CannotGoOn
from schemas.mapping import CustomerRules, Mapping
from schemas.matching import AccountSeen, Candidate, MatchRule
from schemas.reasons import Reason
from schemas.references import Customer
from streams import waits
from streams.match.fitness import Wanted, why_unfit


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """The customer that was found, and those that lost; or the one that is kept, whatever the rules say today."""

    customer: str
    rule: MatchRule
    passed_over: tuple[Candidate, ...] = ()
    kept: bool = False


class Customers(msgspec.Struct, kw_only=True):
    """QAD's customers as last shown, by code and by the Zuora account number that some carry.

    Attributes:
        show_terms: The site's browse shows credit terms: some customer had them. Only then is one without them unfit.
    """

    by_code: dict[str, Customer] = msgspec.field(default_factory=dict)
    by_account: dict[str, set[str]] = msgspec.field(default_factory=dict)
    show_terms: bool = False

    def take(self, customer: Customer) -> Customer | None:
        """Take up what QAD shows of a customer; return what it showed before."""
        before = self.by_code.get(customer.code)
        if before is not None and before.zuora_account:
            self.by_account[before.zuora_account].discard(customer.code)
        if customer.gone:
            self.by_code.pop(customer.code, None)
            return before
        self.by_code[customer.code] = customer
        self.show_terms |= bool(customer.terms)
        if customer.zuora_account:
            self.by_account.setdefault(customer.zuora_account, set()).add(customer.code)
        return before


def find_customer(
    account: AccountSeen,
    wanted: Wanted,
    *,
    links: Table[str, str],
    mapping: Mapping,
    customers: Customers,
) -> Match:
    """Return the customer of an account for a document.

    Args:
        account: The billing account.
        wanted: What the document asks of a customer.
        links: What people decided: customer by account id.
        mapping: Which rules the site has switched on, and its terms.
        customers: QAD's customers.

    Raises:
        CannotGoOn: No candidate fits; the reason names each and why not.
    """
    passed_over: list[Candidate] = []
    for customer, rule in candidates(account, links=links, rules=mapping.customers, customers=customers):
        why_not = why_unfit(customers.by_code.get(customer), wanted, mapping=mapping, show_terms=customers.show_terms)
        if not why_not:
            return Match(customer=customer, rule=rule, passed_over=tuple(passed_over))
        passed_over.append(Candidate(customer=customer, rule=rule, why_not=why_not))
        if rule is MatchRule.LINK:
            # A person decided; falling through to a guess would post where they said not to.
            break
    no_match = mapping.customers.no_match
    raise CannotGoOn(_no_customer(account, number=wanted.number, passed_over=passed_over, no_match=no_match))


def candidates(
    account: AccountSeen, *, links: Table[str, str], rules: CustomerRules, customers: Customers
) -> Iterator[tuple[str, MatchRule]]:
    """Yield the customers that the rules name for an account, in the order of the rules, fit or not."""
    if account.id in links:
        yield links[account.id], MatchRule.LINK
    if rules.account_field and account.customer_code:
        yield account.customer_code, MatchRule.ACCOUNT_FIELD
    if rules.qad_field:
        holders = sorted(customers.by_account.get(account.number, ()))
        if len(holders) == 1:
            yield holders[0], MatchRule.QAD_FIELD
    if rules.equal_codes and account.number in customers.by_code:
        yield account.number, MatchRule.EQUAL_CODES


# What a person may do beside linking, where the site says so.
_SEE = "See who resembles it: ml-connector match review {0}. Then link it (ml-connector match link {0} CUSTOMER)"
_NO_MATCH = {"propose": _SEE + ".", "create": _SEE + ", or have a customer made: ml-connector match create {0}."}


def _no_customer(account: AccountSeen, *, number: str, passed_over: list[Candidate], no_match: str) -> Reason:
    waits_for = _ways_to_one(account, (candidate.customer for candidate in passed_over))
    if not passed_over:
        return Reason(
            rule="no_customer",
            message=f"{number}: billing account {account.number} has no QAD customer",
            next_step=_NO_MATCH[no_match].format(account.number)
            if no_match in _NO_MATCH
            else f"Link it (ml-connector match link {account.number} CUSTOMER), or fill the field that names it.",
            field="account",
            value=account.number,
            waits_for=waits_for,
        )
    told = "; ".join(f"{candidate.customer} ({candidate.rule}) {candidate.why_not}" for candidate in passed_over)
    return Reason(
        rule="customer_unfit",
        message=f"{number}: no customer that fits billing account {account.number}: {told}",
        next_step="Mend the customer in QAD, or link the account to another: ml-connector match link.",
        field="customer",
        value=passed_over[0].customer,
        waits_for=waits_for,
    )


def _ways_to_one(account: AccountSeen, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of all by which any rule may find a customer that fits: no other customer's change matters."""
    codes = dict.fromkeys((*candidates, account.number))
    return (
        waits.account(account.id),
        waits.link(account.id),
        waits.MAPPING,
        waits.holder_of(account.number),
        *(waits.qad_reference("customer", code) for code in codes),
    )
