"""What `ping` tries where something is written back: whether the fields are there, and whether the user may write.

Nothing is changed by it: the one update that is sent names an object that no tenant has.
"""

import secrets
from collections.abc import AsyncIterator

import msgspec

from adapters.zuora.asking.client import ZuoraClient
from schemas.errors import ConnectorError
from streams.mark.marks import ACCOUNT, TRANSFERRED, WriteBack

_NOBODY = "0" * 32
_LISTS = ("invoices", "payments")

_row = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried.

    Attributes:
        what: What was tried.
        ok: Whether it works.
        found: What was found.
        next_step: What to do when it does not work.
    """

    what: str
    ok: bool
    found: str
    next_step: str = ""


async def try_write_back(client: ZuoraClient, settings: WriteBack) -> AsyncIterator[Trial]:
    """Yield what works of a write-back; nothing where none is on."""
    if not settings.on:
        return
    if settings.customer_code:
        yield await _field(client, "accounts", settings.customer_code)
    for objects in _LISTS if settings.document_number else ():
        yield await _field(client, objects, settings.document_number)
    yield await _right(client, settings)


async def _field(client: ZuoraClient, objects: str, field: str) -> Trial:
    what = f"{field} of {objects}"
    try:
        page = await client.object_query_page(objects, [("includeNullFields", "true")], page_size=1)
    except ConnectorError as error:
        return Trial(what=what, ok=False, found="does not work", next_step=str(error))
    if not page.rows:
        return Trial(what=what, ok=True, found="not told: there is none to look at")
    # Object Query spells the first letter of every field in lower case.
    there = field.casefold() in {name.casefold() for name in _row.decode(page.rows[0])}
    return Trial(
        what=what,
        ok=there,
        found="there" if there else "not there",
        next_step=f"Make the custom field {field} in Zuora (text, of {objects}), spelt exactly so, or mend "
        "[tenants.*.write_back].",
    )


async def _right(client: ZuoraClient, settings: WriteBack) -> Trial:
    kind, field = (ACCOUNT, settings.customer_code) if settings.customer_code else ("Invoice", settings.document_number)
    mark = {"Id": _NOBODY, field: "ping"} if field else {"Id": _NOBODY, TRANSFERRED: "Yes"}
    try:
        await client.mark(kind, [mark], f"ping.{secrets.token_hex(16)}")
    except ConnectorError as error:
        step = f"Give the OAuth user the right to update accounts, invoices, payments and refunds by API. {error}"
        return Trial(what="right to write back", ok=False, found="not given", next_step=step)
    return Trial(what="right to write back", ok=True, found="given")
