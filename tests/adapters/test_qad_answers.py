"""What QAD's bytes mean after a posting: a yes with a key, a no with a class, or neither; and only that."""

import msgspec
import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.answers import read_object
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.asking.scrubbing import scrubbed
from adapters.qad.places import below, put
from adapters.qad.profiles.refusals import ErrorClass
from adapters.qad.rest.port import RestQad
from schemas.errors import ConnectorError, OutcomeUnknown, Overloaded, Refused, Rejected, Transient
from schemas.outcomes import Document
from tests.adapters.qad_company import DIALECTS, post, qad_company
from tests.adapters.strange import Told
from tests.loopback import LOOPBACK

STORED = {"postingYear": 2026, "daybookCode": "ZINV", "voucher": 7}
# Longer than anything that an ERP says to a person.
LONG = 100_000


@pytest.fixture(params=DIALECTS)
async def answered(request, strange, tmp_path):
    """Post an invoice that is answered with these bytes, or with this in the words of each dialect."""
    async with qad_company(tmp_path, request.param) as qad:
        known, command = qad.profile(), qad.invoice()
    strange.tell(known.auth.path, Told(b'{"access_token": "t", "expires_in": 3600}'))

    async def answer(body, *, status=200, content_type="application/json", **changes):
        said = read_object(body) if isinstance(body, bytes) else body
        if said is not None:
            body = msgspec.json.encode(spoken(said, known))
        strange.tell(known.documents["invoice"].path, Told(body, status=status, content_type=content_type))
        profile = msgspec.structs.replace(known, base_url=strange.url, **changes)
        async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
            return await post(RestQad(client, profile), command)

    return answer


def spoken(body, profile):
    """Say in a profile's words what is said in the house's."""
    said, envelope, invoice = {}, profile.envelope, profile.documents["invoice"]
    for name, value in body.items():
        if name == "submitResult":
            put(said, envelope.success.partition(".")[0], {} if isinstance(value, dict) else value)
            for word, there in value.items() if isinstance(value, dict) else ():
                if word == "success":
                    put(said, envelope.success, {True: envelope.yes[0], False: envelope.no[0]}.get(there, there))
                else:
                    put(said, envelope.errors, [_error(one, envelope) for one in there])
        elif name == "errors":
            put(said, envelope.gateway_errors, [_error(one, envelope) for one in value])
        elif name == "supplementaryMessages":
            put(said, envelope.warnings, [_error(one, envelope) for one in value])
        elif name == "customerInvoices":
            records = [_record(one, invoice.key) for one in value] if isinstance(value, list) else value
            put(said, below(envelope.records, invoice.list), records)
        else:
            said[name] = value
    return said


def _error(one, envelope):
    names = {
        "code": envelope.code,
        "fieldName": envelope.field,
        "fieldValue": envelope.value,
        "message": envelope.message,
    }
    return {names.get(name, name): value for name, value in one.items()} if isinstance(one, dict) else one


def _record(one, key):
    places = {"postingYear": key.year, "daybookCode": key.daybook, "voucher": key.voucher}
    if not isinstance(one, dict):
        return one
    record = {}
    for name, value in one.items():
        put(record, places.get(name, name), value)
    return record


def refused(*errors, where="submitResult"):
    return {where: {"success": False, "errors": list(errors)}} if where == "submitResult" else {"errors": list(errors)}


def error(code="X", field="f", message="m"):
    return {"code": code, "fieldName": field, "message": message, "fieldValue": "canary-value"}


# -- yes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"submitResult": {"success": True}, "customerInvoices": [STORED]},
        {"customerInvoices": [STORED]},
        {"submitResult": {"success": True}, "customerInvoices": [{**STORED, "voucher": "7", "postingYear": "2026"}]},
        {
            "submitResult": {"success": True, "errors": []},
            "customerInvoices": [STORED],
            "priceListConfs": [{"messageText": "x"}],
        },
    ],
)
@pytest.mark.parametrize("status", [200, 201])
async def test_a_yes_names_the_document(answered, body, status):
    accepted = await answered(body, status=status)
    assert accepted.document == Document(year=2026, daybook="ZINV", voucher=7)


async def test_a_yes_may_come_with_words(answered):
    body = {
        "submitResult": {"success": True},
        "customerInvoices": [STORED],
        "supplementaryMessages": [{"message": "one"}, "two", {"code": "3"}],
    }
    accepted = await answered(body)
    assert accepted.warnings[:2] == ("one", "two")
    assert len(accepted.warnings) == 3


