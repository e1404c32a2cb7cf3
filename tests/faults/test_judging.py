"""The judge bites, and the harness's tools do what they say: a proof that cannot fail proves nothing."""

import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.qad.books.documents import Allocation, Invoice, Payment, PostingLine
from sandbox.world.chart import banks_of
from tests.faults.judge import USER, contradictions, doubled, lost_in, out_of_order, uncalled_for, unequal
from tests.faults.log import cut_tail
from tests.faults.logs import Logs
from tests.faults.places import Place, standing_places
from tests.faults.work import DAY, Made, Work


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with standing_places(seed=1, receiver="http://127.0.0.1:9") as places:
        yield places[0]


def invoice(place: Place, made: Made) -> dict[str, Any]:
    """Book the first invoice that was made, as the product would."""
    account, shown, amount = made.open_invoices[0]
    number, reference = shown["invoiceNumber"], "R1"
    line = PostingLine(sequence=1, gl_account_code="4200", cost_centre_code="CC10", credit_amount=amount)
    content = Invoice(
        entity_code=place.world.site.entity,
        invoice_type="INVOICE",
        customer_code=account.customer,
        currency_code=account.currency,
        invoice_date=DAY,
        tax_point_date=DAY,
        posting_date=DAY,
        due_date=DAY,
        credit_terms_code="NET30",
        daybook_code="ZINV",
        reference=number,
        custom_short_0=reference,
        description=number,
        original_amount=amount,
        is_taxable=False,
        posting_lines=(line,),
    )
    return place.qad.control.post_by_hand(place.world.site.entity, content, user=USER)


async def test_what_is_lost_doubled_or_unequal_is_named(place: Place) -> None:
    work = Work([place], seed=1)
    await work.make(1)
    made = work.made[place.name]
    [number] = made.numbers
    total = made.open_invoices[0][2]
    assert list(lost_in(place, made)) == [f"{place.name}: {number} is not in QAD"]
    invoice(place, made)
    assert [*lost_in(place, made), *doubled(place), *unequal(place), *contradictions(place)] == []
    invoice(place, made)
    assert len(list(doubled(place))) == 2
    assert str(2 * total) in next(unequal(place))


async def test_what_is_open_must_be_open_on_both_sides(place: Place) -> None:
    work = Work([place], seed=1)
    await work.make(1)
    made = work.made[place.name]
    [number] = made.numbers
    account, _, total = made.open_invoices[0]
    key = invoice(place, made)["key"]
    part = Allocation(
        invoice_posting_year=key["posting_year"],
        invoice_daybook_code=key["daybook_code"],
        invoice_voucher=key["voucher"],
        amount=total,
    )
    bank = next(one.account for one in banks_of(place.world.site) if one.currency == account.currency)
    content = Payment(
        entity_code=place.world.site.entity,
        customer_code=account.customer,
        currency_code=account.currency,
        bank_gl_account_code=bank,
        payment_date=DAY,
        posting_date=DAY,
        daybook_code="ZPAY",
        amount=total,
        payment_reference="P-1",
        custom_short_0="R2",
        description="P-1",
        status="Paid",
        allocations=(part,),
    )
    place.qad.control.post_by_hand(place.world.site.entity, content, user=USER)
    assert next(unequal(place)).startswith(f"{place.name}: of {number} {total} is open in Zuora and 0")
    assert list(out_of_order(place)) == []


async def test_a_call_without_an_intent_before_it_is_named(place: Place) -> None:
    log = place.qad.installation.log
    call = log.begin(at=place.qad.installation.clock.now(), method="POST", path="/", kind="invoice", is_write=True)
    call.user, call.references = USER, ("R1",)
    at_ms = int(call.at.timestamp() * 1000)
    assert list(uncalled_for(place, {"R1": at_ms - 5})) == []
    assert "before an intent" in next(uncalled_for(place, {"R1": at_ms + 5}))
    assert "before an intent" in next(uncalled_for(place, {}))
    call.errors = ("ITEM_UNKNOWN",)
    assert "was refused" in next(out_of_order(place))


async def test_the_same_seed_makes_the_same_work(place: Place) -> None:
    first, second = Work([place], seed=3), Work([place], seed=3)
    await first.make(12)
    await second.make(12)
    amounts = [[one[2] for one in work.made[place.name].open_invoices] for work in (first, second)]
    assert amounts[0] == amounts[1]
    assert first.documents == second.documents == 12
    assert first.made[place.name] != Made()


def test_a_log_line_is_a_finding_unless_the_fault_explains_it(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    log = tmp_path / "sink-0.log"
    lines = [
        json.dumps({"event": "lane opens again", "exception": "Traceback\nKafkaConnectionError: away"}),
        json.dumps({"event": "lane ready"}),
        "Traceback (most recent call last):",
    ]
    log.write_text("\n".join(lines) + "\nhalf a li")
    assert logs.unexpected(["KafkaConnectionError"]) == ["sink-0: Traceback (most recent call last): (x1)"]
    with log.open("a") as more:
        more.write("ne\n")
    assert logs.unexpected([]) == ["sink-0: half a line (x1)"]
    assert logs.unexpected([]) == []
    with log.open("a") as more:
        more.write(
            json.dumps({"event": "Agent crashed", "logger": "faust", "exception": "Traceback\nKeyError: 1"}) + "\n"
        )
    assert logs.unexpected(["faust"]) == ["sink-0: Agent crashed: KeyError: 1 (x1)"]


def test_a_tail_is_cut_off_behind_a_mark_of_a_transaction(tmp_path: Path) -> None:
    def batch(offset: int, *, control: bool) -> bytes:
        # Two records in a batch of data, and one mark in a batch of control.
        body = struct.pack(">iBIhi", 0, 2, 0, 0x20 if control else 0x10, 0 if control else 1) + bytes(30)
        return struct.pack(">qi", offset, len(body)) + body

    pairs = [batch(2 * number, control=False) + batch(2 * number + 1, control=True) for number in range(10)]
    segment = tmp_path / "00000000000000000000.log"
    segment.write_bytes(b"".join(pairs) + batch(20, control=False))
    (tmp_path / "00000000000000000000.index").touch()
    # The last three pairs and what nobody committed: records are counted, not the marks behind them.
    assert cut_tail(tmp_path, share=0.3) == 3 * 2 + 2
    assert segment.read_bytes() == b"".join(pairs[:7])
    assert list(tmp_path.glob("*.index")) == []
