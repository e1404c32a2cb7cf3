"""Marks on a real tenant: read before they are written, done once whatever is repeated; nothing of ours comes back."""

import ast
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.zuora.asking import posts
from adapters.zuora.marks import ZuoraMarks
from sandbox.zuora.acts import NewRefund, refund_payment
from sandbox.zuora.objects import Account, Invoice
from schemas.errors import InvariantViolation, Misconfigured, Refused, Transient
from schemas.topics import Topic
from streams.mark.marks import ACCOUNT, TRANSFERRED, TYPES
from streams.match.decide import MatchCore
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import MemoryLog, poller, speaking_to
from tests.source import nodes_of
from tests.unit import builders
from tests.unit.world import CLAIMS, World

ROOT = Path(__file__).resolve().parents[2]
OURS = ("QADCode__c", "QADDocument__c")
YES = {TRANSFERRED: "Yes", "QADDocument__c": "2026/SINV/7"}


@pytest.fixture
def marked(zuora):
    """A tenant with our fields."""
    for name in ("Account", "Invoice", "Payment", "Refund"):
        for field in OURS:
            zuora.tenant.define_custom_field(name, field)
    return zuora


@pytest.fixture
async def marks(marked):
    return ZuoraMarks(await marked.client())


def row(zuora, kind, key):
    return zuora.tenant.tables[kind].latest[key]


def keys_of(zuora):
    return [one.idempotency_key for one in zuora.requests(posts.UPDATE)]


# -- reading ---------------------------------------------------------------------------------------------------------


async def test_what_stands_there_is_read_whatever_the_spelling(marked, marks):
    first, second = marked.invoice(), marked.invoice()
    with marked.tenant.act("test"):
        marked.tenant.change(first, transferred_to_accounting="Yes", custom={"QADDocument__c": "2026/SINV/7"})
    found = await marks.read("Invoice", [first.id, second.id, "8a404", "../x", ""], tuple(YES))
    assert {key: there.values for key, there in found.items()} == {
        first.id: YES,
        second.id: {TRANSFERRED: second.transferred_to_accounting or "", "QADDocument__c": ""},
    }
    assert found[first.id].stamp
    assert len(marked.requests("^/object-query/invoices$")) == 1


async def test_refunds_are_read_one_by_one_and_marked(marked, marks):
    """No source says that a list of refunds can be filtered by id."""
    payment = marked.payment()
    refunds = [
        refund_payment(marked.tenant, request=NewRefund(source=payment.id, amount=Decimal(amount))) for amount in (1, 2)
    ]
    ids = [one.id for one in refunds]
    found = await marks.read("Refund", [*ids, "8a404", "../x"], tuple(YES))
    assert set(found) == set(ids)
    assert [answer.ok for answer in await marks.write("Refund", [{"Id": one, **YES} for one in ids], "n")] == [True] * 2
    assert [there.values for there in (await marks.read("Refund", ids, tuple(YES))).values()] == [YES, YES]
    assert {one.path for one in marked.requests("refunds")} == {
        f"/object-query/refunds/{one}" for one in [*ids, "8a404"]
    }


async def test_fifty_objects_are_read_at_once(marked, marks):
    invoices = [marked.invoice() for _ in range(50)]
    assert len(await marks.read("Invoice", [one.id for one in invoices], [TRANSFERRED])) == 50
    assert len(marked.requests("^/object-query/invoices$")) == 1


async def test_where_no_id_is_one_zuora_is_not_asked(marked, marks):
    assert await marks.read("Invoice", ["../../x", "a,b]", ""], [TRANSFERRED]) == {}
    assert marked.requests("object-query") == []


@pytest.mark.parametrize("body", [b'{"data": [[]]}', b'{"data": ["x"]}', b'{"data": {}}', b'{"data": [{"id": "1"'])
async def test_a_row_that_is_none_is_no_answer(strange, quick, body):
    strange.tell("/object-query/invoices", Told(body))
    async with speaking_to(strange) as client:
        with pytest.raises(Transient):
            await ZuoraMarks(client).read("Invoice", ["8a01"], [TRANSFERRED])


# -- writing ---------------------------------------------------------------------------------------------------------


async def test_marks_stand_there_and_no_amount_of_the_tenant_has_moved(marked, marks):
    invoice = marked.invoice(taxes=1)
    payment, before = marked.payment(invoice), money(marked)
    for kind, one in (("Invoice", invoice), ("Payment", payment)):
        assert [answer.ok for answer in await marks.write(kind, [{"Id": one.id, **YES}], kind)] == [True]
        after = row(marked, type(one), one.id)
        assert (after.transferred_to_accounting, after.custom) == ("Yes", {"QADDocument__c": "2026/SINV/7"})
    assert (await marks.write("Account", [{"Id": invoice.account_id, "QADCode__c": "C1"}], "a"))[0].ok
    assert row(marked, Account, invoice.account_id).custom["QADCode__c"] == "C1"
    assert money(marked) == before != {}


