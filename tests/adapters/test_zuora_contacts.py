"""The bill-to contact of an account: read with it whichever way it is found, of it only what is named, never needed."""

from urllib.parse import parse_qsl

import msgspec
import pytest
from aiohttp import web

from adapters.zuora.finding.backfill import BackfillRun
from adapters.zuora.reading.contacts import FIELDS, kept
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from console.pinging.reading import try_reading
from sandbox.zuora import CalloutConfiguration, EventTrigger
from sandbox.zuora.acts import NewContact, update_account, update_contact
from schemas.callouts import Callout
from schemas.codec import encode
from schemas.errors import Refused
from schemas.events import read_record
from schemas.parties import Contact, Party, party_of
from schemas.records import RecordKind
from schemas.zuora import field_of
from streams.identity import identify
from streams.read.events import WANTED
from streams.read.hints import read_hint
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import BY_HAND, NOON, START, MemoryLog, poller, rereading, speaking_to

ACCOUNT = RecordKind.ACCOUNT
ADA = NewContact(
    first_name="Ada",
    last_name="Lovelace",
    address1="Domkloster 4",
    address2="2. Stock",
    city="Köln",
    county="Rheinland",
    state="Nordrhein-Westfalen",
    postal_code="50667",
    country="Germany",
    work_email="ada@acme.example",
    personal_email="ada@home.example",
    work_phone="+49 221 1",
    mobile_phone="+49 171 2",
    tax_region="EU",
    custom={"Birthday__c": "1815-12-10"},
)
# Of her, nothing of this goes any further.
PERSONAL = ("Ada", "Lovelace", "home.example", "+49", "1815", '"soldTo"', '"shipTo"')


@pytest.fixture
def log():
    return MemoryLog()


@pytest.fixture
def account(zuora):
    """An account with all that may be lacking elsewhere, and a contact with all that is personal."""
    zuora.use(token_life_s=10**9)
    return zuora.account(name="Acme", vat_id="DE123", bill_to=ADA, custom={"QADCustomer__c": "C1", "vatNo__c": "X1"})


def parties(log, account) -> list[Party]:
    records = [record for record in log.kept if (record.kind, record.id) == (ACCOUNT, account.id)]
    for record in records:
        assert not [secret for secret in PERSONAL if secret in encode(record).decode()]
    return [party_of(record) for record in records]


def is_ada(party: Party) -> bool:
    fields = {name: getattr(ADA, name) for name in Contact.__struct_fields__ if name != "id"}
    return party.bill_to == Contact(id=party.bill_to.id, **fields)


# -- every way of finding it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("settled", [True, False])
async def test_a_poll_reads_it_with_the_list_and_asks_for_nothing_else(zuora, log, account, settled):
    zuora.use(invoice_settlement=settled)
    for number in range(150):
        zuora.account(name=f"Branch {number}", bill_to=ADA)
    client = await zuora.client()
    zuora.later(minutes=5)
    await poller(client, log, settlement=Settlement(client, "acme")).round({ACCOUNT})
    [party] = parties(log, account)
    assert is_ada(party)
    assert (party.name, party.account_number, party.vat_id) == ("Acme", account.account_number, "DE123")
    asked = zuora.requests("/accounts")
    assert len(log.ids(ACCOUNT)) == 151
    # 151 accounts of one second: so many pages, walked twice, and no call for any account alone.
    assert {entry.path for entry in asked} == {"/object-query/accounts"}
    assert len(asked) <= 7


async def test_a_backfill_reads_it(zuora, log, account):
    zuora.later(days=2)
    await BackfillRun(
        await zuora.client(), "acme", first_day=NOON.date(), kinds=(ACCOUNT,), write=log, progress=lambda _: None
    ).run()
    assert is_ada(parties(log, account)[-1])
    assert {entry.path for entry in zuora.requests("/accounts")} == {"/object-query/accounts"}


async def test_what_a_callout_hints_at_is_read_with_it(zuora, log, account):
    for key in (account.id, account.account_number):
        log.kept.append(await zuora.read(ACCOUNT, key))
    assert [is_ada(party) for party in parties(log, account)] == [True, True]
    assert len(zuora.requests("/accounts")) == 2


