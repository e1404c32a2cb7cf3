"""Records: created, changed, read by key and, where the site offers it, reversed.

Form and permission are judged at once; what touches the books comes back as an operation, so that the server can
let a fault act before, instead of, or long before it.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from sandbox.qad.books.documents import Document, DocumentKey, Kind, Origin
from sandbox.qad.books.errors import BusinessError, Code, Refused, refuse
from sandbox.qad.books.master import Operations
from sandbox.qad.books.parties import (
    BusinessRelationChange,
    CustomerChange,
    Pending,
    prepare_business_relation,
    prepare_customer,
    prepare_operations,
)
from sandbox.qad.books.reversals import Reversal
from sandbox.qad.calls import Call
from sandbox.qad.dialect import Resource
from sandbox.qad.faults import Stage
from sandbox.qad.installation import Installation
from sandbox.qad.wire.codec import RecordCodec
from sandbox.qad.wire.columns import View
from sandbox.qad.wire.envelopes import Answer, Envelopes, Warned
from sandbox.qad.wire.forms import Malformed, path_of, pick
from sandbox.qad.wire.master_tables import OperationsRow
from sandbox.qad.world import User

Operation = Callable[[], Answer]

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class Request(NamedTuple):
    """A request that has come so far: the user may work in this workspace.

    Attributes:
        filters: all values of the filter parameter, which `query` shows one of.
    """

    call: Call
    user: User
    view: View
    query: Mapping[str, str]
    filters: Sequence[str]
    body: bytes


class ResourceEndpoint:
    """Serves one resource of the dialect."""

    def __init__(self, installation: Installation, envelopes: Envelopes, resource: Resource) -> None:
        self._installation = installation
        self._envelopes = envelopes
        self._resource = resource
        self._codec = RecordCodec(installation.dialect, resource)
        self._kind = Kind(resource.kind) if resource.kind in set(Kind) else None

    def read(self, view: View, query: Mapping[str, str]) -> Answer:
        """Answer a reading by key."""
        if turned := self._check_view_uri(query):
            return turned
        try:
            key = self._codec.read_key(query)
        except Malformed as malformed:
            return self._envelopes.gateway(400, "The key cannot be read.", field=malformed.field)
        if key is None:
            return self._envelopes.gateway(400, "All key fields are needed.")
        rows = self._rows_by_key(view, key)
        return self._envelopes.read(self._resource.list_name, [self._codec.encode(view, row) for row in rows])

    def write(self, request: Request) -> Operation | Answer:
        """Judge the form of a writing; return what it would do, or the answer that turns it away."""
        if turned := self._check_view_uri(request.query) or self._check_permission(request.user):
            return turned
        try:
            records = self._records_of(request.body)
            self._note_unknown(request.call, records)
            is_update = self._codec.names_key(request.query)
            if is_update and self._kind is not None:
                return self._amending(request, records[0])
            asked = [self._codec.decode(record) for record in records]
        except Malformed as malformed:
            return self._envelopes.gateway(400, str(malformed), field=malformed.field)
        if self._kind is None:
            return lambda: self._save(request, asked, is_update=is_update)
        request.call.references = tuple(one.custom_short_0 for one in asked)
        return lambda: self._book(request, asked)

    def validate(self, request: Request) -> Operation | Answer:
        """Judge the form of a document; return what would say whether the books took it."""
        if turned := self._check_view_uri(request.query) or self._check_permission(request.user):
            return turned
        if self._kind is None:
            return self._envelopes.gateway(404, "The action does not exist.")
        try:
            records = self._records_of(request.body)
            self._note_unknown(request.call, records)
            asked = [self._codec.decode(record) for record in records]
        except Malformed as malformed:
            return self._envelopes.gateway(400, str(malformed), field=malformed.field)
        request.call.references = tuple(one.custom_short_0 for one in asked)
        return lambda: self._judge(request, asked)

    def reverse(self, request: Request) -> Operation | Answer:
        """Judge the form of a reversal; return what it would do, or the answer that turns it away."""
        if not self._installation.settings.books.offers_reversal or self._kind is None:
            return self._envelopes.gateway(404, "The action does not exist.")
        if turned := self._check_view_uri(request.query) or self._check_permission(request.user):
            return turned
        try:
            key = self._codec.read_key(request.query)
            said = self._codec.decode(self._records_of(request.body)[0]) if request.body else None
        except Malformed as malformed:
            return self._envelopes.gateway(400, str(malformed), field=malformed.field)
        if key is None:
            return self._envelopes.gateway(400, "All key fields are needed.")
        asked = Reversal()
        if said is not None:
            asked = Reversal(
                posting_date=said.posting_date, custom_short_0=said.custom_short_0, description=said.description
            )
        request.call.references = (asked.custom_short_0,)
        return lambda: self._reverse(request, DocumentKey(**key), asked)

    def _check_view_uri(self, query: Mapping[str, str]) -> Answer | None:
        name = self._installation.dialect.view_parameter
        if query.get(name) == self._resource.view_uri:
            return None
        return self._envelopes.gateway(404, f"The resource has no view {query.get(name, '(none)')}.", field=name)

    def _check_permission(self, user: User) -> Answer | None:
        if not {"*", self._resource.kind} & set(user.denied):
            return None
        return self._envelopes.gateway(403, "Access is denied")

    def _records_of(self, body: bytes) -> list[dict[str, Any]]:
        list_name = self._resource.list_name
        try:
            decoded = _DECODER.decode(body)
        except (ValueError, ArithmeticError, RecursionError) as error:
            # Not JSON, a number beyond all numbers, or nested without end.
            raise Malformed("body", "") from error
        records = pick(decoded, (*path_of(self._installation.dialect.envelope.records_under), list_name))
        count_max = self._installation.settings.calls.records_max
        if not isinstance(records, list) or not 0 < len(records) <= count_max:
            raise Malformed(list_name, records)
        if not all(isinstance(record, dict) for record in records):
            raise Malformed(list_name, records)
        return records

    def _note_unknown(self, call: Call, records: Sequence[dict[str, Any]]) -> None:
        unknown = sorted({name for record in records for name in self._codec.unknown_fields(record)})
        call.ignored_fields = tuple(unknown)
        if unknown and self._installation.settings.calls.refuses_unknown_fields:
            raise Malformed(unknown[0], None)

    def _amending(self, request: Request, record: dict[str, Any]) -> Operation | Answer:
        key = self._codec.read_key(request.query)
        if key is None:
            return self._envelopes.gateway(400, "All key fields are needed.")
        said = self._codec.decode_fields(record)
        request.call.references = (said.get("custom_short_0", ""),)
        return lambda: self._amend(request, DocumentKey(**key), said)

    def _origin(self, request: Request) -> Origin:
        return Origin(request.user.name, self._installation.clock.now())

    def _book(self, request: Request, asked: Sequence[Any]) -> Answer:
        """Book documents; of several all or none, unless each stands by itself."""
        each_by_itself = self._installation.settings.calls.each_record_by_itself
        refusals = self._forced_refusals(request.call, len(asked))
        documents: list[Document] = []
        if each_by_itself or not refusals:
            positions = [position for position in range(len(asked)) if position not in refusals]
            booked = self._installation.books.post(
                request.view.entity.entity_code,
                [asked[position] for position in positions],
                origin=self._origin(request),
                each_by_itself=each_by_itself,
            )
            documents = booked.documents
            refusals.update({positions[at]: errors for at, errors in booked.refusals.items()})
        return self._answer(request, documents, refusals, count=len(asked))

    def _judge(self, request: Request, asked: Sequence[Any]) -> Answer:
        books, origin = self._installation.books, self._origin(request)
        found = [books.judge(request.view.entity.entity_code, one, origin=origin) for one in asked]
        refusals = {position: errors for position, errors in enumerate(found) if errors}
        if not refusals:
            return self._envelopes.judged()
        self._note_errors(request.call, refusals)
        return self._envelopes.refused(self._codec, refusals, count=len(asked))

    def _amend(self, request: Request, key: DocumentKey, said: Mapping[str, Any]) -> Answer:
        """Change what the site lets be changed of a document; anything else is refused."""
        books = self._installation.books
        try:
            _check_entity(request.view, key)
            content = books.find(key).content
            changes = {name: value for name, value in said.items() if value != getattr(content, name)}
            frozen = sorted(set(changes) - set(books.policy.amendable_fields))
            if frozen:
                message = f"Document {key} is posted; {frozen[0].replace('_', ' ')} cannot be changed."
                raise refuse(Code.NOT_MODIFIABLE, frozen[0], changes[frozen[0]], message)
            document = books.amend(key, changes, origin=self._origin(request))
        except Refused as refused:
            return self._answer(request, [], {0: refused.errors}, count=1)
        return self._answer(request, [document], {}, count=1)

    def _reverse(self, request: Request, key: DocumentKey, asked: Reversal) -> Answer:
        try:
            _check_entity(request.view, key)
            document = self._installation.books.reverse(key, asked, origin=self._origin(request))
        except Refused as refused:
            return self._answer(request, [], {0: refused.errors}, count=1)
        return self._answer(request, [document], {}, count=1)

    def _save(self, request: Request, asked: Sequence[Any], *, is_update: bool) -> Answer:
        """Store master records; of several all or none."""
        refusals = self._forced_refusals(request.call, len(asked))
        pending: list[Pending] = []
        for position, change in enumerate(asked):
            try:
                pending.append(self._prepare(request.view, change, is_update=is_update))
            except Refused as refused:
                refusals[position] = refused.errors
        if refusals:
            self._note_errors(request.call, refusals)
            return self._envelopes.refused(self._codec, refusals, count=len(asked))
        rows: list[Any] = []
        for change, one in zip(asked, pending, strict=True):
            one.store()
            if isinstance(one.record, Operations):
                rows.append(OperationsRow(change.domain_code, change.customer_code, one.record))
            else:
                rows.append(one.record)
        records = [self._codec.encode(request.view, row) for row in rows]
        request.call.committed = tuple(str(self._codec.key_of(request.view, row)) for row in rows)
        return self._envelopes.saved(self._resource.list_name, records)

    def _prepare(self, view: View, change: Any, *, is_update: bool) -> Pending:
        match change:
            case CustomerChange():
                return prepare_customer(view.master, view.catalogue, change, is_update=is_update)
            case BusinessRelationChange():
                return prepare_business_relation(view.master, change, is_update=is_update)
            case _:
                return prepare_operations(view.catalogue, change)

    def _forced_refusals(self, call: Call, count: int) -> dict[int, tuple[BusinessError, ...]]:
        """Return the business errors that faults put on records."""
        refusals: dict[int, tuple[BusinessError, ...]] = {}
        for position in range(count):
            fault = self._installation.faults.draw(Stage.RECORD, call)
            if fault is not None:
                error = BusinessError(code=fault.code, field=fault.field, message=fault.message)
                refusals[position] = (error,)
        return refusals

    def _answer(
        self,
        request: Request,
        documents: Sequence[Document],
        refusals: Mapping[int, tuple[BusinessError, ...]],
        *,
        count: int,
    ) -> Answer:
        """Answer with what stands in the books and what was refused, and note both."""
        installation, call = self._installation, request.call
        call.committed = tuple(str(one.key) for one in documents)
        late = installation.faults.draw(Stage.COMMIT, call, ("late_visibility",)) if documents else None
        if late is not None:
            for document in documents:
                installation.visibility.hide(document.key, seconds=late.seconds)
        records = [self._codec.encode(request.view, one) for one in documents]
        if refusals:
            self._note_errors(call, refusals)
            return self._envelopes.refused(self._codec, refusals, saved=records, count=count)
        warning = installation.faults.draw(Stage.COMMIT, call, ("warning",))
        warnings = [Warned(code=warning.code, message=warning.message)] if warning else []
        return self._envelopes.saved(self._resource.list_name, records, warnings)

    def _note_errors(self, call: Call, refusals: Mapping[int, tuple[BusinessError, ...]]) -> None:
        codes = self._installation.dialect.codes
        call.errors = tuple(codes.get(one.code, one.code) for found in refusals.values() for one in found)

    def _rows_by_key(self, view: View, key: Mapping[str, Any]) -> Sequence[Any]:
        if self._kind is not None:
            document = view.ledger.documents.get(DocumentKey(**key))
            return [document] if document is not None and document.kind == self._kind else []
        if self._resource.kind == "business_relation":
            relation = view.master.business_relations.get(key["business_relation_code"])
            return [relation] if relation else []
        customer = view.catalogue.customers.get(key["customer_code"])
        if customer is None:
            return []
        if self._resource.kind == "customer":
            return [customer] if key["shared_set_code"] == view.catalogue.shared_set_code else []
        operations = customer.operations.get(key["domain_code"])
        return [OperationsRow(key["domain_code"], customer.customer_code, operations)] if operations else []


def _check_entity(view: View, key: DocumentKey) -> None:
    """Refuse, as unknown, a document of an entity that is not this workspace's."""
    if key.entity_code != view.entity.entity_code:
        raise refuse(Code.NOT_FOUND, "entity_code", key.entity_code, f"Document {key} does not exist.")
