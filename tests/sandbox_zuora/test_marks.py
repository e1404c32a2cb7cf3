"""Writes: PUT of marks, action/update, idempotency keys, and that every write moves the update stamp."""

import asyncio

import aiohttp
import pytest

from sandbox.zuora import Fault
from sandbox.zuora.acts import NewCreditMemo, NewItem, NewPayment, create_credit_memo, create_payment


def key(value):
    return {"Idempotency-Key": value}


async def test_a_put_marks_and_moves_the_stamp(zuora):
    invoice = zuora.posted()
    zuora.sandbox.clock.advance(90)
    reply = await zuora.api(
        "PUT",
        "/v1/invoices/INV00000001",
        json={"transferredToAccounting": "Yes", "QADInvoice__c": "I-1", "comments": "sent", "nosuch": 1, "amount": 5},
    )
    assert reply.json["success"] is True
    assert reply.json["number"] == "INV00000001"
    after = zuora.invoice(invoice.id)
    assert (after.transferred_to_accounting, after.custom, after.comments) == ("Yes", {"QADInvoice__c": "I-1"}, "sent")
    assert after.amount == invoice.amount
    assert after.updated_date.epoch_s - invoice.updated_date.epoch_s == 90


async def test_custom_names_tell_upper_from_lower_case(zuora):
    zuora.posted()
    await zuora.api("PUT", "/v1/invoices/INV00000001", json={"qadinvoice__c": "I-1"})
    assert zuora.invoice("INV00000001").custom is None


async def test_an_empty_value_clears_a_field_of_an_account(zuora):
    await zuora.api("PUT", "/v1/accounts/A-00000001", json={"QADCustomer__c": "C2", "notes": "n"})
    assert (zuora.account().custom, zuora.account().notes) == ({"QADCustomer__c": "C2"}, "n")
    await zuora.api("PUT", "/v1/accounts/A-00000001", json={"QADCustomer__c": "", "notes": ""})
    assert (zuora.account().custom, zuora.account().notes) == (None, None)


async def test_memos_and_payments_are_marked_where_zuora_wants_it(zuora):
    create_credit_memo(zuora.tenant, request=NewCreditMemo(account="A-00000001", items=[NewItem(charge_amount=1)]))
    create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=1))
    memo = await zuora.api(
        "PUT", "/v1/credit-memos/CM-00000001", json={"transferredToAccounting": "Yes", "comment": "c"}
    )
    assert (memo.json["transferredToAccounting"], memo.json["comment"]) == ("Yes", "c")
    payment = await zuora.api(
        "PUT", "/v1/payments/P-00000001", json={"financeInformation": {"transferredToAccounting": "Ignore"}}
    )
    assert payment.json["financeInformation"]["transferredToAccounting"] == "Ignore"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 415), (b"{", 400), (b"[]", 400), (b'{"transferredToAccounting":"Sent"}', 400), (b'{"dueDate":"soon"}', 400)],
)
async def test_a_put_that_makes_no_sense_is_refused(zuora, body, status):
    zuora.posted()
    reply = await zuora.api("PUT", "/v1/invoices/INV00000001", data=body)
    assert reply.status == status
    assert reply.json["success"] is False


async def test_a_put_with_an_idempotency_key_is_refused(zuora):
    zuora.posted()
    reply = await zuora.api("PUT", "/v1/invoices/INV00000001", json={"comments": "x"}, headers=key("k"))
    assert reply.status == 400
    assert reply.json["reasons"][0]["message"] == "Request method 'PUT' not supported with Idempotency-Key header"
    assert zuora.invoice("INV00000001").comments is None


async def test_a_put_of_nothing_known(zuora):
    reply = await zuora.api("PUT", "/v1/invoices/INV404", json={"comments": "x"})
    assert (reply.status, reply.json["success"]) == (200, False)


async def update(zuora, objects, headers=None, **query):
    body = {"type": "Invoice", "objects": objects}
    return await zuora.api("POST", "/v1/action/update", json=body, params=query, headers=headers)


async def test_an_update_answers_a_bare_array_in_order(zuora):
    first, second = zuora.posted(), zuora.posted()
    zuora.sandbox.clock.advance(5)
    reply = await update(
        zuora,
        [
            {"Id": second.id, "TransferredToAccounting": "Yes", "QADInvoice__c": "I-2"},
            {"Id": "8a404"},
            {"TransferredToAccounting": "Yes"},
            {"Id": first.id, "TransferredToAccounting": "perhaps"},
        ],
    )
    assert reply.status == 200
    assert [result["Success"] for result in reply.json] == [True, False, False, False]
    assert reply.json[0]["Id"] == second.id
    assert {error["Code"] for result in reply.json[1:] for error in result["Errors"]} == {
        "INVALID_ID",
        "MISSING_REQUIRED_VALUE",
        "INVALID_VALUE",
    }
    after = zuora.invoice(second.id)
    assert (after.transferred_to_accounting, after.custom) == ("Yes", {"QADInvoice__c": "I-2"})
    assert after.updated_date > second.updated_date
    assert zuora.invoice(first.id) == first


async def test_unknown_fields_are_ignored_unless_they_are_to_be_rejected(zuora):
    invoice = zuora.posted()
    known = {"Id": invoice.id, "Comments": "c", "Nosuch__c": "x"}
    assert (await update(zuora, [known])).json == [{"Success": True, "Id": invoice.id}]
    assert zuora.invoice(invoice.id).custom is None
    reply = await update(zuora, [known], rejectUnknownFields="true")
    assert reply.json[0]["Errors"][0]["Code"] == "INVALID_FIELD"


