"""Whatever goes wrong on the way to QAD: what was sent and not answered is unknown, what was not let in is said so."""

import asyncio
import socket
import time

import pytest

from adapters.clock import boot_time_s
from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS
from adapters.qad.rest.port import RestQad
from schemas.errors import ConnectorError, NotSent, OutcomeUnknown, Refused, Transient
from streams.ports import Bounce, Refund, RefundReversal
from tests.adapters.qad_company import post, qad_company

HASTY = {"limits": {"timeout_s": 0.3}}
# What QAD makes of each kind: calls before the one that commits are of another.
BOOKED_AS = {
    "invoice": "invoice",
    "credit_note": "invoice",
    "receipt": "payment",
    "adjustment": "adjustment",
    "refund": "banking",
    "refund_reversal": "banking",
    "bounce": "payment",
    "transfer": "adjustment",
    "journal": "journal",
}


# -- sent, and not answered ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "commit_then_reset",
        "commit_then_hang",
        "commit_then_500",
        "commit_then_502",
        "commit_then_504",
        "commit_then_login_page",
        "commit_then_no_content",
        "commit_then_other_shape",
        "commit_then_no_key",
        "commit_then_gzip_cut",
        "commit_then_chunks_cut",
        "empty_body",
        "truncated_json",
    ],
)
@pytest.mark.parametrize("make", [*DOCUMENT_KINDS, *OPTIONAL_KINDS])
async def test_what_was_committed_and_not_said_is_unknown_and_then_found(qad, fault, make):
    erp = await qad.erp(**HASTY)
    invoice, note = await post(erp, qad.invoice()), await post(erp, qad.credit_note())
    money = (await post(erp, qad.receipt("90.00"))).document
    await post(erp, qad.bank_move(Refund, money, "5.00"))
    command = {
        "invoice": qad.invoice(),
        "credit_note": qad.credit_note(),
        "receipt": qad.receipt("50.00", (invoice.document, "50.00")),
        "adjustment": qad.adjustment(invoice.document, note.document, "5.00"),
        "refund": qad.bank_move(Refund, money, "5.00"),
        "refund_reversal": qad.bank_move(RefundReversal, money, "5.00"),
        "bounce": qad.bank_move(Bounce, money, "85.00"),
        "transfer": qad.transfer("85.00", item=money, customer="C0001"),
        "journal": qad.journal("5.00"),
    }[make]
    armed = qad.arm(fault, kind=BOOKED_AS[make], count=1)
    with pytest.raises(OutcomeUnknown):
        await post(erp, command)
    assert armed.fired == 1
    found = await erp.find(make, command.reference)
    assert found is not None
    there = qad.document(command)
    assert (found.document.year, found.document.daybook, found.document.voucher) == (
        there["key"]["posting_year"],
        there["key"]["daybook_code"],
        there["key"]["voucher"],
    )
    assert found.reference == command.reference
    assert (found.document.currency, found.document.total) == ("USD", command.payload.total)
    assert found.document.customer == ("" if make in ("adjustment", "transfer", "journal") else "C0001")
    assert found.day == command.payload.posting_date
    assert qad.control.duplicates() == []


@pytest.mark.parametrize("fault", ["http_500_before_commit", "http_503_before_commit", "reset_before_commit"])
async def test_what_was_not_committed_and_not_said_is_unknown_and_then_absent(qad, fault):
    erp, command = await qad.erp(), qad.invoice()
    armed = qad.arm(fault, count=1)
    with pytest.raises(OutcomeUnknown):
        await post(erp, command)
    assert armed.fired == 1
    assert await erp.find("invoice", command.reference) is None
    assert qad.documents() == []


async def test_what_is_committed_late_is_absent_and_then_found(qad, eventually):
    erp, command = await qad.erp(**HASTY), qad.invoice()
    armed = qad.arm("commit_late", count=1, seconds=0.6)
    with pytest.raises(OutcomeUnknown):
        await post(erp, command)
    assert armed.fired == 1
    assert await erp.find("invoice", command.reference) is None

    async def found():
        assert await erp.find("invoice", command.reference) is not None

    await eventually(found, within_s=5, every_s=0.05)


