"""Bad input on a product that runs: it ends as a dead letter or a parked document, and the next document goes on.

Each test here shares one product, at the European site unless it says otherwise. Shown elsewhere, and not again:
a callout that is no JSON, a customer, account, period, rate or gateway that is missing (test_story.py); what each
decoder, rule and refusal says (tests/unit, tests/adapters); settings that are wrong (test_bad_settings.py).
"""

import json
import os
import re
import signal
from contextlib import suppress
from datetime import date
from decimal import Decimal

import msgspec
import pytest
import pytest_asyncio

from adapters.kafka.reader import read_whole
from console.demo.house import House
from console.output import EXIT_FINDINGS
from sandbox.world.chapters.trouble_days import DAY
from sandbox.world.charges import priced, services, subscription
from sandbox.world.chart import SUPPORT
from schemas.codec import Decoder, encode
from schemas.deadletters import DeadLetter
from schemas.errors import Unreadable
from schemas.records import ZuoraRecord
from schemas.topics import Topic, key
from tests.conftest import eventually
from tests.e2e.at_work import AtWork, at_work

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE, OTHER = "emea", "amer"
# The table of a profile that the other site has not compared with its tenant.
CONFIRMED, NOT_CONFIRMED = "[documents.credit_note]\n", "[documents.credit_note]\nconfirmed = false\n"
# What each stage consumes, and a type of event that stands there.
SOURCES = {
    "read": (Topic.CALLOUTS, "callout"),
    "match": (Topic.RECORDS, "record"),
    "ledger": (Topic.MATCHED, "matched"),
    "sink": (Topic.POSTINGS, "postings"),
}
NASTY = 'O\'Brien "Söhne" & Co. <b>\n\t\\u0000; DROP TABLE x; --\r\n 株式会社 ' * 6

