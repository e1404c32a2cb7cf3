"""QXtend inbound: recognises who calls and what, and lets the books judge it; both surfaces show one company.

Form and session are refused by a SOAP fault before anything is processed; what the books refuse is `result` error
with its exceptions. success and warning both mean that it was stored.
"""

from collections.abc import Sequence

from sandbox.qad.books.documents import Content, Origin
from sandbox.qad.books.errors import BusinessError, Refused
from sandbox.qad.calls import Call
from sandbox.qad.faults import Stage
from sandbox.qad.installation import Installation
from sandbox.qad.qxtend.datasets import DatasetCodec
from sandbox.qad.qxtend.messages import QDoc, Said, SoapFault, api_named, fault, read_qdoc, response
from sandbox.qad.qxtend.spelling import Api, Qxtend
from sandbox.qad.wire.columns import View
from sandbox.qad.wire.envelopes import Answer
from sandbox.qad.wire.resources import Operation
from sandbox.qad.world import User

_ACTIONS = ("save", "store", "validate", "savestore")
_SEVERITY_OF_WARNINGS = "4"


class QdocService:
    """Serves the calls of one inbound service."""

    def __init__(self, installation: Installation, spelling: Qxtend) -> None:
        self.spelling = spelling
        self._installation = installation
        self._codecs = {api.name: DatasetCodec(api) for api in spelling.apis}

    def kind_of(self, body: bytes) -> str:
        """Return the kind that a message is about, unknown where it cannot be told."""
        api = self.spelling.api_of(api_named(body))
        return api.kind if api else "unknown"

    def take(self, call: Call, body: bytes) -> Operation | Answer:
        """Judge the form of a call; return what it would do, or the fault that turns it away."""
        try:
            qdoc = read_qdoc(body)
            api = self._known(qdoc)
            call.api = api.name
            user, view = self._admit(call, qdoc, api)
            codec = self._codecs[api.name]
            self._note_unknown(call, codec.unknown_fields(qdoc.rows))
            origin = Origin(user.name, self._installation.clock.now())
            try:
                asked = codec.decode(qdoc.rows, is_raw=qdoc.context.get("mnemonicsRaw") == "true")
            except Refused as refused:
                # The closure outlives the name of the exception.
                errors = refused.errors
                return lambda: self._refuse(call, qdoc, codec, errors)
        except SoapFault as told:
            return fault(told.code, str(told))
        call.references = (asked.custom_short_0,)
        action = qdoc.info.get("tcAction", "save")
        if action == "validate":
            return lambda: self._validate(call, qdoc, codec, view, asked, origin)
        if action == "store":
            return lambda: self._store(asked, qdoc)
        return lambda: self._book(call, qdoc, api, codec, view, asked, origin)

    def _known(self, qdoc: QDoc) -> Api:
        spelling = self.spelling
        if qdoc.receiver != spelling.receiver:
            raise SoapFault("Client", f"Receiver {qdoc.receiver} is not known.")
        api = spelling.api_of(qdoc.api)
        if api is None or qdoc.root != api.root:
            raise SoapFault("Client", f"There is no API {qdoc.api} over {qdoc.root}.")
        if qdoc.context["version"] != spelling.version:
            raise SoapFault("Client", f"API {qdoc.api} has no version {qdoc.context['version']}.")
        if qdoc.info.get("tcAction", "save") not in _ACTIONS or qdoc.info.get("tcActivityCode") != "Create":
            raise SoapFault("Client", f"{qdoc.api} does not know this action or activity.")
        return api

    def _admit(self, call: Call, qdoc: QDoc, api: Api) -> tuple[User, View]:
        installation, context = self._installation, qdoc.context
        user = installation.user_of(context.get("username", ""), context.get("password", ""))
        if user is None:
            raise SoapFault("Client", "The user name or the password is wrong.")
        entity = qdoc.info.get("tcCompanyCode") or context.get("entity", "")
        call.user, call.workspace = user.name, f"{context['domain']}_{entity}"
        if not installation.may_enter(user, call.workspace):
            raise SoapFault("Client", f"User {user.name} may not work in {call.workspace}.")
        if {"*", api.kind} & set(user.denied):
            raise SoapFault("Client", f"User {user.name} may not call {api.name}.")
        return user, installation.views[call.workspace]

    def _note_unknown(self, call: Call, unknown: Sequence[str]) -> None:
        call.ignored_fields = tuple(unknown)
        if unknown and self._installation.settings.calls.refuses_unknown_fields:
            raise SoapFault("Client", f"Element {unknown[0]} is not known.")

    def _book(
        self, call: Call, qdoc: QDoc, api: Api, codec: DatasetCodec, view: View, asked: Content, origin: Origin
    ) -> Answer:
        installation = self._installation
        if forced := installation.faults.draw(Stage.RECORD, call):
            error = BusinessError(code=forced.code, field=forced.field, message=forced.message)
            return self._refuse(call, qdoc, codec, (error,))
        booked = installation.books.post(view.entity.entity_code, [asked], origin=origin)
        if booked.refusals:
            return self._refuse(call, qdoc, codec, booked.refusals[0])
        [document] = booked.documents
        call.committed = (str(document.key),)
        if late := installation.faults.draw(Stage.COMMIT, call, ("late_visibility",)):
            installation.visibility.hide(document.key, seconds=late.seconds)
        warning = installation.faults.draw(Stage.COMMIT, call, ("warning",))
        said = [Said(warning.code, warning.message, _SEVERITY_OF_WARNINGS)] if warning else []
        return response(
            qdoc.api,
            "warning" if said else "success",
            said,
            root=api.root if qdoc.wants_detail else "",
            tables=codec.encode(view, document),
        )

    def _validate(
        self, call: Call, qdoc: QDoc, codec: DatasetCodec, view: View, asked: Content, origin: Origin
    ) -> Answer:
        errors = self._installation.books.judge(view.entity.entity_code, asked, origin=origin)
        return self._refuse(call, qdoc, codec, errors) if errors else response(qdoc.api, "success")

    def _store(self, asked: Content, qdoc: QDoc) -> Answer:
        """Keep a draft: it is in no book, and has no voucher."""
        self._installation.drafts.append(asked)
        return response(qdoc.api, "success")

    def _refuse(self, call: Call, qdoc: QDoc, codec: DatasetCodec, errors: Sequence[BusinessError]) -> Answer:
        codes = self._installation.dialect.codes
        said = [
            Said(codes.get(one.code, one.code), one.message, field=codec.element(one.field), data=one.value)
            for one in errors
        ]
        call.errors = tuple(one.number for one in said)
        return response(qdoc.api, "error", said)
