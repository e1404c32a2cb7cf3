"""How one tenant's REST surface is spelled: paths, urns, list and field names, formats, envelopes, browses.

A dialect is data and nothing else: another tenant is another `Dialect`, written as JSON or in Python, and no code.
Names on the left are the books' own (`customer_code`), names on the right the wire's; a dot in a wire name goes one
object deeper. What a dialect leaves out, it does not offer.
"""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from sandbox.qad.qxtend.spelling import Qxtend


class Spelling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a dialect."""


class Lines(Spelling, frozen=True, kw_only=True):
    """A list inside a record.

    Attributes:
        name: wire name of the list.
        fields: books' name to wire name.
        signed_amount: wire name of the one signed amount that stands for debit and credit; blank where they are
            two.
        positive_side: the side that a positive signed amount means.
        negative: amounts that the wire has with the other sign.
    """

    name: str
    fields: dict[str, str]
    signed_amount: str = ""
    positive_side: Literal["debit", "credit"] = "debit"
    negative: tuple[str, ...] = ()


class Resource(Spelling, frozen=True, kw_only=True):
    """Something that is created and read by key.

    Attributes:
        kind: invoice, payment, adjustment, journal, customer, business_relation or operations.
        path: under the base.
        view_uri: the urn that the caller must name.
        list_name: name of the list of records in bodies.
        keys: books' names of the fields that a record is read by.
        fields: books' name to wire name, of the record.
        lines: the same for its lists.
        constants: fields that this resource fixes and the wire does not carry.
        values: per field, the wire's words for the books' words.
        negative: amounts that the wire has with the other sign.
    """

    kind: str
    path: str
    view_uri: str
    list_name: str
    keys: tuple[str, ...]
    fields: dict[str, str]
    lines: dict[str, Lines] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    negative: tuple[str, ...] = ()


class Browse(Spelling, frozen=True, kw_only=True):
    """A table that can be read page by page.

    Attributes:
        table: books' name of the table.
        browse_id: its urn.
        prefix: what stands before each column, with a dot; blank for none.
        columns: books' name to wire name.
        values: per column, the wire's words for the books' words.
        only: rows whose columns are these, by the books' names and words; others are not in this browse.
        negative: amounts that the wire has with the other sign.
        negative_where: of those, only in rows whose columns are one of these.
    """

    table: str
    browse_id: str
    prefix: str
    columns: dict[str, str]
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    only: dict[str, str] = field(default_factory=dict)
    negative: tuple[str, ...] = ()
    negative_where: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Envelope(Spelling, frozen=True, kw_only=True):
    """Where things stand in bodies; dots go one object deeper, a blank means the top."""

    records_under: str = ""
    success: str = "submitResult.success"
    yes: bool | str = True
    no: bool | str = False
    errors: str = "submitResult.errors"
    messages: str = "supplementaryMessages"
    gateway_errors: str = "errors"
    error_code: str = "code"
    error_field: str = "fieldName"
    error_value: str = "fieldValue"
    error_message: str = "message"
    error_severity: str = "severity"
    error_position: str = "recordIndex"
    data: str = "data"
    rows: str = "data"
    has_more: str = "auxillaryData.HasMoreParams"
    more_yes: bool | str = "true"
    more_no: bool | str = "false"


class BrowseParameters(Spelling, frozen=True, kw_only=True):
    """The query parameters of a browse.

    Attributes:
        counts: what `page` counts: pages from 1, or the rows before the page.
        page_action: blank where the page alone says which one is meant.
        condition: how a condition is written.
        operators: the wire's words for eq, gt, ge, lt, le, cn, sw and ew where they differ.
        unread: what a condition does that cannot be read: it is refused, or finds nothing, or is ignored.
        hidden: columns, by the books' names, by which a condition never finds anything, as by one that is computed.
    """

    browse_id: str = "browseId"
    page: str = "page"
    page_size: str = "pageSize"
    page_action: str = "pageAction"
    filter: str = "filter"
    counts: Literal["pages", "rows"] = "pages"
    condition: str = "{column},{operator},{value},literal"
    operators: dict[str, str] = field(default_factory=dict)
    unread: Literal["refused", "nothing", "ignored"] = "refused"
    hidden: tuple[str, ...] = ()


class Dialect(Spelling, frozen=True, kw_only=True):
    """Everything about the wire that may differ between tenants.

    Attributes:
        base: path of the environment; everything else stands under it.
        date_format: how dates are written, in terms of strftime; `date_formats_read` are read too.
        page_size_max: larger pages are cut to it without a word.
        codes: wire codes for the books' codes where they differ.
        amounts: how amounts are written and must be written, as numbers of JSON or as texts.
        whole: the same of whole numbers.
        yes: how true is written, and must be.
        no: how false is.
        workspace: how a workspace is named in the header.
        validate_suffix: behind the path of a document: it is judged, and nothing is booked; blank where that is not
            offered.
        capitalises_length_fields: field names in errors about lengths begin with a capital, whatever was sent.
        qxtend: the same books by SOAP, where the site has that.
        record_uri: name of the field with the urn of a record; blank for none.
    """

    name: str
    resources: tuple[Resource, ...]
    browses: tuple[Browse, ...]
    base: str = "/clouderp"
    token_path: str = "/oauth/token"  # noqa: S105 - a path
    browse_path: str = "/api/qracore/browses"
    security_path: str = "/api/qracore/securityControl"
    permission_path: str = "/api/qracore/permissionState"
    reverse_suffix: str = "/reverse"
    validate_suffix: str = ""
    workspace_header: str = "x-qad-workspace-id"
    view_parameter: str = "viewUri"
    envelope: Envelope = Envelope()
    browse_parameters: BrowseParameters = BrowseParameters()
    date_format: str = "%Y-%m-%dT00:00:00.000Z"
    date_formats_read: tuple[str, ...] = ("%Y-%m-%dT00:00:00.000Z", "%Y-%m-%d")
    moment_format: str = "%Y-%m-%dT%H:%M:%S.%fZ"
    amounts: Literal["number", "text"] = "number"
    whole: Literal["number", "text"] = "number"
    yes: bool | str = True
    no: bool | str = False
    workspace: str = "{domain}_{entity}"
    page_size_default: int = 100
    page_size_max: int = 1000
    codes: dict[str, str] = field(default_factory=dict)
    capitalises_length_fields: bool = True
    record_uri: str = "uri"
    qxtend: Qxtend | None = None

    def workspace_of(self, domain: str, entity: str) -> str:
        """Return what the header calls a workspace."""
        return self.workspace.replace("{domain}", domain).replace("{entity}", entity)

    def resource_of(self, kind: str) -> Resource:
        """Return the first resource of a kind."""
        return next(one for one in self.resources if one.kind == kind)

    def browse_of(self, table: str) -> Browse:
        """Return the browse of a table."""
        return next(one for one in self.browses if one.table == table)


def read_dialect(path: Path) -> Dialect:
    """Read a dialect from a JSON file; unknown keys are refused."""
    return msgspec.json.decode(path.read_bytes(), type=Dialect)