_records: Decoder[ZuoraRecord] = Decoder(ZuoraRecord)
_letters: Decoder[DeadLetter] = Decoder(DeadLetter)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def work(kafka, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bad_input") / "house"
    async with at_work(directory, kafka=kafka, eventually=eventually, before=leave_unconfirmed) as found:
        yield found
        # Whatever was put in: a person who reads the log finds sentences.
        assert "Traceback" not in found.log
        assert '"exception"' not in found.log


def leave_unconfirmed(house: House) -> None:
    file = house.files.profiles[OTHER]
    text = file.read_text(encoding="utf-8")
    assert CONFIRMED in text
    file.write_text(text.replace(CONFIRMED, NOT_CONFIRMED), encoding="utf-8")


def unreadable(tag: str) -> dict[str, tuple[bytes | None, str]]:
    """Return what nobody can read, and what is said of it."""
    return {
        "garbage": (b"\x00\xff{ not json", "not an event of this topic: "),
        "half": (json.dumps({"type": tag, "connection": SITE}).encode()[:-2], "not an event of this topic: "),
        "nothing": (None, ""),
        "of an unknown type": (b'{"type":"surprise","v":1}', "not an event of this topic: Invalid value 'surprise'"),
        "newer": (
            json.dumps({"type": tag, "v": 9, "new": {}}).encode(),
            "written by a newer version (v9, ",
        ),
        "deep": (b'{"type":"' + tag.encode() + b'","unheard_of":' + b"[" * 50_000, "nested too deeply to be an event"),
    }


async def letters(work: AtWork, topic: Topic) -> dict[int, DeadLetter]:
    """Return the dead letters of a topic by the offset of the original."""
    partition = (await work.wiring.partitions())[SITE]
    records = await read_whole(work.wiring.site.cluster, partition, [Topic.DEAD_LETTERS])
    found = []
    for record in records:
        # Some tests here put what nobody can read on this topic as well.
        with suppress(Unreadable):
            found.append(_letters(record.value))
    return {one.offset: one for one in found if one.topic == topic}


@pytest.mark.parametrize("stage", list(SOURCES))
async def test_what_cannot_be_read_is_a_dead_letter_and_the_next_document_goes_on(work, stage):
    topic, tag = SOURCES[stage]
    bad = unreadable(tag)
    offsets = await work.put(SITE, topic, *(value for value, _ in bad.values()))
    number = await work.bill(SITE)
    await work.comes_into_qad(SITE, number)
    if stage == "read":
        # A poll finds it as well: the hint behind the bad ones must have been read back, too.
        await work.eventually(lambda: was_found_by_callout(work, number), within_s=20, every_s=0.5)

    async def all_are_there() -> None:
        found = await letters(work, topic)
        assert set(offsets) <= set(found)
        for offset, (value, said) in zip(offsets, bad.values(), strict=True):
            letter = found[offset]
            assert said in letter.reason
            assert (letter.stage, letter.value, letter.key) == (stage, value or b"", b"test")
            assert letter.next_step

    await work.eventually(all_are_there)
    listed = await work.house.product.ask("parked", "list", "--connection", SITE)
    named = [one["offset"] for one in listed["dead_letters"] if one["topic"] == topic]
    assert set(offsets) <= set(named)
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("topic", [topic for topic in Topic if topic not in {source for source, _ in SOURCES.values()}])
async def test_what_cannot_be_read_beside_the_inputs_stops_nobody(work, topic):
    """References, decisions, outcomes and the rest: written by us alone, and one day by a version newer than this."""
    await work.put(SITE, topic, *(value for value, _ in unreadable("surprise").values()))
    await work.comes_into_qad(SITE, await work.bill(SITE))


async def was_found_by_callout(work: AtWork, number: str) -> None:
    assert "callout" in {record.found.by for record in await records_of(work, number)}


async def records_of(work: AtWork, number: str) -> list[ZuoraRecord]:
    """Return what was read of an invoice, oldest first."""
    partition = (await work.wiring.partitions())[SITE]
    records = await read_whole(work.wiring.site.cluster, partition, [Topic.RECORDS])
    return [_records(record.value) for record in records if f'"{number}"'.encode() in record.value]


async def test_after_a_restart_each_process_steps_over_what_it_could_not_read(work):
    for topic in Topic:
        await work.put(SITE, topic, *(value for value, _ in unreadable("surprise").values()))
    before = work.pids()
    for process in before:
        os.kill(before[process], signal.SIGKILL)

    async def are_back() -> None:
        now = work.pids()
        assert not [process for process in now if now[process] == before[process]]

    await work.eventually(are_back, within_s=30)
    await work.comes_into_qad(SITE, await work.bill(SITE), within_s=60)


async def test_a_record_of_a_kind_that_this_version_does_not_know_is_held_by_name(work):
    number = await work.bill(SITE)
    await work.comes_into_qad(SITE, number)
    record = (await records_of(work, number))[-1]
    renamed = bytes(record.parent).replace(number.encode(), b"SUB-0000001")
    other = msgspec.structs.replace(record, kind="subscription", id="f00d", parent=msgspec.Raw(renamed), children={})
    await work.put(SITE, Topic.RECORDS, encode(other), key=key(SITE, "subscription", "f00d"))
    await work.comes_into_qad(SITE, await work.bill(SITE))
    standing = await work.comes_to_stand(SITE, "subscription:f00d", rule="unreadable_record")
    assert "subscription" in standing.row.message
    assert standing.row.next_step


async def test_a_document_that_does_not_balance_is_parked_until_zuora_says_another(work):
    """Zuora's header says a cent more than its lines: no page of it can be believed."""
    account = work.scene(SITE).cast["neighbour"]
    number = await work.bill(SITE)
    await work.comes_into_qad(SITE, number)
    record = (await records_of(work, number))[-1]
    amount = json.loads(bytes(record.parent))["amount"]
    parent = json.loads(bytes(record.parent)) | {"id": "0ff", "invoiceNumber": "INV-OFF", "amount": amount + 0.01}
    items = [json.loads(bytes(item)) | {"invoiceId": "0ff"} for item in record.children["items"]]
    children = record.children | {"items": [msgspec.Raw(json.dumps(item).encode()) for item in items]}
    other = msgspec.structs.replace(
        record, id="0ff", parent=msgspec.Raw(json.dumps(parent).encode()), children=children
    )
    await work.put(SITE, Topic.RECORDS, encode(other), key=key(SITE, "invoice", "0ff"))
    standing = await work.comes_to_stand(SITE, "INV-OFF", rule="total_mismatch")
    assert str(amount) in standing.row.message
    assert account.currency in standing.row.message
    assert standing.row.next_step
    assert await work.in_qad(SITE, "INV-OFF") is None


def of_another_number(record: ZuoraRecord, id_: str, number: str) -> ZuoraRecord:
    """Return an invoice like this one, that Zuora does not have."""
    parent = json.loads(bytes(record.parent)) | {"id": id_, "invoiceNumber": number}
    items = [json.loads(bytes(item)) | {"invoiceId": id_} for item in record.children["items"]]
    children = record.children | {"items": [msgspec.Raw(json.dumps(item).encode()) for item in items]}
    return msgspec.structs.replace(record, id=id_, parent=msgspec.Raw(json.dumps(parent).encode()), children=children)


async def test_a_dead_letter_that_is_put_back_comes_into_qad_once_and_one_that_is_still_bad_comes_back_once(work):
    command, ask = work.house.product.command, work.house.product.ask
    number = await work.bill(SITE)
    await work.comes_into_qad(SITE, number)
    invoice = encode(of_another_number((await records_of(work, number))[-1], "0ba", "INV-BACK"))
    [offset, bad] = await work.put(SITE, Topic.RECORDS, b"{", b"no event")

    async def are_dead() -> None:
        assert {offset, bad} <= set(await letters(work, Topic.RECORDS))

    await work.eventually(are_dead)
    # As an older version of this product would have left it: bytes that this version reads.
    letter = msgspec.structs.replace(
        (await letters(work, Topic.RECORDS))[offset], key=key(SITE, "invoice", "0ba"), value=invoice
    )
    await work.put(SITE, Topic.DEAD_LETTERS, encode(letter))
    mended, still_bad = f"zuora.records@{offset}", f"zuora.records@{bad}"
    shown = await command("deadletters", "show", mended, "--connection", SITE)
    assert "INV-BACK" in shown
    put_back = ("deadletters", "put-back", mended, still_bad, "--connection", SITE, "--why", "mended")
    planned = await command(*put_back, "--plan")
    assert f"{mended} │ {SITE}" in planned
    assert "comes back as a dead letter" in planned
    assert await work.in_qad(SITE, "INV-BACK") is None
    done = await ask(*put_back, "--yes")
    again_at = {one["offset"]: one["again_at"] for one in done["put_back"]}
    assert set(again_at) == {offset, bad}
    await work.comes_into_qad(SITE, "INV-BACK")

    async def one_has_come_back() -> None:
        assert again_at[bad] in await letters(work, Topic.RECORDS)

    await work.eventually(one_has_come_back)
    refused = await command(*put_back, "--yes", codes=(EXIT_FINDINGS,))
    assert f"it was put back already and stands at zuora.records@{again_at[offset]}" in " ".join(refused.split())
    assert "0 put back, 2 left as they are" in refused
    # And were the bytes to come a second time all the same:
    await work.put(SITE, Topic.RECORDS, invoice, key=key(SITE, "invoice", "0ba"))
    await work.comes_into_qad(SITE, await work.bill(SITE))
    traced = await ask("trace", "INV-BACK", "--connection", SITE)
    assert [event["type"] for event in next(iter(traced.values()))].count("sink posted") == 1
    listed = {
        one["offset"] for one in await ask("deadletters", "list", "--connection", SITE) if one["topic"] == Topic.RECORDS
    }
    assert again_at[bad] in listed
    assert not listed & {offset, bad}
    # No more than the one that came back: nothing repeats by itself.
    assert not {found for found in await letters(work, Topic.RECORDS) if found > again_at[bad]}
    counted = (await ask("parked", "list", "--connection", SITE))["dead_letters"]
    assert not {one["offset"] for one in counted if one["topic"] == Topic.RECORDS} & {offset, bad}


async def test_a_document_that_cannot_be_booked_is_parked_with_reason_and_next_step(work):
    scene = work.scene(SITE)
    year = msgspec.structs.replace(
        subscription(Decimal(1200), scene.site.november),
        accounting_code=SUPPORT,
        deferred_revenue_accounting_code=None,
        service_end_date=date(2027, 10, 31),
    )
    uncoded = msgspec.structs.replace(services(Decimal(130), DAY), accounting_code=None)
    told = {
        "currency_refused": (services(Decimal(640), DAY), "CHF", "CHF is not set up in QAD"),
        "no_accounting_code": (uncoded, None, "has no accounting code"),
        "no_deferral_rule": (year, None, "2027-10-31"),
    }
    account = scene.cast["neighbour"]
    for rule, (item, currency, said) in told.items():
        number = (await scene.post(account, scene.taxed(account, item), DAY, currency=currency))["invoiceNumber"]
        standing = await work.comes_to_stand(SITE, number, rule=rule)
        assert said in standing.row.message
        shown = await work.house.product.command("parked", "show", number, "--connection", SITE)
        assert number in shown
        [next_step] = [line.removeprefix("next") for line in shown.splitlines() if line.startswith("next")]
        assert len(next_step.split()) > 3
        assert await work.in_qad(SITE, number) is None
    await work.comes_into_qad(SITE, await work.bill(SITE))


async def test_a_name_of_300_characters_with_quotes_and_newlines_changes_nothing(work):
    scene = work.scene(SITE)
    account = scene.cast["sister_one"]
    assert len(NASTY) >= 300
    await scene.zuora.act("update_account", account=account.number, name=NASTY)
    items = scene.taxed(account, services(priced(100, account), DAY, name=NASTY))
    row = await scene.post(account, items, DAY)
    number = row["invoiceNumber"]
    await work.comes_into_qad(SITE, number)
    assert await work.in_qad(SITE, number) == row["amount"]
    traced = await work.house.product.ask("trace", number, "--connection", SITE)
    assert [event["type"] for event in next(iter(traced.values()))].count("sink posted") == 1
    said = await work.house.product.command("trace", number, "--connection", SITE)
    assert re.search(r"QAD 2026/ZINV/\d+ by answer", said)
    assert "DROP TABLE" not in work.log


async def test_tokens_that_end_in_mid_run_are_renewed_and_nobody_notices(work):
    scene, before = work.scene(SITE), work.pids()
    await work.comes_into_qad(SITE, await work.bill(SITE))
    assert (await scene.qad.act("sessions/end"))["ended"] > 0
    async with scene.session.post(f"{work.house.controls()[SITE].zuora}/control/tokens/revoke") as answer:
        assert (await answer.json())["revoked"] > 0
    numbers = [await work.bill(SITE, amount=amount) for amount in (11, 12, 13)]
    for number in numbers:
        await work.comes_into_qad(SITE, number)

    # The read model hears of it a moment after QAD.
    async def are_posted() -> None:
        for number in numbers:
            assert {one.row.status for one in work.standings(SITE, number)} == {"posted"}

    await work.eventually(are_posted, within_s=20)
    assert work.pids() == before


async def test_nothing_is_posted_by_a_profile_that_is_not_confirmed_until_it_is(work):
    """The other site's credit notes were never compared with its tenant: ping says so, and its documents wait."""
    pinged = await work.house.product.ask("ping")
    [profile] = [one for one in pinged if (one["subject"], one["what"]) == (OTHER, "profile")]
    assert profile["ok"] is False
    assert "not confirmed: documents.credit_note" in profile["found"]
    assert "set confirmed = true" in profile["next_step"]
    number = await work.bill(OTHER)

    async def is_said() -> None:
        assert "the profile is not confirmed (documents.credit_note): ml-connector ping says what to do" in work.log

    await work.eventually(is_said, within_s=20)
    assert await work.in_qad(OTHER, number) is None
    file = work.house.files.profiles[OTHER]
    file.write_text(file.read_text(encoding="utf-8").replace(NOT_CONFIRMED, CONFIRMED), encoding="utf-8")
    os.kill(work.pids()["sink"], signal.SIGTERM)
    await work.comes_into_qad(OTHER, number)
