"""Customers, their relations and their domain records: created, read, changed by the hash of what was read."""

import pytest

CUSTOMER = {
    "sharedSetCode": "CORP",
    "customerCode": "C0100",
    "businessRelationCode": "BR.100",
    "isActive": True,
    "currencyCode": "USD",
    "creditTermsCode": "NET30",
    "invoiceStatusCode": "OK",
    "invoiceControlGLProfileCode": "CUSTINV",
    "creditNoteControlGLProfileCode": "CUSTCN",
    "prePaymentControlGLProfileCode": "CUSTPRE",
    "salesAccountGLProfileCode": "SALES",
    "customShort0": "A-00000100",
}
RELATION = {
    "businessRelationCode": "BR.100",
    "name": "Fir Foods Ltd.",
    "addressSearchName": "Fir Foods Ltd.",
    "city": "Leeds",
}


async def test_a_customer_is_made_in_three_steps_and_can_be_used_after_the_last(tenant, invoice_record):
    assert (await tenant.post("customer", CUSTOMER)).codes == {"BUSINESS_RELATION_UNKNOWN"}
    reply = await tenant.post("business_relation", RELATION)
    assert reply.json["businessRelationV2s"][0]["uri"].endswith("IBusinessRelationV2:BR%2E100")
    reply = await tenant.post("customer", CUSTOMER)
    assert reply.json["customerV2s"][0]["uri"] == "urn:be:com.qad.base.customer.ICustomerV2:CORP.C0100"
    record = invoice_record(customerCode="C0100")
    assert (await tenant.post("invoice", record)).codes == {"CUSTOMER_INCOMPLETE"}
    key = {"domainContext": "10USA", "customerCode": "C0100"}
    read = (await tenant.read("operations", **key)).json["data"]["mfgCustomers"][0]
    changed = {**read, "siteCode": "10-1", "daybookSetCode": "ZUORA"}
    assert (await tenant.post("operations", changed, **key)).success
    assert (await tenant.post("invoice", record)).success
    [row] = await tenant.browse("customers", "customerCode,eq,C0100,literal")
    assert (row["name"], row["customShort0"], row["isComplete"]) == ("Fir Foods Ltd.", "A-00000100", True)
    assert [call.committed for call in tenant.control.requests() if call.kind == "customer"][-1] == ("CORP.C0100",)


async def test_a_change_needs_the_hash_of_what_was_read(tenant):
    key = {"sharedSetCode": "CORP", "customerCode": "C0001"}
    read = (await tenant.read("customer", **key)).json["data"]["customerV2s"][0]
    changed = await tenant.post("customer", {**read, "customShort0": "A-1"}, **key)
    assert changed.json["customerV2s"][0]["customShort0"] == "A-1"
    stale = await tenant.post("customer", {**read, "customShort0": "A-2"}, **key)
    assert (stale.codes, stale.errors[0]["fieldName"]) == ({"OPTIMISTIC_LOCK"}, "concurrencyHash")
    fresh = changed.json["customerV2s"][0]["concurrencyHash"]
    partial = {"sharedSetCode": "CORP", "customerCode": "C0001", "isActive": False, "concurrencyHash": fresh}
    reply = await tenant.post("customer", partial, **key)
    assert (reply.json["customerV2s"][0]["isActive"], reply.json["customerV2s"][0]["customShort0"]) == (False, "A-1")


async def test_what_is_there_is_not_created_and_what_is_not_there_not_changed(tenant):
    reply = await tenant.post("customer", {**CUSTOMER, "customerCode": "C0001"})
    assert "already exists" in reply.errors[0]["message"]
    missing = {"sharedSetCode": "CORP", "customerCode": "C0777"}
    assert (await tenant.post("customer", CUSTOMER | missing, **missing)).codes == {"NOT_FOUND"}
    assert (await tenant.read("customer", **missing)).json == {"data": {"customerV2s": []}}
    assert (await tenant.read("customer", customerCode="C0001")).status == 400
    other_set = await tenant.read("customer", sharedSetCode="OTHER", customerCode="C0001")
    assert other_set.json == {"data": {"customerV2s": []}}
    nowhere = {"domainContext": "99", "customerCode": "C0001"}
    assert (await tenant.post("operations", nowhere, **nowhere)).codes == {"NOT_FOUND"}


async def test_a_blank_code_is_numbered(tenant):
    await tenant.post("business_relation", RELATION)
    reply = await tenant.post("customer", {**CUSTOMER, "customerCode": ""})
    assert reply.json["customerV2s"][0]["customerCode"] == "00000006"


@pytest.mark.parametrize(
    ("changes", "codes", "field"),
    [
        ({"customerCode": "C00000100"}, {"47"}, "CustomerCode"),
        ({"customShort0": "x" * 21}, {"47"}, "CustomShort0"),
        ({"currencyCode": "XXX"}, {"CURRENCY_UNKNOWN"}, "currencyCode"),
        ({"creditTermsCode": "NET99"}, {"CREDIT_TERMS_UNKNOWN"}, "creditTermsCode"),
        ({"invoiceControlGLProfileCode": "X"}, {"PROFILE_UNKNOWN"}, "invoiceControlGLProfileCode"),
        ({"salesAccountGLProfileCode": ""}, {"FIELD_REQUIRED"}, "salesAccountGLProfileCode"),
    ],
)
async def test_customers_that_are_refused(tenant, changes, codes, field):
    await tenant.post("business_relation", RELATION)
    reply = await tenant.post("customer", CUSTOMER | changes)
    assert (reply.codes, reply.errors[0]["fieldName"]) == (codes, field)
    assert len(await tenant.browse("customers")) == 5


async def test_a_search_name_has_28_characters_at_most(tenant):
    reply = await tenant.post("business_relation", {**RELATION, "addressSearchName": "x" * 29})
    assert reply.errors == [
        {
            "fieldName": "AddressSearchName",
            "message": "Field length should be less than 29.",
            "fieldValue": "x" * 29,
            "code": "47",
        }
    ]


async def test_several_records_are_stored_together_or_not_at_all(tenant):
    await tenant.post("business_relation", RELATION)
    reply = await tenant.post("customer", CUSTOMER, {**CUSTOMER, "customerCode": "C0101", "currencyCode": "XXX"})
    assert [error["recordIndex"] for error in reply.errors] == [1]
    assert len(await tenant.browse("customers")) == 5
