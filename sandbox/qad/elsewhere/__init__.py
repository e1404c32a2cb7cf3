"""A second tenant's dialect, called "elsewhere": nothing is spelled, nested, signed, written or paged as in the house.

Numbers are texts, yes is Y, a credit note has a resource of its own and an amount below zero, lines have one signed
amount, and a document may be judged before it is booked.
"""

from sandbox.qad.books.errors import Code
from sandbox.qad.dialect import BrowseParameters, Dialect, Envelope
from sandbox.qad.elsewhere.browses import BROWSES
from sandbox.qad.elsewhere.resources import RESOURCES

ELSEWHERE = Dialect(
    name="elsewhere",
    base="/qad-central/live",
    token_path="/api/oauth/token",  # noqa: S106 - a path
    browse_path="/services/lookups",
    security_path="/services/security",
    permission_path="/services/rights",
    validate_suffix="/check",
    workspace_header="x-site",
    workspace="{entity}@{domain}",
    view_parameter="view",
    date_format="%d.%m.%Y",
    date_formats_read=("%d.%m.%Y",),
    amounts="text",
    whole="text",
    yes="Y",
    no="N",
    page_size_max=400,
    codes={code: str(number) for number, code in enumerate(Code, 7001)},
    capitalises_length_fields=False,
    record_uri="",
    envelope=Envelope(
        records_under="dsPayload",
        success="ttResult.tcStatus",
        yes="OK",
        no="ERROR",
        errors="ttResult.ttErrors",
        messages="ttResult.ttWarnings",
        gateway_errors="fault.errors",
        error_code="nbr",
        error_field="fld",
        error_value="val",
        error_message="txt",
        error_severity="sev",
        error_position="row",
        data="ttData",
        rows="ttData.ttRows",
        has_more="ttData.tcMore",
        more_yes="Y",
        more_no="N",
    ),
    browse_parameters=BrowseParameters(
        browse_id="lookup",
        page="from",
        page_size="count",
        page_action="",
        filter="where",
        counts="rows",
        condition="{column} {operator} '{value}'",
        operators={"eq": "=", "ge": ">=", "gt": ">", "le": "<=", "lt": "<"},
    ),
    resources=RESOURCES,
    browses=BROWSES,
)
