"""An answer that says a name twice is neither yes nor no: readers differ in which of both they take."""

import msgspec
import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.rest.port import RestQad
from schemas.errors import OutcomeUnknown
from tests.adapters.ground import given
from tests.adapters.qad_company import post
from tests.adapters.strange import Told
from tests.adapters.test_qad_answers import STORED, spoken
from tests.loopback import LOOPBACK

YES = {"submitResult": {"success": True}, "customerInvoices": [STORED]}


@pytest.fixture
def answered(qad, strange):
    """Post an invoice that is answered with these bytes."""
    known, command = qad.profile(), qad.invoice()
    strange.tell(known.auth.path, Told(b'{"access_token": "t", "expires_in": 3600}'))
    profile = msgspec.structs.replace(known, base_url=strange.url)

    async def answer(body):
        strange.tell(known.documents["invoice"].path, Told(body))
        async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
            return await post(RestQad(client, profile), command)

    return answer


def doubled(body, name, before):
    """Say a name of an answer twice, with another value before."""
    said = f'"{name}":'.encode()
    given(body.count(said) == 1, f"{name} stands there once")
    return body.replace(said, said + msgspec.json.encode(before) + b"," + said)


@pytest.mark.parametrize("word", ["success", "list", "voucher", "records"])
@pytest.mark.parametrize("says", ["yes", "no"])
async def test_what_is_said_twice_is_unknown(qad, answered, word, says):
    envelope, document = qad.profile().envelope, qad.profile().documents["invoice"]
    said = {"submitResult": {"success": says == "yes"}, "customerInvoices": [STORED]}
    body = msgspec.json.encode(spoken(said, qad.profile()))
    name, before = {
        "success": (envelope.success, envelope.no[0] if says == "yes" else envelope.yes[0]),
        "list": (document.list, []),
        "voucher": (document.key.voucher, 0),
        "records": (envelope.success.partition(".")[0], {}),
    }[word]
    with pytest.raises(OutcomeUnknown):
        await answered(doubled(body, name.rpartition(".")[2], before))


async def test_a_name_may_be_said_in_two_objects(qad, answered):
    body = msgspec.json.encode(spoken({**YES, "customerInvoices": [STORED, STORED]}, qad.profile()))
    assert (await answered(body)).document.voucher == STORED["voucher"]


async def test_a_name_that_is_spelled_in_another_way_is_the_same(qad, answered):
    envelope = qad.profile().envelope
    body = msgspec.json.encode(spoken(YES, qad.profile()))
    name = envelope.success.rpartition(".")[2]
    spelled = b"\\u%04x" % ord(name[0]) + name[1:].encode()
    with pytest.raises(OutcomeUnknown):
        await answered(doubled(body, name, envelope.no[0]).replace(name.encode(), spelled, 1))
