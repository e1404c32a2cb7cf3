"""A tenant's QXtend, as configuration: where calls go, with which context, and which tables a document is made of.

A dataset is a few tables whose rows hang on one another; which words of ours stand in which element of which table is
the profile's, as far down as the control line of an invoice. Source: reference 1.5, 6.4.
"""

from typing import Literal

import msgspec

from adapters.qad.profiles.documents import Find
from adapters.qad.profiles.entries import Answered, Entries
from adapters.qad.profiles.part import Count, Part, Seconds, Value


class Table(Part, frozen=True, kw_only=True):
    """One table of a dataset.

    Attributes:
        table: Its element.
        rows: Of what there is a row: one of the document, or one of each of its lines, allocations ...
        parent: Table of the document to whose row they hang; "" for the first.
        fields: Element, or elements, by our word.
        constants: Further elements with fixed values; an empty text is an empty element.
    """

    table: str
    rows: Literal["document", "lines", "allocations", "opens", "gl_lines", "tax_rows"] = "document"
    parent: str = ""
    fields: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict)
    constants: dict[str, Value] = msgspec.field(default_factory=dict)


class AnswerKey(Answered, frozen=True, kw_only=True):
    """Where the answer shows the document: a table, and its elements."""

    table: str
    year: str
    daybook: str
    voucher: str


class QDocument(Entries, frozen=True, kw_only=True):
    """One kind of document.

    Attributes:
        api: Element of the call.
        root: Component: the element around the tables.
        tables: Parents first.
        key: Where the answer shows what was made.
        find: How it is found again, in a browse over REST; without it its unknowns are for a person.
        confirmed: The site has confirmed this part.
    """

    api: str
    root: str
    tables: tuple[Table, ...]
    key: AnswerKey
    find: Find | None = None
    confirmed: bool = True

    @property
    def takes_tax_rows(self) -> bool:
        """Whether it has a place for rows of the tax report."""
        return any(table.rows == "tax_rows" for table in self.tables)

    @property
    def references(self) -> tuple[str, ...]:
        """Where the machine reference goes."""
        named = [table.fields.get("reference", ()) for table in self.tables if table.rows == "document"]
        return tuple(name for names in named for name in ((names,) if isinstance(names, str) else names))


class Qxtend(Part, frozen=True, kw_only=True):
    """One tenant's QXtend inbound.

    Attributes:
        url: Address of its service, whole.
        receiver: To whom calls are addressed.
        version: Of its APIs.
        cbf_version: Of the component's dataset.
        context: Further properties of the session, such as timeoutLimit in seconds; what is ours cannot stand there.
        partial_update: QAD fills what is left out.
        date_format: How a date is written, in strftime's words.
        timeout_s: How long one call may take.
        concurrency: Calls at once: each takes a licensed agent.
        documents: By kind.
        confirmed: The site has confirmed this part.
    """

    url: str
    receiver: str
    version: str = "ERP3_1"
    cbf_version: str = "9.2"
    context: dict[str, str] = msgspec.field(default_factory=lambda: {"mnemonicsRaw": "false"})
    partial_update: bool = True
    date_format: str = "%Y-%m-%d"
    timeout_s: Seconds = 60.0
    concurrency: Count = 1
    documents: dict[str, QDocument]
    confirmed: bool = True