@pytest.mark.parametrize("count", [0, 51])
async def test_fifty_objects_and_no_more(zuora, count):
    reply = await update(zuora, [{"Id": "x"}] * count)
    assert reply.status == 400
    assert set(reply.json) == {"FaultCode", "FaultMessage"}


@pytest.mark.parametrize("kind", ["CreditMemo", "DebitMemo", "Subscription", 7, None])
async def test_actions_know_no_memos(zuora, kind):
    body = {"type": kind, "objects": [{"Id": "x"}]}
    assert (await zuora.api("POST", "/v1/action/update", json=body)).status == 400


async def test_which_types_an_update_takes_is_a_switch(zuora):
    payment = create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=1))
    memo = create_credit_memo(
        zuora.tenant, request=NewCreditMemo(account="A-00000001", items=[NewItem(charge_amount=1)])
    )
    asked = {"Payment": payment.id, "CreditMemo": memo.id}

    async def statuses():
        marks = [
            {"type": kind, "objects": [{"Id": key, "TransferredToAccounting": "Yes"}]} for kind, key in asked.items()
        ]
        return [(await zuora.api("POST", "/v1/action/update", json=mark)).status for mark in marks]

    assert await statuses() == [200, 400]
    await zuora.control("PATCH", "/settings", {"action_types": ["Invoice", "CreditMemo"]})
    assert await statuses() == [400, 200]
    marked = zuora.tenant.tables[type(memo)].latest[memo.id], zuora.tenant.tables[type(payment)].latest[payment.id]
    assert [row.transferred_to_accounting for row in marked] == ["Yes", "Yes"]


async def test_one_object_is_locked_and_the_others_are_done(zuora):
    first, second = zuora.posted(), zuora.posted()
    armed = zuora.sandbox.faults.arm(Fault(name="object_locked", path=first.id, count=1))
    changes = [{"Id": one.id, "TransferredToAccounting": "Yes"} for one in (first, second)]
    told = (await update(zuora, changes, key("k1"))).json
    assert [one["Success"] for one in told] == [False, True]
    assert told[0]["Errors"][0]["Code"] == "LOCK_COMPETITION"
    assert (zuora.invoice(first.id), armed.fired) == (first, 1)
    assert (await update(zuora, changes, key("k1"))).json == told, "its failure stays under the key"
    assert [one["Success"] for one in (await update(zuora, changes, key("k2"))).json] == [True, True]


async def test_a_key_gives_the_same_answer_again_and_does_nothing(zuora):
    invoice = zuora.posted()
    first = await update(zuora, [{"Id": invoice.id, "Comments": "one"}], key("k1"))
    second = await update(zuora, [{"Id": invoice.id, "Comments": "two"}], key("k1"))
    assert (first.status, first.text) == (second.status, second.text)
    assert zuora.invoice(invoice.id).comments == "one"
    await update(zuora, [{"Id": invoice.id, "Comments": "three"}], key("k2"))
    assert zuora.invoice(invoice.id).comments == "three"


async def test_a_failure_is_kept_as_well_until_a_day_has_passed(zuora):
    invoice = zuora.posted()
    armed = zuora.sandbox.faults.arm(Fault(name="http_500", path="action", count=1))
    change = [{"Id": invoice.id, "Comments": "x"}]
    assert (await update(zuora, change, key("k"))).status == 500
    assert (await update(zuora, change, key("k"))).status == 500
    assert armed.fired == 1
    zuora.sandbox.clock.advance(24 * 3600 + 1)
    await zuora.control("POST", "/tokens/revoke")
    zuora._token = None
    assert (await update(zuora, change, key("k"))).status == 200


async def test_a_refusal_of_the_gateway_is_not_kept(zuora):
    invoice = zuora.posted()
    zuora.sandbox.faults.arm(Fault(name="http_503", path="action", count=1))
    change = [{"Id": invoice.id, "Comments": "x"}]
    assert (await update(zuora, change, key("k"))).status == 503
    assert (await update(zuora, change, key("k"))).status == 200


async def test_a_key_in_use_is_a_conflict(zuora, eventually):
    invoice = zuora.posted()
    await zuora.token()
    armed = zuora.sandbox.faults.arm(Fault(name="slow", path="action", count=1, seconds=0.3))
    change = [{"Id": invoice.id, "Comments": "x"}]
    first = asyncio.create_task(update(zuora, change, key("k")))
    await eventually(lambda: armed.fired == 1)
    assert (await update(zuora, change, key("k"))).status == 409
    assert (await first).status == 200
    assert (await update(zuora, change, key("k"))).status == 200


async def test_a_key_belongs_to_one_call(zuora):
    invoice = zuora.posted()
    await update(zuora, [{"Id": invoice.id, "Comments": "x"}], key("k"))
    assert (await update(zuora, [{"Id": invoice.id}], key("k"), rejectUnknownFields="true")).status == 422
    assert (await update(zuora, [{"Id": invoice.id}], key("k" * 256))).status == 400


async def test_a_lost_reply_is_given_again_under_the_same_key(zuora):
    invoice = zuora.posted()
    armed = zuora.sandbox.faults.arm(Fault(name="lost_reply", path="action", count=1))
    change = [{"Id": invoice.id, "Comments": "once"}]
    with pytest.raises(aiohttp.ClientConnectionError):
        await update(zuora, change, key("k"))
    assert armed.fired == 1
    assert zuora.invoice(invoice.id).comments == "once"
    zuora.sandbox.clock.advance(10)
    stamp = zuora.invoice(invoice.id).updated_date
    assert (await update(zuora, change, key("k"))).json[0]["Success"] is True
    assert zuora.invoice(invoice.id).updated_date == stamp
