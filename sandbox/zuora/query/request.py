"""The query string of Object Query, read into a list query and a selection; whatever is not allowed is refused here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from sandbox.zuora.query.catalog import CHILD_KINDS, ObjectKind
from sandbox.zuora.query.conditions import FilterRules, field_named, filter_rules, read_condition
from sandbox.zuora.query.cursors import Sorting
from sandbox.zuora.query.pages import ListQuery
from sandbox.zuora.query.rendering import Expansion, Selection
from sandbox.zuora.refusal import Category, Refused, invalid_query
from sandbox.zuora.tenant import Tenant

Parameters = Mapping[str, Sequence[str]]
DEFAULT_PAGE_SIZE = 10
# Paths of expand[] that lead to a contact end in one of these.
_CONTACTS = frozenset(("billto", "soldto", "shipto", "billtocontact"))


def read_list_query(tenant: Tenant, kind: ObjectKind, parameters: Parameters) -> ListQuery:
    """Return the list that a query string asks for."""
    settings = tenant.settings
    rules = filter_rules(
        kind,
        extra=settings.filterable.get(kind.path, []),
        custom=tenant.custom_fields.get(kind.record.__name__, {}),
        zone=tenant.zone.zone,
        match_case=settings.match_case,
    )
    filters = parameters.get("filter[]", ())
    if kind.filter_required and not filters:
        raise Refused(Category.INVALID_QUERY, "The filter[] parameter is required")
    return ListQuery(
        conditions=tuple(read_condition(rules, text) for text in filters),
        sorting=_read_sorting(rules, parameters.get("sort[]", ())),
        page_size=read_page_size(tenant, parameters),
        cursor=next(iter(parameters.get("cursor", ())), None) or None,
        cursor_kind=_cursor_kind(tenant, kind),
        match_case=settings.match_case,
        zone=tenant.zone.zone,
    )


def _cursor_kind(tenant: Tenant, kind: ObjectKind) -> Literal["keyset", "offset"]:
    return tenant.settings.cursors.get(kind.path, kind.cursor)


def read_page_size(tenant: Tenant, parameters: Parameters) -> int:
    """Return the page size, or refuse one out of bounds."""
    text = next(iter(parameters.get("pageSize", ())), str(DEFAULT_PAGE_SIZE))
    largest = tenant.settings.page_size_max
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= largest:
        raise Refused(Category.INVALID_QUERY, f"Invalid pageSize: {text}. It must be between 1 and {largest}")
    return int(text)


def _read_sorting(rules: FilterRules, sorts: Sequence[str]) -> Sorting:
    if len(sorts) > 1 or any("," in sort for sort in sorts):
        raise invalid_query("Only one field can be sorted by")
    if not sorts:
        return Sorting(rules.fields["updateddate"], descending=True)
    name, _, direction = sorts[0].partition(".")
    if direction.upper() not in ("ASC", "DESC"):
        raise invalid_query(f"Invalid sort parameter: {sorts[0]}")
    field = field_named(rules, name)
    if field.attribute.endswith(("__c", "__NS")):
        raise invalid_query(f"Invalid sort parameter: {name}")
    return Sorting(field, descending=direction.upper() == "DESC")


def read_selection(tenant: Tenant, kind: ObjectKind, parameters: Parameters) -> Selection:
    """Return what a query string asks to be shown of each row."""
    paths = sorted({path.lower() for path in _split(parameters.get("expand[]", ()))})
    unknown = [path for path in paths if path not in kind.expandable]
    if unknown:
        raise invalid_query(f"Invalid expand parameter: {unknown[0]}")
    contacts = [path for path in paths if path.rpartition(".")[2] in _CONTACTS]
    if contacts and tenant.settings.contacts == "refused":
        raise Refused(Category.PERMISSION, "You do not have permission to access Contact")
    if tenant.settings.contacts == "absent":
        paths = [path for path in paths if path not in contacts]
    fields = {
        name.lower().removesuffix(".fields[]"): frozenset(chosen.lower() for chosen in _split(values))
        for name, values in parameters.items()
        if name.lower().endswith(".fields[]")
    }
    own = parameters.get("fields[]")
    if own is not None:
        fields[""] = frozenset(chosen.lower() for chosen in _split(own))
    elif kind.singular in fields and kind.singular not in kind.relations:
        fields[""] = fields[kind.singular]
    nulls = next(iter(parameters.get("includeNullFields", ())), "false").lower() == "true"
    size = read_page_size(tenant, parameters)
    return _selection(kind, paths, fields, prefix="", nulls=nulls, size=size)


def _split(values: Iterable[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _selection(
    kind: ObjectKind, paths: Sequence[str], fields: Mapping[str, frozenset[str]], *, prefix: str, nulls: bool, size: int
) -> Selection:
    """Return the selection of one level; a path such as account.billto also asks for its first part."""
    expansions = []
    for name in sorted({path.partition(".")[0] for path in paths}):
        relation = kind.relations.get(name)
        if relation is None:
            continue
        deeper = [path.partition(".")[2] for path in paths if path.startswith(f"{name}.")]
        selection = _selection(
            CHILD_KINDS[relation.path], deeper, fields, prefix=f"{prefix}{name}.", nulls=nulls, size=size
        )
        expansions.append(Expansion(relation, selection))
    whole_path = prefix.rstrip(".")
    names = fields.get(whole_path, fields.get(whole_path.rpartition(".")[2]) if whole_path else None)
    return Selection(names=names, expansions=tuple(expansions), nulls=nulls, children=size)
