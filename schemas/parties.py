"""Who is billed: what matching proposals and a QAD customer need of a billing account, its bill-to contact among it.

Apart from `schemas.zuora`, since no posting needs it: nothing here may hold a document up, and decisions about money
never see it. Personal data: these values go to scores, and to QAD where a site says so, never to logs, errors or pages.
Source: ACCOUNTING 5; names as in the contract in tests/contracts/.
"""

from typing import Any

import msgspec

from schemas.errors import Unreadable
from schemas.records import RecordKind, ZuoraRecord


class Contact(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A bill-to contact: its address. These fields are all that is asked for and kept of a contact, no person's name.

    Attributes:
        work_email: Whole, as Zuora has it; only its domain is looked at, and it is never shown.
    """

    id: str = ""
    address1: str = ""
    address2: str = ""
    city: str = ""
    county: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    tax_region: str = ""
    work_email: str = ""

    @property
    def email_domain(self) -> str:
        """The domain of the work e-mail, folded; "" where there is none."""
        return self.work_email.rpartition("@")[2].strip().casefold() if "@" in self.work_email else ""

    def __repr__(self) -> str:
        """Return what tells contacts apart, and no personal data: it may end up in an error or a log."""
        return f"Contact(id={self.id!r})"

    def __rich_repr__(self) -> Any:
        """Yield the same: msgspec's own would show all."""
        yield "id", self.id


class Party(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A billing account as a customer.

    Attributes:
        vat_id: The tax id that Zuora has of it; one that a site keeps in a custom field is `zuora.field_of` the parent.
        bill_to: None where it has no contact, where the user may not read it, and in records of earlier versions:
            nothing follows from that, least of all that an address is to be emptied.
    """

    id: str
    account_number: str
    name: str = ""
    status: str = ""
    currency: str = ""
    payment_term: str | None = None
    parent_id: str | None = None
    vat_id: str | None = msgspec.field(name="vATId", default=None)
    bill_to: Contact | None = None

    def __repr__(self) -> str:
        """Return its id and number: its name and tax id may be a person's."""
        return f"Party(id={self.id!r}, account_number={self.account_number!r})"

    def __rich_repr__(self) -> Any:
        """Yield the same."""
        yield "id", self.id
        yield "account_number", self.account_number


_party = msgspec.json.Decoder(Party)


def party_of(record: ZuoraRecord) -> Party:
    """Return who is billed by the record of an account.

    Raises:
        Unreadable: It is no record of an account, or a field is missing or of the wrong type; the message names it.
    """
    if record.kind != RecordKind.ACCOUNT or record.deleted:
        raise Unreadable(f"{record.kind} {record.id} is no billing account")
    try:
        return _party.decode(record.parent)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable(f"{record.kind} {record.id}: {error}") from None