async def test_an_account_within_another_record_is_read_without_it(zuora, account):
    zuora.use(invoice_settlement=False)
    client = await zuora.client()
    reading = ZuoraObjects(client, "acme", Settlement(client, "acme"))
    record = await reading.read(RecordKind.CREDIT_BALANCE, account.id, BY_HAND)
    assert "billto" not in bytes(record.parent).lower().decode().replace("billtoid", "")
    assert not [entry for entry in zuora.requests("/accounts") if "billto" in entry.query]


# -- what goes over the wire, and into a record ----------------------------------------------------------------------


async def test_zuora_is_asked_for_these_fields_alone(zuora, log, account):
    client = await zuora.client()
    zuora.later(minutes=5)
    await poller(client, log).round({ACCOUNT})
    await zuora.read(ACCOUNT, account.id)
    asked = zuora.requests("/accounts")
    assert {entry.path.rpartition("/")[2] for entry in asked} == {"accounts", account.id}
    for entry in asked:
        answer = await client.get(entry.path, parse_qsl(entry.query))
        row = msgspec.json.decode(answer.body)
        [of_ada] = [one["billTo"] for one in row.get("data", [row]) if one["id"] == account.id]
        assert set(of_ada) == set(FIELDS)
        assert "Lovelace" not in answer.body.decode()


async def test_all_else_of_an_account_is_kept_as_it_came(zuora, account):
    record = await zuora.read(ACCOUNT, account.id)
    fields = msgspec.json.decode(record.parent, type=dict[str, msgspec.Raw])
    answer = await (await zuora.client()).get(f"/object-query/accounts/{account.id}")
    plain = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    assert {name: bytes(raw) for name, raw in fields.items() if name != "billTo"} == {
        name: bytes(raw) for name, raw in plain.items()
    }
    assert (field_of(record.parent, "QADCustomer__c"), field_of(record.parent, "VATNo__c")) == ("C1", "X1")


WHOLE = b'{"id":"c1","firstName":"Ada","lastName":"Lovelace","city":"Paris","workPhone":"+49","Birthday__c":"1815"}'


@pytest.mark.parametrize(
    ("contact", "left"),
    [
        (WHOLE, b'{"id":"c1","city":"Paris"}'),
        (b'{"Id":"c1","PostalCode":"50667","NickName":"Ada"}', b'{"id":"c1","postalCode":"50667"}'),
        (b'{"city":null,"state":7,"country":["Ada"],"county":{"a":"Ada"},"address1":""}', b"{}"),
        (b'{"city":"\xff","state":"S"}', b'{"state":"S"}'),
        (b"null", b"null"),
        (b'"Ada"', b"null"),
        (b'[{"firstName":"Ada"}]', b"null"),
        (b"{}", b"{}"),
    ],
)
@pytest.mark.parametrize("name", [b"billTo", b"BillTo", b"bill\\u0054o"])
def test_whatever_a_tenant_answers_no_more_than_that_is_kept(contact, left, name):
    row = b'{"id":"a1","balance":10.00, "' + name + b'":' + contact + b',"foo__c": "1.10"}'
    spelled = b"BillTo" if name == b"BillTo" else b"billTo"
    assert bytes(kept(msgspec.Raw(row))) == (
        b'{"id":"a1","balance":10.00,"' + spelled + b'":' + left + b',"foo__c":"1.10"}'
    )


@pytest.mark.parametrize("row", [b'{"id": "a1",  "billToId":"c1"}', b"[1, 2]", b"7", b'{"id":"a1"'])
def test_a_row_without_a_contact_stays_as_it_came(row):
    assert bytes(kept(msgspec.Raw(row))) == row


async def test_a_tenant_that_gives_more_than_was_asked_for_gets_it_into_no_record(strange, log):
    row = b'{"id":"%s","accountNumber":"A-1","updatedDate":"2026-03-10T12:00:00Z","billTo":%s}' % (b"8a" * 16, WHOLE)
    bad = b'{"id":7,"accountNumber":"A-2","updatedDate":"2026-03-10T12:00:00Z","billTo":%s}' % WHOLE
    strange.tell(f"/object-query/accounts/{'8a' * 16}", Told(row))
    strange.tell("/object-query/accounts", Told(b'{"data":[%s,%s]}' % (row, bad)))
    async with speaking_to(strange) as client:
        reading = ZuoraObjects(client, "acme")
        log.kept.append(await reading.read(ACCOUNT, "8a" * 16, BY_HAND))
        [headers] = [page async for page in reading.changed(ACCOUNT, since=START, until=NOON)]
    assert party_of(log.kept[0]).bill_to == Contact(id="c1", city="Paris")
    # Also of a row that becomes a dead letter.
    for raw in (log.kept[0].parent, *(header.raw for header in headers)):
        assert b"Paris" in bytes(raw)
        assert b"Ada" not in bytes(raw)
        assert b"+49" not in bytes(raw)