def money(zuora):
    """Return every amount of the tenant."""
    return {
        (kind.__name__, key, name): value
        for kind, table in zuora.tenant.tables.items()
        for key, one in table.latest.items()
        for name, value in msgspec.structs.asdict(one).items()
        if isinstance(value, Decimal)
    }


@pytest.mark.parametrize("fault", ["lost_reply", "cut_body", "hang_after"])
async def test_a_call_without_an_answer_is_done_once_whoever_repeats_it(marked, marks, quick, fault):
    invoice = marked.invoice()
    armed = marked.arm(fault, posts.UPDATE, count=1, seconds=0.05)
    marked.later(seconds=5)
    assert [one.ok for one in await marks.write("Invoice", [{"Id": invoice.id, **YES}], "n")] == [True]
    stamp = row(marked, Invoice, invoice.id).updated_date
    marked.later(seconds=5)
    # Another process, after a crash, with the same name.
    other = ZuoraMarks(await marked.client())
    assert [one.ok for one in await other.write("Invoice", [{"Id": invoice.id, **YES}], "n")] == [True]
    assert row(marked, Invoice, invoice.id).updated_date == stamp
    assert (armed.fired, set(keys_of(marked))) == (1, {"n.0"})


@pytest.mark.parametrize("fault", ["http_500", "success_false"])
async def test_a_burnt_key_is_never_used_again(marked, marks, fault):
    """Also by whoever comes after a crash: it is told the failure that is kept, and takes the next key."""
    invoice = marked.invoice()
    armed = marked.arm(fault, posts.UPDATE, count=2)
    for process in (marks, marks, marks, ZuoraMarks(await marked.client())):
        (answer,) = await process.write("Invoice", [{"Id": invoice.id, **YES}], "n")
        if process is marks and len(keys_of(marked)) < 3:
            assert (answer.ok, answer.may_pass) == (False, True)
    assert (answer.ok, answer.may_pass, armed.fired) == (False, True, 2)
    assert keys_of(marked) == ["n.0", "n.1", "n.2", "n.0"]
    assert row(marked, Invoice, invoice.id).transferred_to_accounting == "Yes"


async def test_a_right_that_is_given_later_is_not_refused_for_a_day(marked, marks):
    """Zuora keeps a refusal under its key as well: what is asked again after it must have another."""
    invoice = marked.invoice()
    armed = marked.arm("http_500", posts.UPDATE, count=1, code=50000010)
    with pytest.raises(Refused):
        await marks.write("Invoice", [{"Id": invoice.id, **YES}], "n")
    assert [one.ok for one in await marks.write("Invoice", [{"Id": invoice.id, **YES}], "n")] == [True]
    assert (armed.fired, keys_of(marked)) == (1, ["n.0", "n.1"])


async def test_one_bad_object_keeps_no_other_from_being_marked(marked, marks):
    invoices = [marked.invoice() for _ in range(49)]
    objects = [{"Id": one.id, **YES} for one in invoices] + [{"Id": "8a404", **YES}]
    answers = await marks.write("Invoice", objects, "n")
    assert [answer.ok for answer in answers] == [True] * 49 + [False]
    assert (answers[-1].may_pass, "INVALID_ID" in answers[-1].said) == (False, True)
    assert len(marked.requests(posts.UPDATE)) == 1


async def test_a_locked_object_may_pass_and_takes_another_key(marked, marks):
    invoice = marked.invoice()
    armed = marked.arm("object_locked", invoice.id, count=1)
    asked = [{"Id": invoice.id, **YES}]
    (first,), (second,) = await marks.write("Invoice", asked, "n"), await marks.write("Invoice", asked, "n")
    assert (first.ok, first.may_pass, second.ok, armed.fired) == (False, True, True, 1)
    assert keys_of(marked) == ["n.0", "n.1"]


async def test_a_field_that_the_tenant_does_not_have_is_said(marked, marks):
    invoice = marked.invoice()
    (answer,) = await marks.write("Invoice", [{"Id": invoice.id, "Misspelt__c": "x"}], "n")
    assert (answer.ok, answer.may_pass, "Misspelt__c" in answer.said) == (False, False, True)


async def test_a_type_that_this_tenant_does_not_take_is_said(marked, marks):
    payment = marked.payment()
    marked.use(action_types=("Account", "Invoice"))
    with pytest.raises(Misconfigured, match="Payment"):
        await marks.write("Payment", [{"Id": payment.id, **YES}], "n")


async def test_a_user_without_the_right_is_refused(strange):
    strange.tell(
        posts.UPDATE, Told(b'{"FaultCode": "PERMISSION", "FaultMessage": "no platform write permission"}', status=403)
    )
    async with speaking_to(strange) as client:
        with pytest.raises(Refused, match="no platform write permission"):
            await ZuoraMarks(client).write("Invoice", [{"Id": "8a01", **YES}], "n")


