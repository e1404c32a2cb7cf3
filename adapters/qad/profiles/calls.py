"""How a tenant is called: what it bears, where things stand in bodies, how lists are asked for and numbers written.

Dots in a name go one object deeper: `submitResult.success`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from adapters.qad.profiles.part import Count, Part, Seconds, Value
from schemas.errors import Misconfigured

MARK = re.compile(r"\{(\w+)\}")
# Signs that no tenant's conditions are known to have a meaning for: neither quotes nor commas, wildcards or escapes.
_PLAIN = re.compile(r"[\w ./#:+-]+")


class CallLimits(Part, frozen=True, kw_only=True):
    """What the tenant bears.

    Attributes:
        concurrency: Posting calls at once.
        timeout_s: How long one call may take.
        page_size: Rows per browse page.
        age_s: How old an intent may be when its first byte is sent.
        settle_s: From when on "absent" is believed: above time-out + age, and above the idle-connection time-out of
            QAD and whatever stands before it.
    """

    concurrency: Count = 4
    timeout_s: Seconds = 30.0
    page_size: Count = 500
    age_s: Seconds = 2.0
    settle_s: Seconds = 45.0


class Envelope(Part, frozen=True, kw_only=True):
    """Where things stand in the bodies around records.

    Attributes:
        records: Under what the list of records stands, in what is sent and in what is answered; "" at the top.
        empty: Lists that must be sent although they are empty.
        success: What says whether a call was done.
        yes: Its values that say so.
        no: Its values that say that nothing was done.
        errors: The errors of a refusal.
        gateway_errors: The errors where the request did not reach the business.
        code: An error's code.
        field: The field that an error complains of.
        value: What stood there.
        label: What people know the field by, where an error says so.
        message: An error's words, and those of a warning.
        warnings: What is said beside a yes.
        confirmations: How lists are called in the end that confirm something beside a yes, at the top.
    """

    records: str = ""
    empty: tuple[str, ...] = ("supplementaryMessages",)
    success: str = "submitResult.success"
    yes: tuple[Value, ...] = (True,)
    no: tuple[Value, ...] = (False,)
    errors: str = "submitResult.errors"
    gateway_errors: str = "errors"
    code: str = "code"
    field: str = "fieldName"
    value: str = "fieldValue"
    label: str = "fieldLabel"
    message: str = "message"
    warnings: str = "supplementaryMessages"
    confirmations: str = "Confs"

    @property
    def words(self) -> tuple[str, ...]:
        """The names of what an answer says to people: nothing of a record."""
        return (self.code, self.field, self.label, self.message, self.success.rpartition(".")[2])


class Browsing(Part, frozen=True, kw_only=True):
    """How a browse is asked for, and where its rows stand. A parameter that is named "" is not sent.

    Attributes:
        path: Below the base URL.
        browse_id: Parameter with the browse's id.
        page: Parameter with the number of the page, or of the first row.
        counts: What `page` counts: pages, or the rows before the page.
        first_page: Number of the first page.
        page_size: Parameter with the rows of a page.
        page_action: Parameter that says `first` for the first page and `next` for later ones.
        call_id: Parameter with an id that all pages of one reading share.
        filter: Parameter with a condition; repeated, all must hold.
        condition: How a condition is written.
        operators: The tenant's word for `eq` and `ge`, where it is another.
        rows: Where the rows stand.
        more: What says whether there are more pages; "" where nothing does: they are read up to an empty one.
        more_values: Its values that say so, in any case.
    """

    path: str = "/api/qracore/browses"
    browse_id: str = "browseId"
    page: Annotated[str, msgspec.Meta(min_length=1)] = "page"
    counts: Literal["pages", "rows"] = "pages"
    first_page: Literal[0, 1] = 1
    page_size: str = "pageSize"
    page_action: str = "pageAction"
    call_id: str = "callId"
    filter: str = "filter"
    condition: str = "{column},{operator},{value},literal"
    operators: dict[Literal["eq", "ge"], str] = msgspec.field(default_factory=dict)
    rows: str = "data"
    more: str = "auxillaryData.HasMoreParams"
    more_values: tuple[Value, ...] = (True, "true")

    def can_hold(self, value: str) -> bool:
        """Return whether a condition can hold a value: no sign of it can be taken for one of the condition's own."""
        before, _, after = self.condition.partition("{value}")
        own = {before[-1:], after[:1]} - {""}
        return _PLAIN.fullmatch(value) is not None and value == value.strip() and not own & set(value)

    def where(self, column: str, operator: Literal["eq", "ge"], value: str) -> str:
        """Return the condition that a column is this value, or at or above it.

        Raises:
            Misconfigured: A condition cannot hold the value: QAD would look for something else.
        """
        if not self.can_hold(value):
            raise Misconfigured(
                f"QAD cannot be asked for {value!r} in {column}: a sign of it can mean something else in a condition "
                f"({self.condition})"
            )
        words = {"column": column, "operator": self.operators.get(operator, operator), "value": value}
        return fill(self.condition, words)


class Permission(Part, frozen=True, kw_only=True):
    """How the tenant is asked whether our user may make a kind of document; it is asked by `ping` alone.

    Attributes:
        path: Below the base URL; "" where the tenant cannot be asked.
        resource: Parameter with the kind's `view_uri`.
        action: Parameter with what is to be done.
        create: What that is called.
        given: Where the answer stands.
        no: Its values that say no.
    """

    path: str = "/api/qracore/permissionState"
    resource: str = "uri"
    action: str = "action"
    create: str = "CREATE"
    given: str = "data.hasPermission"
    no: tuple[Value, ...] = (False,)


class Numbers(Part, frozen=True, kw_only=True):
    """How numbers are written in records; they are read either way.

    Attributes:
        amounts: As JSON numbers, or as texts.
        whole: Years, vouchers and sequences: as JSON numbers, or as texts.
        decimals: Decimals that every amount is written with; an amount that has more is refused, never cut. None: as
            many as it has.
    """

    amounts: Literal["number", "text"] = "number"
    whole: Literal["number", "text"] = "number"
    decimals: Annotated[int, msgspec.Meta(ge=0, le=10)] | None = None


def fill(form: str, words: Mapping[str, str]) -> str:
    """Return a text with each `{word}` filled in, in one go: what is filled in is not looked at again."""
    return MARK.sub(lambda found: words.get(found[1], found[0]), form)
