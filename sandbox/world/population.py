"""Who is billed: the accounts of a site, the QAD customers they belong to, and how the one is told from the other.

Most accounts name their customer in a custom field, spelled as people spell; for others QAD keeps the account number;
a few have neither and are not billed, but for those of the cast.
"""

from collections.abc import Callable, Iterator
from random import Random

import msgspec

from sandbox.world.cast import Matched, Part, parts_of
from sandbox.world.chance import lots
from sandbox.world.names import Place, awkward_names, company_names, place_in, plain_name, surname_in
from sandbox.world.sites import Fact, Site
from sandbox.world.sizes import SiteSize

# Per site: currency, countries, and how many of a hundred accounts.
_MIXES = {
    "emea": (
        ("EUR", ("DE", "DE", "DE", "FR", "ES", "PL", "GR", "BG"), 50),
        ("GBP", ("GB",), 18),
        ("USD", ("IL", "UA", "CN", "KR"), 14),
        ("JPY", ("JP",), 10),
        ("KWD", ("KW",), 8),
    ),
    "amer": (("USD", ("US", "US", "US", "US", "CA", "MX", "BR"), 90), ("EUR", ("IE", "PT"), 10)),
}
_STATES = ("CA", "NY", "TX", "WA", "OR")
_TERMS = ("Net 30", "Net 30", "Net 30", "Net 14", "Net 45", "Due Upon Receipt", "Net 90")
_PLANS = ("monthly",) * 8 + ("usage",) * 5 + ("quarterly",) * 2 + ("annual",) * 3 + ("services",) * 3
_PAYS = ("cards",) * 9 + ("debit",) * 4 + ("wire",) * 7
# Customer codes count on from here, as in an ERP that has been in use for years.
_FIRST_CUSTOMER = 1001


class Account(Fact, frozen=True, kw_only=True):
    """A billing account.

    Attributes:
        number: Zuora's number.
        name: As somebody typed it.
        currency: Its currency.
        country: ISO code.
        state: US state, else "".
        place: City and postal code.
        contact: Surname of the contact.
        payment_term: Zuora's term.
        pays: By cards, debit or wire.
        plan: What it has subscribed to.
        renews: Month in which a quarter or a year of that begins.
        is_exempt: It shows a tax exemption certificate.
        field_text: What stands in the custom field for the QAD customer.
        customer: Code of the customer it belongs to in truth, "" where QAD has none.
    """

    number: str
    name: str
    currency: str
    country: str
    state: str
    place: Place
    contact: str
    payment_term: str
    pays: str
    plan: str
    renews: int
    is_exempt: bool
    field_text: str
    customer: str


class Customer(Fact, frozen=True, kw_only=True):
    """A customer of QAD.

    Attributes:
        code: Its code, at most 8 characters.
        name: Name of its business relation.
        currency: Its default currency.
        country: ISO code.
        place: City and postal code.
        is_public: It stands on the receivable account of the public sector.
        is_active: Documents may be booked to it.
        is_held: No new invoices: credit hold.
        zuora_account: Account number that somebody keyed into the field for it.
    """

    code: str
    name: str
    currency: str
    country: str
    place: Place
    is_public: bool = False
    is_active: bool = True
    is_held: bool = False
    zuora_account: str = ""


class Population(Fact, frozen=True, kw_only=True):
    """All of a site's accounts and customers.

    Attributes:
        cast: Accounts with a part, by the part's name.
        billed: Other accounts that each bill run bills.
        others: Accounts that nobody bills in these months.
        customers: All customers, in the order of their codes.
    """

    cast: dict[str, Account]
    billed: tuple[Account, ...]
    others: tuple[Account, ...]
    customers: tuple[Customer, ...]

    @property
    def accounts(self) -> tuple[Account, ...]:
        """All accounts."""
        return (*self.cast.values(), *self.billed, *self.others)


def populate(site: Site, size: SiteSize, *, seed: int) -> Population:
    """Return the population of a site."""
    registry = _Registry(site, lots(seed, site.name, "population"))
    cast = {part.name: registry.part(part) for part in parts_of(site)}
    regular = [registry.regular(matched=position < size.billed) for position in range(size.accounts)]
    registry.hand_customers()
    return Population(
        cast=cast,
        billed=tuple(regular[: size.billed]),
        others=tuple(regular[size.billed :]),
        customers=tuple(registry.customers.values()),
    )