# -- it may be lacking -----------------------------------------------------------------------------------------------


async def test_an_account_without_a_contact_is_read(zuora, log):
    zuora.account()
    client = await zuora.client()
    zuora.later(minutes=5)
    await poller(client, log).round({ACCOUNT})
    assert [party_of(record).bill_to for record in log.kept] == [None]


@pytest.mark.parametrize("contacts", ["refused", "absent"])
async def test_a_user_who_may_not_read_contacts_reads_accounts(zuora, log, account, heard, contacts):
    zuora.use(contacts=contacts)
    client = await zuora.client()
    polling = poller(client, log)
    for _ in range(3):
        zuora.later(minutes=5)
        zuora.touch(account)
        zuora.later(minutes=5)
        await polling.round({ACCOUNT})
    assert polling.failed == frozenset()
    assert [party.bill_to for party in parties(log, account)] == [None] * 3
    refused = [entry for entry in zuora.requests("/accounts") if entry.status == 403]
    assert {entry.path for entry in zuora.requests("/accounts")} == {"/object-query/accounts"}
    # It is found out once, and said once; then contacts are not asked for.
    assert len(refused) == (1 if contacts == "refused" else 0)
    assert heard().count("bill-to contacts are refused") <= 2 * len(refused)
    assert ("give the OAuth user's role the right to read contacts" in heard()) == bool(refused)


async def test_a_user_who_may_not_read_contacts_is_told_so_by_ping(zuora, account):
    zuora.use(contacts="refused")
    zuora.later(minutes=5)
    client = await zuora.client()
    [trial] = [
        trial for trial in await try_reading(client, "acme", Settlement(client, "acme")) if "account" in trial.what
    ]
    assert trial.ok
    assert trial.found.startswith("read without its contact: Zuora refused")


async def test_contacts_are_asked_for_again_after_a_while(zuora, account, monkeypatch):
    zuora.use(contacts="refused")
    reading = await zuora.objects()
    assert party_of(await reading.read(ACCOUNT, account.id, BY_HAND)).bill_to is None
    zuora.use(contacts="shown")
    assert party_of(await reading.read(ACCOUNT, account.id, BY_HAND)).bill_to is None
    later = reading._refused._until_s
    monkeypatch.setattr(reading._refused, "_until_s", later - 3600)
    assert is_ada(party_of(await reading.read(ACCOUNT, account.id, BY_HAND)))


async def test_a_user_who_may_not_read_accounts_is_refused(strange, quick):
    no = Told(b'{"reasons":[{"code":50000010,"message":"no permission"}]}', status=403)
    strange.tell("/object-query/accounts", no)
    strange.tell(f"/object-query/accounts/{'8a' * 16}", no)
    async with speaking_to(strange) as client:
        reading = ZuoraObjects(client, "acme")
        with pytest.raises(Refused):
            await reading.read(ACCOUNT, "8a" * 16, BY_HAND)
        with pytest.raises(Refused):
            [page async for page in reading.changed(ACCOUNT, since=START, until=NOON)]
        assert reading.contacts_refused == ""


# -- it changes ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def reader(zuora, log, account):
    """Poll and re-read as the product does, until all is proved."""
    client = await zuora.client()
    polling, reread = poller(client, log), rereading(client, log)

    async def rounds(count=4):
        written = 0
        for _ in range(count):
            zuora.later(minutes=30)
            await polling.round({ACCOUNT})
            written += await reread.round()
        return written

    await rounds()
    assert is_ada(parties(log, account)[-1])
    log.kept_before = len(log.kept)
    return rounds