async def test_a_login_page_is_never_success(qad):
    erp, command = await qad.erp(), qad.invoice()
    armed = qad.arm("html_login", count=1)
    with pytest.raises(OutcomeUnknown):
        await post(erp, command)
    assert (armed.fired, qad.documents()) == (1, [])
    assert await erp.find("invoice", command.reference) is None


async def test_a_call_that_is_cancelled_is_sent_once(qad):
    erp, command = await qad.erp(), qad.invoice()
    qad.arm("slow", count=1, ms=300)
    posting = asyncio.create_task(post(erp, command))
    await asyncio.wait([posting], timeout=0.1)
    posting.cancel()
    await asyncio.wait([posting])
    assert posting.cancelled()
    assert len(qad.requests("invoice")) == 1


async def test_nothing_is_sent_a_second_time_by_itself(qad):
    """A client library may repeat what a closed connection swallowed; a posting must not be."""
    erp = await qad.erp()
    await post(erp, qad.invoice())
    for fault in ("commit_then_reset", "reset_before_commit", "commit_then_502"):
        before = len(qad.requests("invoice"))
        qad.arm(fault, count=1)
        with pytest.raises(OutcomeUnknown):
            await post(erp, qad.invoice())
        assert len(qad.requests("invoice")) == before + 1
    assert qad.control.duplicates() == []


async def test_a_connection_that_was_closed_while_it_stood_idle(tmp_path):
    async with qad_company(tmp_path, keepalive_s=0.2) as qad:
        erp = await qad.erp()
        await post(erp, qad.invoice())
        commands = []
        for _ in range(8):
            command = qad.invoice()
            commands.append(command)
            # About as long as the server keeps an idle connection: some calls meet it while it closes.
            await asyncio.sleep(0.19)
            try:
                await post(erp, command)
            except OutcomeUnknown:
                await erp.find("invoice", command.reference)
        assert qad.control.duplicates() == []
        assert all(len(qad.control.find(command.reference)) <= 1 for command in commands)


# -- not let in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retry_after_s", [None, 7])
async def test_too_many_requests_is_transient_and_nothing_was_done(qad, retry_after_s):
    erp = await qad.erp()
    armed = qad.arm("too_many_requests", count=1, retry_after_s=retry_after_s)
    with pytest.raises(Transient) as limited:
        await post(erp, qad.invoice())
    assert not isinstance(limited.value, NotSent)
    assert (limited.value.retry_after_s, armed.fired, qad.documents()) == (retry_after_s, 1, [])


async def test_a_status_that_the_site_calls_definite_is_transient(qad):
    erp, command = await qad.erp(definite=(429, 503)), qad.invoice()
    armed = qad.arm("http_503_before_commit", count=1)
    with pytest.raises(Transient):
        await post(erp, command)
    assert armed.fired == 1


async def test_a_forbidden_call_is_refused(qad):
    erp = await qad.erp()
    armed = qad.arm("forbidden", kind="invoice", count=1)
    with pytest.raises(Refused, match="Access is denied"):
        await post(erp, qad.invoice())
    assert (armed.fired, qad.documents()) == (1, [])


async def test_a_user_who_may_only_read_is_refused(qad):
    client = await qad.client(username="reader", password="reader-word")
    erp = RestQad(client, qad.profile())
    with pytest.raises(Refused):
        await post(erp, qad.invoice())
    assert await erp.find("invoice", "A" * 20) is None


@pytest.mark.parametrize("change", [{"path": "/api/erp/customerInvoicez"}, {"view_uri": "urn:be:IOther"}])
async def test_a_path_or_view_that_is_not_there_is_refused(qad, change):
    erp = await qad.erp(qad.changed({f"documents.invoice.{name}": value for name, value in change.items()}))
    with pytest.raises(Refused, match="path or viewUri"):
        await post(erp, qad.invoice())
    assert qad.documents() == []


