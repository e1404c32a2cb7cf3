"""How one installation's QXtend is spelled: address, receiver, APIs, and which element of which table means what.

Data and nothing else, as the REST dialect is: names on the left are the books' own, names on the right the wire's.
"""

from msgspec import Struct, field


class _Spelling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a spelling."""


class Table(_Spelling, frozen=True, kw_only=True):
    """One table of a dataset.

    Attributes:
        name: element of its rows.
        parent: table to whose row `tc_ParentRowid` points; blank for the first.
        part: list of the books' record that the rows are; blank where the one row says the record's own fields.
        fields: books' name to element.
        sides: books' name of an amount to the elements of its debit and its credit side.
        has_control_row: one row without an account is the control side, over the whole amount.
    """

    name: str
    parent: str = ""
    part: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    sides: dict[str, tuple[str, str]] = field(default_factory=dict)
    has_control_row: bool = False


class Api(_Spelling, frozen=True, kw_only=True):
    """One API: what it books, what it is called, its dataset.

    Attributes:
        kind: kind of the books' documents.
        name: element in the body.
        root: component, the element around the tables.
        tables: parents first.
        values: per field, the wire's words for the books' words; with mnemonicsRaw the books' own are taken.
    """

    kind: str
    name: str
    root: str
    tables: tuple[Table, ...]
    values: dict[str, dict[str, str]] = field(default_factory=dict)


class Qxtend(_Spelling, frozen=True, kw_only=True):
    """An inbound service.

    Attributes:
        path: under the origin.
        receiver: the one receiver that there is.
        version: of the APIs.
        apis: what can be called.
        no_agent: what is said where no licensed agent is free.
    """

    apis: tuple[Api, ...]
    path: str = "/qxi/services/QdocWebService"
    receiver: str = "QADFIN"
    version: str = "ERP3_1"
    no_agent: str = "No licensed agent is available for receiver QADFIN."

    def api_of(self, name: str) -> Api | None:
        """Return the API of a name."""
        return next((one for one in self.apis if one.name == name), None)
