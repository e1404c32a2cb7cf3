"""What Zuora refuses, as one exception with the code and the sentence that Zuora would give.

A code has eight digits: six for the resource, two for the category, which says what a client may do about it. The
wire chooses the envelope; whoever refuses only says why. Reads and calls without a body always carry the resource
500000.
"""

from enum import IntEnum

ANY_RESOURCE = 500_000


class Category(IntEnum):
    """The last two digits of a code, and the HTTP status that goes with them."""

    PERMISSION = 10
    AUTHENTICATION = 11
    INVALID_VALUE = 20
    UNKNOWN_FIELD = 21
    MISSING_FIELD = 22
    INVALID_QUERY = 27
    BUSINESS_RULE = 30
    NOT_FOUND = 40
    METHOD = 45
    LOCKED = 50
    INTERNAL = 60
    TEMPORARY = 61
    LIMIT = 70
    MALFORMED = 90

    @property
    def status(self) -> int:
        """Return the HTTP status of a refusal of this category."""
        return _STATUS.get(self, 400)


_STATUS = {
    Category.PERMISSION: 403,
    Category.AUTHENTICATION: 401,
    Category.NOT_FOUND: 404,
    Category.METHOD: 405,
    Category.INTERNAL: 500,
    Category.TEMPORARY: 503,
    Category.LIMIT: 429,
}


class Refused(Exception):
    """Zuora would not do this.

    Attributes:
        code: The eight-digit code.
        message: The sentence for the client.
        status: The HTTP status.
        fault: What Actions call it.
    """

    def __init__(
        self,
        category: Category,
        message: str,
        *,
        resource: int = ANY_RESOURCE,
        code: int | None = None,
        status: int | None = None,
        fault: str = "INVALID_VALUE",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code if code is not None else resource * 100 + category
        self.status = status if status is not None else category.status
        self.fault = fault


def not_found(key: str) -> Refused:
    """Return the refusal of a key that names nothing."""
    return Refused(Category.NOT_FOUND, f"Cannot find entity by key: '{key}'.")


def broken_rule(message: str, *, resource: int = ANY_RESOURCE) -> Refused:
    """Return the refusal of an act that a business rule forbids."""
    return Refused(Category.BUSINESS_RULE, message, resource=resource)


def invalid_value(message: str, *, resource: int = ANY_RESOURCE) -> Refused:
    """Return the refusal of a value that is wrong in itself."""
    return Refused(Category.INVALID_VALUE, message, resource=resource)


def invalid_query(message: str) -> Refused:
    """Return the refusal of a query parameter."""
    return Refused(Category.INVALID_QUERY, message)