# -- our own write comes back ------------------------------------------------------------------------------------------


async def test_our_own_marks_that_a_poll_reads_again_cause_nothing(marked, marks):
    """Through poll, match and ledger: no match, no posting, no conflict, no outcome; another change still counts."""
    invoice, client = marked.invoice(items=2, taxes=1), await marked.client()
    payment = marked.payment(invoice)
    account = row(marked, Account, invoice.account_id)
    world = World(bare=True)
    world.match.make_core = lambda: MatchCore(connection=builders.CONNECTION, claims=CLAIMS, written_back=OURS)
    world.restart()
    number = account.account_number
    world.put(*builders.references(), *builders.codes(), builders.customer(zuora_account=number), builders.published())
    log = MemoryLog()

    async def poll():
        marked.later(minutes=30)
        seen = len(log.kept)
        await poller(client, log).round()
        fresh = [msgspec.structs.replace(one, connection=builders.CONNECTION) for one in log.kept[seen:]]
        world.put(*fresh)
        return [one.id for one in fresh]

    await poll()
    assert {event.id for event in world.matched} == {invoice.id, payment.id}
    stands = [len(world.log[topic]) for topic in (Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES)]
    marked.later(minutes=30)
    for kind, one in (("Invoice", invoice), ("Payment", payment)):
        assert [answer.ok for answer in await marks.write(kind, [{"Id": one.id, **YES}], kind)] == [True]
    assert (await marks.write("Account", [{"Id": account.id, "QADCode__c": "C1"}], "a"))[0].ok
    again = await poll()
    assert {invoice.id, payment.id, account.id} <= set(again), "the marks moved their stamps: they are read again"
    assert [len(world.log[topic]) for topic in (Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES)] == stands
    world.restart()
    assert [len(world.log[topic]) for topic in (Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES)] == stands
    with marked.tenant.act("test"):
        marked.tenant.change(row(marked, Account, account.id), payment_term="Net 60")
    assert account.id in await poll()
    assert len(world.log[Topic.MATCHED]) > stands[0], "what we do not write is no mark"


# -- nothing financial -------------------------------------------------------------------------------------------------

_TYPES = {"Account", "Invoice", "Payment", "Refund"}
names = st.one_of(
    st.sampled_from(
        [
            "Amount",
            "Balance",
            "Status",
            "InvoiceDate",
            "DueDate",
            "AccountId",
            "Currency",
            "TaxAmount",
            "AutoPay",
            "amount",
        ]
    ),
    st.text(min_size=1, max_size=30),
)
types = st.one_of(
    st.sampled_from(
        ["CreditMemo", "DebitMemo", "InvoiceItem", "InvoicePayment", "InvoiceAdjustment", "Subscription", "invoice"]
    ),
    st.text(max_size=20),
)


@given(kind=st.sampled_from(sorted(_TYPES)), name=names, value=st.text(max_size=20))
def test_no_field_but_a_mark_can_be_set(kind, name, value):
    """Whatever Zuora computes with, or shows as money, is no field of a mark."""
    own = name.endswith("__c") and name.isascii()
    if name == "Id" or own:
        return
    with pytest.raises(InvariantViolation):
        posts.update(kind, [{"Id": "8a01", name: value}], "k")
    with pytest.raises(InvariantViolation):
        posts.update(kind, [{"Id": "8a01", "Ours__c": "x", name: value}], "k")


@given(kind=types)
def test_no_other_type_can_be_marked(kind):
    if kind in _TYPES:
        return
    with pytest.raises(InvariantViolation):
        posts.update(kind, [{"Id": "8a01", "Ours__c": "x"}], "k")


def test_what_is_decided_to_be_marked_may_be_marked_and_nothing_else_may():
    assert {ACCOUNT, *TYPES.values()} == _TYPES == set(posts._MAY_SET)
    for kind in TYPES.values():
        posts.update(kind, [{"Id": "8a01", **YES}], "k")
    posts.update(ACCOUNT, [{"Id": "8a01", "QADCode__c": "C1"}], "k")


def test_only_the_marking_and_ping_ever_mark():
    """By the source: who calls the one door that writes, and who hands what to it."""
    calls = []
    for room in ("schemas", "streams", "adapters", "console"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in nodes_of(path):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    told = ast.unparse(node.func)
                    if told.endswith((".mark", "posts.update", "ZuoraMarks")) or told == "self._marks.write":
                        calls.append((path.relative_to(ROOT).as_posix(), told))
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ZuoraMarks":
                    calls.append((path.relative_to(ROOT).as_posix(), node.func.id))
    assert sorted(calls) == [
        ("adapters/kafka/mark_lane.py", "self._marks.write"),
        ("adapters/zuora/asking/client.py", "posts.update"),
        ("adapters/zuora/marks.py", "self._client.mark"),
        ("console/pinging/write_back.py", "client.mark"),
        ("console/running/processes.py", "ZuoraMarks"),
    ]