# -- neither ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"", 204),
        (b"null", 200),
        (b"[]", 200),
        (b"true", 200),
        (b"{}", 200),
        (b"<html></html>", 200),
        (b'{"submitResult": {"success": true}, "customerInvoices": [{"postingY', 200),
        (b"[" * LONG, 200),
        (b'{"total": 1e99999999999999999999}', 200),
        (b'{"submitResult": {"success": false}, "total": 1e99999999999999999999}', 200),
        (b'{"submitResult": {"success": true}}', 200),
        (b'{"submitResult": {"success": true}, "customerInvoices": []}', 200),
        (b'{"submitResult": {"success": true}, "customerInvoices": null}', 200),
        (b'{"submitResult": {"success": true}, "customerInvoices": [null]}', 200),
        (b'{"submitResult": {"success": true}, "customerInvoices": {"voucher": 7}}', 200),
        (b'{"submitResult": {"success": true}, "customerInvoices": [{"voucher": 7}]}', 200),
        (b'{"submitResult": {"success": true}, "customerInvoices": [{"postingYear": "x"}]}', 200),
        (b'{"submitResult": {"success": null}}', 200),
        (b'{"submitResult": {}}', 200),
        (b'{"submitResult": "success"}', 200),
        (b'{"submitResult": {"success": "true"}}', 200),
        (b'{"errors": []}', 200),
        (b'{"data": {"customerInvoices": []}}', 200),
        (b'{"submitResult": {"success": true}, "customerInvoices": [{}]}', 500),
        (msgspec.json.encode({"submitResult": {"success": True}, "customerInvoices": [STORED]}), 500),
        (msgspec.json.encode({"customerInvoices": [STORED]}), 400),
        (b"bad gateway", 502),
        (b"", 504),
        (b"{}", 408),
        (b"not found", 410),
    ],
)
async def test_what_is_neither_yes_nor_no_is_unknown(answered, body, status):
    with pytest.raises(OutcomeUnknown):
        await answered(body, status=status)


async def test_an_answer_in_another_encoding_is_unknown(answered):
    body = {"submitResult": {"success": True}, "customerInvoices": [{**STORED, "description": "Gebühr"}]}
    with pytest.raises(OutcomeUnknown):
        await answered(msgspec.json.encode(body).decode().encode("latin-1"))


async def test_an_echo_beside_errors_is_a_no(answered):
    echo = {"customerInvoices": [{**STORED, "voucher": 0}], "errors": [error("403", message="Access is denied")]}
    with pytest.raises(Refused, match="Give the service user a role"):
        await answered(echo)


async def test_a_document_with_its_key_beside_errors_is_neither_yes_nor_no(answered):
    """Was it made before the error, or is it somebody else's? QAD is asked, and nothing is sent before."""
    with pytest.raises(OutcomeUnknown):
        await answered({"customerInvoices": [STORED], "errors": [error("403", message="Access is denied")]})


async def test_a_voucher_that_was_not_assigned_names_no_document(answered):
    with pytest.raises(OutcomeUnknown):
        await answered({"submitResult": {"success": True}, "customerInvoices": [{**STORED, "voucher": 0}]})


CLOSED = (ErrorClass(means="period_closed", codes=("PERIOD_CLOSED",)),)

# -- no --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["submitResult", "bare"])
@pytest.mark.parametrize("status", [200, 400, 422])
async def test_both_envelopes_say_no_alike(answered, where, status):
    with pytest.raises(Rejected) as rejected:
        await answered(
            refused(error("PERIOD_CLOSED", "postingDate", "closed"), where=where), status=status, errors=CLOSED
        )
    assert rejected.value.reason_class == "period_closed"
    assert rejected.value.messages == ("closed [PERIOD_CLOSED]",)
    assert rejected.value.fields == ("postingDate",)
    assert "canary-value" not in str(rejected.value)


CLASSES = (
    ErrorClass(means="customer", codes=("4711",), fields=("CustomerCode",), words=("debtor",)),
    ErrorClass(means="gl_account", codes=("4712",), words=("account",)),
    ErrorClass(means="transient", words=("locked by",)),
    ErrorClass(means="changed_meanwhile", codes=("C",)),
)


@pytest.mark.parametrize(
    ("errors", "reason_class"),
    [
        ([error("4711")], "customer"),
        # A code that tells goes before fields and words that seem to.
        ([error("4712", "customerCode", "the debtor")], "gl_account"),
        ([error("1", "CUSTOMERCODE")], "customer"),
        ([error("", "", "The Debtor is unknown")], "customer"),
        ([error("1", "x", "GL ACCOUNT is inactive")], "gl_account"),
        # Of several the first that fits, whatever comes behind ...
        ([error("4711"), error("4712")], "customer"),
        # ... unless one is not known at all.
        ([error("4711"), error("1")], "unclassified"),
        ([error("1"), error("4711")], "unclassified"),
        ([error("", "", "The record is locked by mfg"), error("4711")], "customer"),
        # What passes by itself, tried a few times, goes behind what lasts, in whatever order they come.
        ([error("C"), error("4711")], "customer"),
        ([error("4711"), error("C")], "customer"),
        ([error("", "", "The record is locked by mfg"), error("1")], "unclassified"),
        ([], "unclassified"),
        ([{}], "unclassified"),
        ([None, "x"], "unclassified"),
    ],
)
async def test_a_refusal_is_sorted_by_code_then_field_then_words(answered, errors, reason_class):
    with pytest.raises(Rejected) as rejected:
        await answered(refused(*errors), errors=CLASSES)
    assert rejected.value.reason_class == reason_class


