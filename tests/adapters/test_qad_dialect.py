"""The adapter knows no tenant: another one's paths, names, words, dates and pages are its profile and nothing else.

The other tenant spells every name in another way. What a profile cannot say yet (the envelope, the names of query
parameters, the path of browses, fields inside objects, one signed amount, words for values) is as in the house.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from sandbox.qad.dialect import Dialect
from sandbox.qad.house import HOUSE
from schemas.errors import OutcomeUnknown, Rejected
from tests.adapters.qad_company import ENTITY, FEBRUARY, JANUARY, post, qad_company

_CODES = {"CUSTOMER_UNKNOWN": "4711", "PERIOD_CLOSED": "4712", "FIELD_TOO_LONG": "48", "OVER_ALLOCATION": "4713"}


def other_name(name: str) -> str:
    """Spell a name as the other tenant does: `customerCode` is `tcCustomerCode_9`."""
    return f"tc{name[:1].upper()}{name[1:]}_9"


def other_names(names: Mapping[str, str]) -> dict[str, str]:
    return {word: other_name(name) for word, name in names.items()}


def other_dialect(date_format: str) -> Dialect:
    """Return the house with every name, path and urn spelled in another way."""
    replace = msgspec.structs.replace
    resources = [
        replace(
            resource,
            path=f"/services/v9/{resource.list_name.lower()}",
            view_uri=f"urn:other:{resource.kind}",
            list_name=f"ds{resource.list_name}",
            fields=other_names(resource.fields),
            lines={
                name: replace(lines, name=f"tt{lines.name}", fields=other_names(lines.fields))
                for name, lines in resource.lines.items()
            },
        )
        for resource in HOUSE.resources
    ]
    browses = [
        replace(one, browse_id=f"urn:browse:mfg:{one.table}", prefix=f"b{number}", columns=other_names(one.columns))
        for number, one in enumerate(HOUSE.browses)
    ]
    return replace(
        HOUSE,
        name="other",
        base="/qad-central/test",
        token_path="/api/oauth/token",
        resources=tuple(resources),
        browses=tuple(browses),
        codes=_CODES,
        date_format=date_format,
        date_formats_read=(date_format,),
        page_size_max=2,
        record_uri="",
        capitalises_length_fields=False,
    )


def other_template(house: str, date_format: str) -> str:
    """Return the template in the words of the other tenant: a text of the same shape, no name of the house left."""
    text = re.sub(
        r'path = "/api/erp/(\w+)"\nview_uri = "urn:be:[\w.]+\.I(\w+)"\nlist = "(\w+)"',
        lambda found: (
            f'path = "/services/v9/{found[1].lower()}"\n'
            f'view_uri = "urn:other:{_KIND_OF_LIST[found[3]]}"\nlist = "ds{found[3]}"'
        ),
        house,
    )
    for number, browse in enumerate(HOUSE.browses):
        text = text.replace(
            f'browse_id = "{browse.browse_id}"\nprefix = "{browse.prefix}"',
            f'browse_id = "urn:browse:mfg:{browse.table}"\nprefix = "b{number}"',
        )
    text = re.sub(r'under = "(\w+)"', r'under = "tt\1"', text)
    text = "\n".join(_other_line(line) for line in text.split("\n"))
    text = text.replace('date_format = "%Y-%m-%dT00:00:00.000Z"', f'date_format = "{date_format}"')
    text = text.replace('path = "/oauth/token"', 'path = "/api/oauth/token"')
    for code, spelled in _CODES.items():
        text = text.replace(f'"{"47" if code == "FIELD_TOO_LONG" else code}"', f'"{spelled}"')
    return text


_KIND_OF_LIST = {resource.list_name: resource.kind for resource in HOUSE.resources}
_KEPT = ("browse_id", "prefix", "under", "path", "view_uri", "list", "means", "grant", "date_format")
_HOUSE_NAMES = {
    name
    for part in (*HOUSE.resources, *HOUSE.browses)
    for name in (part.fields if hasattr(part, "fields") else part.columns).values()
} | {name for one in HOUSE.resources for lines in one.lines.values() for name in lines.fields.values()}


def _other_line(line: str) -> str:
    """Respell the names of the house that stand on a line of a profile."""
    if line.split(" = ", maxsplit=1)[0] in (*_KEPT, "codes", "base_url", "workspace", "domain", "entity"):
        return line
    line = re.sub(r"(?<=[{,] )(\w+)(?= = )", lambda found: _other_key(line, found[1]), line)
    line = re.sub(r'(?<=\[")(\w+)(?=,eq,)', lambda found: other_name(found[1]), line)
    return re.sub(r'"(\w+)"', lambda found: f'"{other_name(found[1])}"' if found[1] in _HOUSE_NAMES else found[0], line)


def _other_key(line: str, key: str) -> str:
    """Constants have the tenant's names on the left; everything else has ours there."""
    return other_name(key) if line.startswith("constants") else key