async def test_a_contact_that_changes_is_found_by_the_re_read_and_no_poll_missed_it(zuora, log, account, reader, heard):
    stamp = zuora.tenant.accounts.latest[account.id].updated_date
    update_contact(zuora.tenant, contact=account.bill_to_id, city="Bonn", postal_code="53111")
    assert zuora.tenant.accounts.latest[account.id].updated_date == stamp
    assert await reader() == 1
    before, after = parties(log, account)[-2:]
    assert (before.bill_to.city, after.bill_to.city, after.bill_to.postal_code) == ("Köln", "Bonn", "53111")
    assert log.kept[-1].found.by == "reread"
    assert "contacts had changed, or were not held yet" in heard()
    assert "a re-read found what the polls had missed" not in heard()
    assert (log.rereads[ACCOUNT].changed, log.rereads[ACCOUNT].late) == (0, 0)
    assert "Bonn" not in heard()
    assert await reader() == 0


async def test_a_contact_that_changes_with_its_account_is_found_by_the_poll(zuora, log, account, reader):
    zuora.use(contact_moves_account=True)
    update_contact(zuora.tenant, contact=account.bill_to_id, city="Bonn")
    assert await reader() == 0
    assert (parties(log, account)[-1].bill_to.city, log.kept[-1].found.by) == ("Bonn", "poll")


async def test_another_bill_to_contact_is_found_by_the_poll(zuora, log, account, reader):
    update_account(zuora.tenant, account=account.id, bill_to=NewContact(last_name="Byron", city="London"))
    await reader()
    assert (parties(log, account)[-1].bill_to.city, log.kept[-1].found.by) == ("London", "poll")


async def test_a_change_of_what_is_not_read_brings_nothing(zuora, log, account, reader):
    update_contact(zuora.tenant, contact=account.bill_to_id, last_name="Byron", work_phone="+44 1")
    assert await reader() == 0
    assert len(log.kept) == log.kept_before


async def test_accounts_that_were_read_by_an_earlier_version_get_their_contact_in_a_turn(zuora, log, account):
    client = await zuora.client()
    zuora.later(minutes=30)
    zuora.use(contacts="absent")
    await poller(client, log).round({ACCOUNT})
    assert [party.bill_to for party in parties(log, account)] == [None]
    zuora.use(contacts="shown")
    zuora.later(minutes=30)
    await poller(client, MemoryLog()).round({ACCOUNT})
    reread = rereading(client, log)
    for _ in range(4):
        zuora.later(minutes=30)
        await reread.round()
    _, with_it = parties(log, account)
    assert is_ada(with_it)
    assert log.rereads[ACCOUNT].changed == 0


async def test_a_callout_of_a_changed_contact_hints_at_its_account(zuora, log, account):
    event = next(one for one in WANTED if one.name == "ContactChanged")
    told = list[bytes]()

    async def hear(request):
        told.append(await request.read())
        return web.Response()

    application = web.Application()
    application.router.add_post("/callouts", hear)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        callouts = zuora.sandbox.callouts
        callouts.triggers = [EventTrigger(name=event.name, base_object=event.base_object, change_types=["UPDATE"])]
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/callouts"
        callouts.configurations = [CalloutConfiguration(name=event.name, event=event.name, url=url, body=event.body)]
        update_contact(zuora.tenant, contact=account.bill_to_id, city="Bonn")
        await zuora.callouts_are_through()
    finally:
        await runner.cleanup()
    callout = Callout(
        connection="",
        tenant="acme",
        received_at=NOON,
        notification_id="n",
        headers={},
        content_type="application/json",
        body=told[0],
    )
    assert len(told) == 1
    assert "Bonn" not in told[0].decode()
    hint = read_hint(callout)
    assert (hint.kind, hint.id) == (ACCOUNT, account.id)
    log.kept.append(await zuora.read(hint.kind, hint.id))
    assert parties(log, account)[-1].bill_to.city == "Bonn"


# -- what follows from it --------------------------------------------------------------------------------------------


async def test_a_contact_is_part_of_the_version_of_its_account_and_of_no_other(zuora, account):
    first = await zuora.read(ACCOUNT, account.id)
    update_contact(zuora.tenant, contact=account.bill_to_id, last_name="Byron", work_phone="+44 1")
    same = await zuora.read(ACCOUNT, account.id)
    update_contact(zuora.tenant, contact=account.bill_to_id, city="Bonn")
    moved = await zuora.read(ACCOUNT, account.id)
    assert identify(first) == identify(same) != identify(moved)
    assert read_record(encode(moved)) == moved