async def test_only_a_refusal_that_is_transient_throughout_is_tried_again(answered):
    with pytest.raises(Transient):
        await answered(refused(error("", "", "locked by a"), error("", "", "locked by b")), errors=CLASSES)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html></html>", msgspec.json.encode(refused(error(), where="bare"))])
@pytest.mark.parametrize(("status", "family"), [(403, Refused), (404, Refused), (405, Refused), (429, Overloaded)])
async def test_what_was_not_let_in_needs_no_words(answered, body, status, family):
    with pytest.raises(ConnectorError) as raised:
        await answered(body, status=status)
    assert type(raised.value) is family


@pytest.mark.parametrize("voucher", [0, "0", -7, True, 7.5, "7e3", "7" * 10, None, [7], ""])
async def test_what_is_no_voucher_names_no_document(answered, voucher):
    with pytest.raises(OutcomeUnknown):
        await answered({"submitResult": {"success": True}, "customerInvoices": [{**STORED, "voucher": voucher}]})


async def test_a_message_is_one_line_and_there_are_not_too_many(answered):
    many = [error("4711", message="first\nsecond\r\n  third\u2028fourth")] * 500
    with pytest.raises(Rejected) as rejected:
        await answered(refused(*many))
    assert rejected.value.messages[0] == "first second third fourth [4711]"
    assert len(rejected.value.messages) == len(rejected.value.fields) == 20


async def test_words_are_looked_for_in_the_whole_of_a_message(answered):
    with pytest.raises(Rejected) as rejected:
        await answered(refused(error("", "", "x" * LONG + " debtor")), errors=CLASSES)
    assert rejected.value.reason_class == "customer"


async def test_confirmations_are_kept_beside_a_yes(answered):
    body = {
        "submitResult": {"success": True},
        "customerInvoices": [STORED],
        "priceListConfs": [{"messageText": "a confirmation"}],
        "supplementaryMessages": [{"message": "a warning"}],
    }
    assert sorted((await answered(body)).warnings) == ["a confirmation", "a warning"]


# -- what is kept of it ----------------------------------------------------------------------------------------------


async def test_what_came_in_the_place_of_an_answer_is_kept(answered):
    with pytest.raises(OutcomeUnknown) as unknown:
        await answered(b"<html><script>var x</script><title>Sign in</title>Your session ended</html>")
    assert unknown.value.answer.endswith("Sign in Your session ended")
    assert "var x" not in unknown.value.answer


async def test_the_whole_of_a_refusal_is_kept_without_what_is_a_persons(answered):
    body = {**refused(error("4711", "customerCode", "unknown")), "customerInvoices": [{"name": "Jane Doe", "total": 7}]}
    with pytest.raises(Rejected) as rejected:
        await answered(body)
    for kept in ("unknown", "customerCode", "4711", '"total":7', '"name":"(8 characters)"'):
        assert kept in rejected.value.answer
    assert not {"Jane", "canary-value"} & set(rejected.value.answer.replace('"', " ").split())


@pytest.mark.parametrize(
    "body",
    [
        b"<p>Bearer canary-bearer</p>",
        b'{"message": "your access_token=canary-token is old"}',
        b"<p>token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.canary</p>",
        b"JSESSIONID: canary",
        b"<p>write to canary@example.com</p>",
        b'{"access_token": "canary"}',
        b'{"submitResult": {"success": true}, "customerInvoices": [{"name": "canary',
        b"<p>canary-secret-of-ours</p>",
        b"<p>canary-secret%26of-ours</p>",
    ],
)
def test_nothing_secret_is_kept_of_an_answer(body):
    kept = scrubbed(200, body, secrets=("canary-secret-of-ours", "canary-secret&of-ours"))
    assert kept.startswith(f"HTTP 200, {len(body)} bytes")
    assert "canary" not in kept


def test_what_is_kept_is_short():
    assert len(scrubbed(200, msgspec.json.encode([{"message": "x" * LONG}] * 50))) < 2_100
    assert len(scrubbed(200, b"x" * LONG)) < 400
    assert len(scrubbed(200, b"[" * LONG)) < 100
    assert scrubbed(204, b"") == "HTTP 204, 0 bytes"


async def test_warnings_are_cut_like_complaints(answered):
    words = [{"message": "x" * LONG}] * 100
    body = {"submitResult": {"success": True}, "customerInvoices": [STORED], "supplementaryMessages": words}
    assert sum(len(warning) for warning in (await answered(body)).warnings) < LONG / 10


async def test_a_message_is_cut_to_what_a_person_reads(answered):
    with pytest.raises(Rejected) as rejected:
        await answered(refused(error("4711", message="x" * LONG)))
    assert sum(len(message) for message in rejected.value.messages) < LONG / 10