@pytest.fixture(params=["%Y%m%d", "%Y-%m-%d"])
async def other(request, tmp_path):
    async with qad_company(tmp_path, dialect=other_dialect(request.param)) as company:
        company.template = other_template(company.profile_text(), request.param)
        yield company


def test_no_name_of_the_house_is_left_in_the_other_profile(other):
    profile = msgspec.json.encode(other.profile(other.template)).decode()
    said = set(re.findall(r'"([^"]+)"', profile))
    # Names of one word are ours as well; those of several are the house's alone.
    assert said & {name for name in _HOUSE_NAMES if not name.islower()} == set()
    assert "urn:be:" not in profile
    assert "/api/erp" not in profile


async def test_every_kind_of_document_lands_in_the_books(other):
    other.control.change_settings({"calls": {"refuses_unknown_fields": True}})
    erp = await other.erp(other.profile(other.template))
    command = other.invoice("119.00")
    invoice = await post(erp, command)
    content = other.document(command)["content"]
    assert (content["customer_code"], content["original_amount"]) == ("C0001", Decimal("119.00"))
    assert (content["invoice_date"], content["tax_point_date"]) == (JANUARY, JANUARY)
    assert (content["due_date"], content["reference"]) == (date(2026, 2, 9), "INV00000001")
    note = await post(erp, other.credit_note("40.00"))
    receipt = other.receipt("100.00", (invoice.document, "60.00"))
    await post(erp, receipt)
    assert other.document(receipt)["content"]["payment_date"] == FEBRUARY
    await post(erp, other.adjustment(invoice.document, note.document, "40.00"))
    opened = {item["key"]["daybook_code"]: item["open_amount"] for item in other.control.items(ENTITY)}
    assert opened == {"ZINV": Decimal("19.00"), "ZCRN": 0, "ZPAY": Decimal("40.00")}
    assert {call.ignored_fields for call in other.requests()} == {()}


async def test_what_was_not_said_is_found_again(other):
    erp = await other.erp(other.profile(other.template))
    commands = [other.invoice(), other.credit_note(), other.receipt("5.00")]
    for command in commands:
        other.arm("commit_then_reset", count=1)
        with pytest.raises(OutcomeUnknown):
            await post(erp, command)
    for command, kind in zip(commands, ("invoice", "credit_note", "receipt"), strict=True):
        found = await erp.find(kind, command.reference)
        assert found is not None
        assert (found.document.total, found.day) == (command.payload.total, command.payload.posting_date)


async def test_pages_that_are_cut_shorter_than_asked_are_read_to_the_end(other):
    erp = await other.erp(other.profile(other.template))
    commands = [other.receipt("5.00") for _ in range(5)]
    for command in commands:
        await post(erp, command)
    found = [one.reference async for page in erp.find_all("receipt") for one in page]
    assert found == [command.reference for command in commands]


async def test_reference_data_is_read_in_its_columns(other):
    references = await other.references(other.template)
    for name, count in (("customers", 5), ("gl_accounts", 19), ("daybooks", 9), ("periods", 36), ("currencies", 5)):
        assert len([one async for page in references.read(name) for one in page]) == count
    periods = [one async for page in references.read("periods") for one in page]
    assert (periods[0].first_day, periods[0].open) == (date(2025, 1, 1), True)


async def test_refusals_are_sorted_by_its_codes(other):
    erp = await other.erp(other.profile(other.template))
    for changes, reason_class in (({"customer": "C9999"}, "customer"), ({"description": "x" * 41}, "field")):
        with pytest.raises(Rejected) as rejected:
            await post(erp, other.invoice(**changes))
        assert rejected.value.reason_class == reason_class


@pytest.mark.parametrize("date_format", ["%d.%m.%Y", "%m/%d/%y", "%Y-%d-%m"])
async def test_dates_are_read_as_they_are_written(tmp_path, date_format):
    async with qad_company(tmp_path, dialect=other_dialect(date_format)) as company:
        erp = await company.erp(company.profile(other_template(company.profile_text(), date_format)))
        command = company.invoice()
        await post(erp, command)
        found = await erp.find("invoice", command.reference)
    assert found is not None
    assert found.day == command.payload.posting_date