class _Registry:
    """Takes accounts and customers in, one after the other."""

    def __init__(self, site: Site, draw: Random) -> None:
        self._site = site
        self._draw = draw
        self._names: dict[str, Iterator[str]] = {}
        awkward = awkward_names()
        half = len(awkward) // 2
        self._awkward = iter(awkward[:half] if site.name == "emea" else awkward[half:])
        self._account_count = 0
        self.customers: dict[str, Customer] = {}
        self._by_part: dict[str, Account] = {}

    def part(self, part: Part) -> Account:
        """Take an account of the cast in."""
        name = next(self._awkward) if part.awkward else self._name(part.country)
        if part.name == "sister_two":
            # Two accounts of one customer: the second names the customer of the first.
            customer = self._by_part["sister_one"].customer
            account = self._account(name, part.currency, part.country, customer, "field")
            return msgspec.structs.replace(account, field_text=customer)
        account = self._newcomer(name, part.currency, part.country, part.matched)
        if part.is_exempt:
            account = msgspec.structs.replace(account, is_exempt=True)
        if part.name in _CHANGES:
            account = _CHANGES[part.name](self, account)
        self._by_part[part.name] = account
        return account

    def regular(self, *, matched: bool) -> Account:
        """Take an account without a part in."""
        mix = _MIXES[self._site.name]
        currency, countries, _ = self._draw.choices(mix, weights=[share for _, _, share in mix])[0]
        country = self._draw.choice(countries)
        ways: tuple[Matched, ...] = ("field", "field", "field", "qad_field", "qad_field")
        way = self._draw.choice(ways if matched else (*ways, "neither"))
        return self._newcomer(self._name(country), currency, country, way)

    def hand_customers(self) -> None:
        """Take customers in that only QAD knows: they buy spare parts."""
        for _ in range(3):
            self._customer(self._name(self._site.home), self._site.base_currency, self._site.home)

    def wrong_field(self, account: Account) -> Account:
        """Let an account name a customer of another currency than its own."""
        other = self._customer(f"{account.name} Europe", "EUR", "IE")
        self.customers[account.customer] = msgspec.structs.replace(self.customers[account.customer], zuora_account="")
        return msgspec.structs.replace(account, field_text=other.code)

    def without_link(self, account: Account) -> Account:
        """Let QAD have the customer of an account, with nothing on either side that says so."""
        customer = self._customer(account.name, account.currency, account.country)
        return msgspec.structs.replace(account, customer=customer.code)

    def deactivated(self, account: Account) -> Account:
        """Let the customer of an account be inactive."""
        self.customers[account.customer] = msgspec.structs.replace(self.customers[account.customer], is_active=False)
        return account

    def held(self, account: Account) -> Account:
        """Let the customer of an account be on credit hold."""
        self.customers[account.customer] = msgspec.structs.replace(self.customers[account.customer], is_held=True)
        return account

    def _newcomer(self, name: str, currency: str, country: str, matched: Matched) -> Account:
        """Take an account in with a customer of its own, or without any."""
        if matched == "neither":
            return self._account(name, currency, country, "", matched)
        customer = self._customer(name, currency, country)
        account = self._account(name, currency, country, customer.code, matched)
        if account.field_text.strip() != customer.code:
            self.customers[customer.code] = msgspec.structs.replace(customer, zuora_account=account.number)
        return account

    def _account(self, name: str, currency: str, country: str, customer: str, matched: Matched) -> Account:
        self._account_count += 1
        draw, site = self._draw, self._site
        pays = draw.choice(_PAYS)
        return Account(
            number=f"{site.account_prefix}-{self._account_count:08}",
            name=name,
            currency=currency,
            country=country,
            state=draw.choice(_STATES) if country == "US" else "",
            place=place_in(country, draw),
            contact=surname_in(country, draw),
            payment_term=draw.choice(_TERMS),
            # Direct debit is in the currency of the country alone.
            pays=pays if pays != "debit" or currency == site.base_currency else "cards",
            plan=draw.choice(_PLANS),
            renews=draw.choice((10, 11)),
            is_exempt=country == "US" and draw.random() < 0.1,
            field_text=self._spelled(customer) if matched == "field" else "",
            customer=customer,
        )

    def _spelled(self, code: str) -> str:
        """Return a customer code as people type it: blanks around it do no harm; a misspelt one names nobody."""
        misspelt = code.lower() if code.lower() != code else f"{code[:2]}-{code[2:]}"
        return self._draw.choice((code, code, code, code, f" {code}", f"{code}\u00a0 ", misspelt))

    def _customer(self, name: str, currency: str, country: str) -> Customer:
        customer = Customer(
            code=f"{self._site.customer_prefix}{_FIRST_CUSTOMER + len(self.customers):06}",
            name=plain_name(name, 36),
            currency=currency,
            country=country,
            place=place_in(country, self._draw),
            is_public=self._draw.random() < 0.1,
        )
        self.customers[customer.code] = customer
        return customer

    def _name(self, country: str) -> str:
        names = self._names.setdefault(country, company_names(country, self._draw))
        return next(names)


# What is special about a part's account or customer from the start.
_CHANGES: dict[str, Callable[[_Registry, Account], Account]] = {
    "unlinked": _Registry.without_link,
    "inactive": _Registry.deactivated,
    "on_hold": _Registry.held,
    "mislabelled": _Registry.wrong_field,
}
