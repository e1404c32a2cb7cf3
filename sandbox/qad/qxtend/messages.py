"""SOAP messages: an envelope in, a response or a fault out. A document type, and so any entity, is refused."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, register_namespace, tostring
from xml.parsers import expat

from sandbox.qad.wire.envelopes import Answer

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSA = "http://www.w3.org/2005/08/addressing"
QDOC = "urn:schemas-qad-com:xml-services"
COMMON = "urn:schemas-qad-com:xml-services:common"
ADDRESS = "urn:services-qad-com:"

_MANDATORY = ("domain", "scopeTransaction", "version")

for _prefix, _uri in (("soapenv", SOAP), ("wsa", WSA), ("qcom", COMMON)):
    register_namespace(_prefix, _uri)


class SoapFault(Exception):
    """The message is refused before anything is processed.

    Attributes:
        code: Client or Server.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Row(NamedTuple):
    """One row of a table, as it came."""

    table: str
    rowid: str
    parent: str
    said: dict[str, str]


class QDoc(NamedTuple):
    """A call.

    Attributes:
        api: its element in the body.
        receiver: to whom it goes.
        wants_detail: the answer is to carry the dataset.
        context: properties of the session.
        root: the component's element.
        info: tContextInfo.
        rows: of all tables, in order.
    """

    api: str
    receiver: str
    wants_detail: bool
    context: dict[str, str]
    root: str
    info: dict[str, str]
    rows: list[Row]


class Said(NamedTuple):
    """One message of temp_err_msg."""

    number: str
    text: str
    severity: str = "1"
    field: str = ""
    data: str = ""


def api_named(body: bytes) -> str:
    """Return the API that a message calls, blank where it cannot be told."""
    try:
        return _local(_only(_only_named(_parse(body), SOAP, "Body")))
    except SoapFault:
        return ""


def read_qdoc(body: bytes) -> QDoc:
    """Read a call.

    Raises:
        SoapFault: It is none.
    """
    envelope = _parse(body)
    if envelope.tag != f"{{{SOAP}}}Envelope":
        raise SoapFault("Client", "The message is no SOAP 1.1 envelope.")
    header = _only_named(envelope, SOAP, "Header")
    to = (header.findtext(f"{{{WSA}}}To") or "").strip()
    if not to.startswith(ADDRESS) or to == ADDRESS:
        raise SoapFault("Client", "The header names no receiver in wsa:To.")
    suppressed = header.findtext(f"{{{WSA}}}ReferenceParameters/{{{COMMON}}}suppressResponseDetail")
    call = _only(_only_named(envelope, SOAP, "Body"))
    if not call.tag.startswith(f"{{{QDOC}}}"):
        raise SoapFault("Client", f"{_local(call)} stands in no known namespace.")
    context = dict(_context(_only_named(call, COMMON, "dsSessionContext")))
    missing = [name for name in _MANDATORY if not context.get(name)]
    if missing:
        raise SoapFault("Client", f"The session context lacks {', '.join(missing)}.")
    datasets = [child for child in call if child.tag.startswith(f"{{{QDOC}}}")]
    if len(datasets) != 1:
        raise SoapFault("Client", "The call carries no dataset, or several.")
    info: dict[str, str] = {}
    rows: list[Row] = []
    for child in datasets[0]:
        said = {_local(field): field.text or "" for field in child}
        if _local(child) == "tContextInfo":
            info = said
        else:
            rows.append(Row(_local(child), said.pop("tc_Rowid", ""), said.pop("tc_ParentRowid", ""), said))
    return QDoc(
        api=_local(call),
        receiver=to.removeprefix(ADDRESS),
        wants_detail=(suppressed or "false").strip() != "true",
        context=context,
        root=_local(datasets[0]),
        info=info,
        rows=rows,
    )


def response(
    api: str,
    result: str,
    said: Sequence[Said] = (),
    *,
    root: str = "",
    tables: Sequence[tuple[str, Mapping[str, Any]]] = (),
) -> Answer:
    """Answer a call: what became of it, what is said of it, and the dataset where it is wanted."""
    envelope = Element(f"{{{SOAP}}}Envelope")
    answer = SubElement(SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{QDOC}}}{api}Response")
    SubElement(answer, f"{{{QDOC}}}result").text = result
    if root:
        dataset = SubElement(answer, f"{{{QDOC}}}{root}")
        for rowid, (table, fields) in enumerate(tables, 1):
            row = SubElement(dataset, f"{{{QDOC}}}{table}")
            for name, value in {**fields, "tc_Rowid": rowid}.items():
                SubElement(row, f"{{{QDOC}}}{name}").text = _text(value)
    if said:
        exceptions = SubElement(answer, f"{{{COMMON}}}dsExceptions")
        for one in said:
            message = SubElement(exceptions, f"{{{COMMON}}}temp_err_msg")
            for name, text in (
                ("tt_msg_nbr", one.number),
                ("tt_msg_desc", one.text),
                ("tt_msg_sev", one.severity),
                ("tt_msg_field", one.field),
                ("tt_msg_data", one.data),
            ):
                SubElement(message, f"{{{COMMON}}}{name}").text = text
    return Answer(200, _written(envelope), content_type="text/xml")


def fault(code: str, text: str) -> Answer:
    """Answer a fault: SOAP 1.1 sends it with HTTP 500."""
    envelope = Element(f"{{{SOAP}}}Envelope")
    told = SubElement(SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{SOAP}}}Fault")
    SubElement(told, "faultcode").text = f"soapenv:{code}"
    SubElement(told, "faultstring").text = text
    return Answer(500, _written(envelope), content_type="text/xml")


class WebServer:
    """What the web server before QXtend says for itself: pages."""

    def gateway(
        self, status: int, message: str, *, field: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Answer that the call did not reach QXtend at all."""
        page = f"<html><head><title>{status}</title></head><body><h1>HTTP Status {status}</h1>{message}</body></html>"
        return Answer(status, page.encode(), content_type="text/html", headers=headers or {})


def _parse(body: bytes) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")

    def refuse(*_: object) -> None:
        raise SoapFault("Client", "A document type is not taken.")

    parser.StartElementHandler = lambda name, attributes: builder.start(_qualified(name), attributes)
    parser.EndElementHandler = lambda name: builder.end(_qualified(name))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise SoapFault("Client", f"The message is no XML: {error}.") from None
    return builder.close()


def _qualified(name: str) -> str:
    return f"{{{name}" if "}" in name else name


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _only_named(parent: Element, namespace: str, name: str) -> Element:
    found = parent.findall(f"{{{namespace}}}{name}")
    if len(found) != 1:
        raise SoapFault("Client", f"{_local(parent)} holds no {name}, or several.")
    return found[0]


def _only(parent: Element) -> Element:
    if len(parent) != 1:
        raise SoapFault("Client", f"{_local(parent)} holds {len(parent)} elements, not one.")
    return parent[0]


def _context(dataset: Element) -> Iterator[tuple[str, str]]:
    for row in dataset.findall(f"{{{COMMON}}}ttContext"):
        if row.findtext(f"{{{COMMON}}}propertyQualifier") == "QAD":
            name, value = (row.findtext(f"{{{COMMON}}}{part}") or "" for part in ("propertyName", "propertyValue"))
            yield name, value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _written(envelope: Element) -> bytes:
    text: bytes = tostring(envelope, encoding="utf-8", xml_declaration=True)
    return text
