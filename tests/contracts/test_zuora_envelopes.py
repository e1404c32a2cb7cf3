"""The envelopes in which the stand-in for Zuora refuses, and those of writes.

The contract knows few of them, some in another form than the wire has: they are listed here as the API reference and
public clients show them.
"""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sandbox.zuora import Fault, Sandbox, Settings
from sandbox.zuora.acts import NewAccount
from tests.contracts.contract import check, schema_name
from tests.contracts.full_tenant import serving, world_of


def exactly(required: str, optional: str = "", **types: Any) -> dict[str, Any]:
    """Return the schema of an object with these keys and no others."""
    names = [*required.split(), *optional.split()]
    properties = {name: types.get(name, {"type": "string", "minLength": 1}) for name in names}
    return {"type": "object", "required": required.split(), "properties": properties, "additionalProperties": False}


CODE_AND_MESSAGE = exactly("code message", code={"type": ["integer", "string"]})
REASONS = {"type": "array", "minItems": 1, "items": CODE_AND_MESSAGE}
FALSE = {"const": False}
ENVELOPES = {
    "v1": exactly("success processId reasons requestId", success=FALSE, reasons=REASONS),
    "object query": exactly("reasons requestId", reasons=REASONS),
    "rate": exactly("reasons", reasons=REASONS),
    "fault": exactly("FaultCode FaultMessage"),
    "message": exactly("message"),
    "code": CODE_AND_MESSAGE,
}
RESULTS = {
    "type": "array",
    "items": {
        "oneOf": [
            exactly("Success Id", Success={"const": True}),
            exactly(
                "Success Errors",
                Success=FALSE,
                Errors={"type": "array", "minItems": 1, "items": exactly("Code Message")},
            ),
        ]
    },
}
TOKEN_FORM = {"client_id": "0" * 36, "client_secret": "x", "grant_type": "client_credentials"}
QUERY, INVOICE, UPDATE = "/object-query/invoices", "/v1/invoices/INV00000001", "/v1/action/update"


@pytest.mark.parametrize(
    ("method", "path", "keywords", "fault", "status", "envelope"),
    [
        ("get", "/v1/invoices/none", {}, None, 200, "v1"),
        ("get", "/v1/nothing", {}, None, 404, "v1"),
        ("delete", INVOICE, {}, None, 405, "v1"),
        ("put", INVOICE, {}, None, 415, "v1"),
        ("put", INVOICE, {"data": b"{"}, None, 400, "v1"),
        ("get", "/v1/accounting-codes?page=2", {}, None, 400, "v1"),
        ("get", INVOICE, {}, "unauthorized", 401, "v1"),
        ("get", INVOICE, {}, "http_500", 500, "v1"),
        ("get", INVOICE, {}, "success_false", 200, "v1"),
        ("get", INVOICE, {}, "too_many_concurrent", 429, "v1"),
        ("get", INVOICE, {}, "too_many_requests", 429, "rate"),
        ("get", f"{QUERY}/none", {}, None, 404, "object query"),
        ("get", "/object-query/nothing", {}, None, 404, "object query"),
        ("get", f"{QUERY}?filter[]=x", {}, None, 400, "object query"),
        ("get", f"{QUERY}?pageSize=100", {}, None, 400, "object query"),
        ("post", QUERY, {}, None, 405, "object query"),
        ("get", QUERY, {}, "unauthorized", 401, "object query"),
        ("get", QUERY, {}, "http_500", 500, "object query"),
        ("get", QUERY, {}, "too_many_concurrent", 429, "object query"),
        ("post", UPDATE, {"json": {"type": "Nothing", "objects": []}}, None, 400, "fault"),
        ("post", UPDATE, {"data": b"{"}, None, 400, "fault"),
        ("post", UPDATE, {}, "unauthorized", 401, "message"),
        ("post", UPDATE, {}, "http_500", 500, "code"),
        ("post", "/oauth/token", {"data": {**TOKEN_FORM, "grant_type": "password"}}, None, 400, "code"),
        ("post", "/oauth/token", {"data": TOKEN_FORM}, None, 401, "message"),
        ("get", "/elsewhere", {}, None, 404, "message"),
    ],
)
async def test_each_refusal_has_the_envelope_of_its_family(*, method, path, keywords, fault, status, envelope):
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings()))
    async with serving(sandbox) as client:
        if path == "/oauth/token":
            del client.headers["Authorization"]
        if fault:
            sandbox.faults.arm(Fault(name=fault))
        got, content_type, body = await client.send(path, method=method, **keywords)
    assert (got, content_type) == (status, "application/json")
    Draft202012Validator(ENVELOPES[envelope]).validate(body)


@pytest.mark.parametrize(
    ("method", "path", "template", "keywords", "status", "schema"),
    [
        ("get", f"{QUERY}?filter[]=x", "/object-query/invoices", {}, 400, "CommonOQErrorResponse"),
        ("put", INVOICE, "/v1/invoices/{invoiceKey}", {"data": b"{"}, 400, "CommonResponse"),
        ("post", UPDATE, "/v1/action/update", {"json": {"type": "Nothing"}}, 400, "FaultResponse"),
        ("post", "/oauth/token", "/oauth/token", {"data": TOKEN_FORM}, 401, "ProxyUnauthorizedResponse"),
    ],
)
async def test_refusals_that_the_contract_knows_keep_to_it(*, method, path, template, keywords, status, schema):
    # The contract has codes as strings; the wire has them as numbers too, which is a switch.
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings(error_codes="text")))
    async with serving(sandbox) as client:
        if path == "/oauth/token":
            del client.headers["Authorization"]
        got, _, body = await client.send(path, method=method, **keywords)
    assert got == status
    assert schema_name(template, method, status) == schema
    check(body, schema)


@pytest.mark.parametrize(("tail", "wrong"), [("", {"queryString": "select"}), ("More", {"queryLocator": "none"})])
async def test_a_query_that_cannot_be_answered_is_refused_in_the_envelope_of_actions(tail, wrong):
    path = "/v1/action/query" + tail
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings(invoice_settlement=False)))
    async with serving(sandbox) as client:
        status, _, refused = await client.send(path, method="post", json=wrong)
    assert status == 400
    check(refused, schema_name(path, "post", status))
    Draft202012Validator(ENVELOPES["fault"]).validate(refused)


async def test_results_of_an_update_are_a_bare_array():
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings()))
    async with serving(sandbox) as client:
        account = sandbox.tenant.accounts.find("A-00000001").id
        objects = [{"Id": account, "Notes": "n"}, {"Id": "none"}, {}]
        status, _, body = await client.send(UPDATE, method="post", json={"type": "Account", "objects": objects})
    assert status == 200
    Draft202012Validator(RESULTS).validate(body)
    assert [result["Success"] for result in body] == [True, False, False]


async def test_html_of_the_gateway_is_no_json():
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings()))
    async with serving(sandbox) as client:
        sandbox.faults.arm(Fault(name="http_503", status=502))
        status, content_type, body = await client.send(QUERY)
    assert (status, content_type) == (502, "text/html")
    assert body.startswith("<html>")
