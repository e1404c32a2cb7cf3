"""What the ERP refuses, and how it says so.

    Refused              a record breaks a rule of the business; nothing of it was booked
    InvariantViolation   the books themselves would be wrong; a fault of this stand-in, never of the caller

A code is stable and is what callers sort by; the message is for people.
"""

from enum import StrEnum, auto
from typing import TypeVar

from msgspec import Struct


class Code(StrEnum):
    """Every reason for which the books refuse a record."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:  # noqa: ARG004 - enum's signature
        return name

    FIELD_REQUIRED = auto()
    FIELD_TOO_LONG = auto()
    VALUE_NOT_ALLOWED = auto()
    ALREADY_EXISTS = auto()
    NOT_FOUND = auto()
    NOT_MODIFIABLE = auto()
    NOT_REVERSIBLE = auto()
    OPTIMISTIC_LOCK = auto()
    RECORD_LOCKED = auto()

    ENTITY_MISMATCH = auto()
    CUSTOMER_UNKNOWN = auto()
    CUSTOMER_INACTIVE = auto()
    CUSTOMER_ON_HOLD = auto()
    CUSTOMER_INCOMPLETE = auto()
    CUSTOMER_CURRENCY = auto()
    BUSINESS_RELATION_UNKNOWN = auto()
    CREDIT_TERMS_UNKNOWN = auto()
    PROFILE_UNKNOWN = auto()

    CURRENCY_UNKNOWN = auto()
    RATE_MISSING = auto()
    DAYBOOK_UNKNOWN = auto()
    DAYBOOK_INACTIVE = auto()
    DAYBOOK_TYPE = auto()
    DAYBOOK_LAYER = auto()
    VOUCHER_NOT_ALLOWED = auto()
    PERIOD_MISSING = auto()
    PERIOD_CLOSED = auto()
    PERIOD_CLOSED_FOR_SALES = auto()
    POSTING_YEAR = auto()

    ACCOUNT_UNKNOWN = auto()
    ACCOUNT_INACTIVE = auto()
    ACCOUNT_IS_CONTROL = auto()
    ACCOUNT_TYPE = auto()
    ACCOUNT_CURRENCY = auto()
    SUB_ACCOUNT = auto()
    COST_CENTRE = auto()
    PROJECT = auto()
    ANALYSIS_LIMITATION = auto()

    AMOUNT_DECIMALS = auto()
    AMOUNT_TOO_LARGE = auto()
    AMOUNT_NOT_POSITIVE = auto()
    AMOUNT_SIDE = auto()
    OUT_OF_BALANCE = auto()
    TAX_LINES = auto()

    LINK_UNKNOWN = auto()
    ITEM_UNKNOWN = auto()
    ITEM_TYPE = auto()
    ITEM_CURRENCY = auto()
    ITEM_CUSTOMER = auto()
    OVER_ALLOCATION = auto()
    OVER_REOPENING = auto()


class BusinessError(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a record.

    Attributes:
        code: the stable reason; free text where a fault was armed with a code of its own.
        field: canonical name of the field, `list.field` inside a list.
        value: what stood there, as text.
        message: one English sentence for people.
    """

    code: str
    field: str = ""
    value: str = ""
    message: str


class Refused(Exception):
    """A record breaks rules of the business; it carries all of them and nothing was booked."""

    def __init__(self, errors: tuple[BusinessError, ...]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


class InvariantViolation(Exception):
    """The books would contradict themselves: a programmer's error in this stand-in."""


class Findings:
    """Collects what is wrong with one record, so that several errors come back at once."""

    __slots__ = ("errors",)

    def __init__(self) -> None:
        self.errors: list[BusinessError] = []

    def add(self, code: Code, field: str, value: object, message: str) -> None:
        """Note one error."""
        self.errors.append(BusinessError(code=code, field=field, value=str(value), message=message))

    def raise_if_any(self) -> None:
        """Refuse the record if anything was noted."""
        if self.errors:
            raise Refused(tuple(self.errors))


def refuse(code: Code, field: str, value: object, message: str) -> Refused:
    """Build the refusal of a record for one reason."""
    return Refused((BusinessError(code=code, field=field, value=str(value), message=message),))


_Found = TypeVar("_Found")


def settled(found: _Found | None) -> _Found:
    """Return what a record without findings must have."""
    if found is None:
        raise InvariantViolation("A record without findings lacks what its checks look up.")
    return found
