"""What QAD shows of its reference data: customers, GL accounts, daybooks, periods, currencies, each list read whole.

There is no filter for what changed (reference), so all is read and the caller keeps what differs.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import UNSET, UnsetType

from adapters.qad.asking.client import QadClient
from adapters.qad.profiles.lists import Browse
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import Row, browse, column
from adapters.qad.values import day, whole
from schemas.errors import Misconfigured
from schemas.references import Customer, Daybook, GlAccount, Period, QadCurrency, QadReference


class QadReferences:
    """Reference data of one connection's QAD."""

    def __init__(self, client: QadClient, profile: Profile) -> None:
        """Read through this client, in this tenant's words."""
        self._client = client
        self._profile = profile

    async def read(self, name: str) -> AsyncIterator[Sequence[QadReference]]:
        """Yield the pages of one list: customers, gl_accounts, daybooks, periods or currencies."""
        spec = self._profile.browses[name]
        pages = browse(
            self._client,
            browse_id=spec.browse_id,
            prefix=spec.prefix,
            filters=spec.filter,
            page_size=self._profile.limits.page_size,
        )
        async for page in pages:
            yield [reference_of(name, row, spec, self._profile.date_format) for row in page]


def reference_of(name: str, row: Row, spec: Browse, date_format: str) -> QadReference:
    """Return what a row of a list says.

    Raises:
        Misconfigured: A column is missing, or holds something else.
    """
    found: QadReference = _MAKERS[name](_Columns(row, spec, date_format))
    return found


class _Columns:
    """A row by our words."""

    def __init__(self, row: Row, spec: Browse, date_format: str) -> None:
        self._row = row
        self._spec = spec
        self._date_format = date_format
        # All words at once: a list has a row for each of 100,000 customers.
        self._said = {word: row.get(name) for word, name in spec.columns.items()}
        for word, known in spec.values.items():
            if word in self._said:
                self._said[word] = known.get(str(self._said[word]), self._said[word])

    def value(self, word: str) -> Any:
        value = self._said.get(word)
        if value is None and word in self._said:
            # Where it is no blank that is shown, but no such column.
            column(self._row, self._spec.columns[word], browse_id=self._spec.browse_id)
        return value

    def text(self, word: str) -> str:
        value = self.value(word)
        return "" if value is None else str(value)

    def shown(self, word: str) -> str | UnsetType:
        """Return a text, unset where the site's browse has no such column."""
        return self.text(word) if word in self._spec.columns else UNSET

    def required(self, word: str) -> Any:
        value = self.value(word)
        if value is None:
            raise Misconfigured(f"[browses] {self._spec.browse_id}: no column gives {word!r}")
        return value

    def number(self, word: str) -> int:
        return whole(self.required(word), what=word)

    def day(self, word: str) -> date:
        found = day(self.required(word), self._date_format)
        if found is None:
            raise Misconfigured(f"{self._spec.browse_id}: a row of QAD has no {word}: look at the profile")
        return found

    def yes(self, word: str, *, default: bool) -> bool:
        value = self.value(word)
        return default if value is None else value in self._spec.true_values


def _customer(row: _Columns) -> Customer:
    email = row.shown("email")
    return Customer(
        code=str(row.required("code")),
        active=row.yes("active", default=True),
        held=row.yes("held", default=False),
        currency=row.text("currency"),
        terms=row.text("terms"),
        zuora_account=row.text("zuora_account"),
        name=row.shown("name"),
        search_name=row.shown("search_name"),
        city=row.shown("city"),
        postal_code=row.shown("postal_code"),
        # Proposals ask for no more of it, and whose it is is nobody's business.
        email_domain=email.rpartition("@")[2].strip().casefold() if email else email,
        tax_id=row.shown("tax_id"),
    )


def _gl_account(row: _Columns) -> GlAccount:
    return GlAccount(
        code=str(row.required("code")),
        active=row.yes("active", default=True),
        description=row.text("description"),
        account_type=row.text("type"),
        sub_account_required=row.yes("sub_account_required", default=False),
        cost_centre_required=row.yes("cost_centre_required", default=False),
        project_required=row.yes("project_required", default=False),
    )


def _daybook(row: _Columns) -> Daybook:
    return Daybook(
        code=str(row.required("code")), active=row.yes("active", default=True), daybook_type=row.text("type")
    )


def _period(row: _Columns) -> Period:
    year, number = row.number("year"), row.number("period")
    return Period(
        code=f"{year}-{number:02d}",
        year=year,
        period=number,
        first_day=row.day("first_day"),
        last_day=row.day("last_day"),
        open=row.text("status").casefold() == "open" and row.yes("open_for_sales", default=True),
    )


def _currency(row: _Columns) -> QadCurrency:
    return QadCurrency(
        code=str(row.required("code")),
        decimals=row.number("decimals"),
        active=row.yes("active", default=True),
    )


_MAKERS: Mapping[str, Any] = {
    "customers": _customer,
    "gl_accounts": _gl_account,
    "daybooks": _daybook,
    "periods": _period,
    "currencies": _currency,
}