async def test_a_connection_that_is_refused_is_not_sent(qad):
    erp = await qad.erp()
    await qad.server.refuse_connections()
    with pytest.raises(Transient):
        await erp.find("invoice", "A" * 20)
    with pytest.raises(NotSent):
        await post(erp, qad.invoice())
    await qad.server.listen()
    await post(erp, qad.invoice())
    assert len(qad.documents()) == 1


async def test_a_name_that_does_not_resolve_is_not_sent(qad):
    erp = await qad.erp()
    erp._client._base_url = "http://no-such-host.invalid/clouderp"
    with pytest.raises(NotSent):
        await post(erp, qad.invoice())


async def test_a_qad_that_cuts_every_call_is_unknown(qad):
    erp = await qad.erp()
    qad.control.set_down(is_down=True)
    with pytest.raises(OutcomeUnknown):
        await post(erp, qad.invoice())
    with pytest.raises(Transient):
        await erp.find("invoice", "A" * 20)


async def test_a_connection_that_is_never_accepted_ends(qad):
    """A listener whose queue is full: the kernel takes no more, and nobody answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        taken = [socket.socket() for _ in range(4)]
        try:
            for one in taken:
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            erp = await qad.erp(**HASTY)
            erp._client._base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with asyncio.timeout(3):
                with pytest.raises(ConnectorError) as raised:
                    await post(erp, qad.invoice())
        finally:
            for one in taken:
                one.close()
    assert isinstance(raised.value, NotSent | OutcomeUnknown)


# -- too old ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def aged(qad, monkeypatch):
    """Have an hour pass as soon as so many requests of a kind have arrived at QAD."""

    def after(kind, count):
        def clock():
            return boot_time_s() + 3600 * (len(qad.requests(kind)) >= count)

        monkeypatch.setattr("adapters.qad.asking.sending.boot_time_s", clock)

    return after


@pytest.mark.parametrize("warm", [False, True])
async def test_an_intent_that_is_too_old_sends_no_byte(qad, warm):
    """On a new connection and on one that was used before."""
    erp = await qad.erp()
    if warm:
        await post(erp, qad.invoice())
    before = len(qad.requests())
    with pytest.raises(NotSent, match="too old"):
        await post(erp, qad.invoice(), age_s=-0.001)
    assert len(qad.requests()) == before
    assert await post(erp, qad.invoice())


async def test_an_intent_that_ages_while_it_waits_for_a_connection_sends_no_byte(qad, aged):
    profile = qad.profile(limits={"concurrency": 1})
    erp = await qad.erp(profile)
    # So long that all six connections are taken before one is free again.
    qad.arm("slow", kind="invoice", count=6, ms=1000)
    aged("invoice", 6)
    commands = [qad.invoice() for _ in range(8)]
    answers = await asyncio.gather(*(post(erp, command, age_s=60) for command in commands), return_exceptions=True)
    assert sum(isinstance(answer, NotSent) for answer in answers) == 2
    assert len(qad.requests("invoice")) == 6
    assert len(qad.documents()) == 6


async def test_many_old_intents_use_no_connection_up(qad):
    erp = await qad.erp(qad.profile(limits={"concurrency": 1}))
    for _ in range(30):
        with pytest.raises(NotSent):
            await post(erp, qad.invoice(), age_s=-1)
    async with asyncio.timeout(3):
        await post(erp, qad.invoice())
    assert len(qad.documents()) == 1


async def test_the_age_is_told_by_a_clock_that_runs_while_the_machine_sleeps(qad):
    assert boot_time_s() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=0.1)
    erp = await qad.erp()
    with pytest.raises(NotSent):
        await erp.post(qad.invoice(), not_after=time.clock_gettime(time.CLOCK_BOOTTIME) - 1)


async def test_an_old_intent_is_not_sent_with_a_new_token_either(qad, aged):
    """Signing in takes its time: the age counts when the posting goes out, not before."""
    profile = qad.profile()
    erp = RestQad(await qad.client(profile), profile)
    aged("token", 1)
    with pytest.raises(NotSent, match="too old"):
        await post(erp, qad.invoice(), age_s=60)
    assert [call.kind for call in qad.requests() if call.kind not in ("platform", "unknown")] == ["token"]
