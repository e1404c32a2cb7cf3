"""Signing in, staying signed in, and being signed out."""

import pytest
from aiohttp import ClientSession

from sandbox.qad.house import HOUSE


async def works(tenant):
    reply = await tenant.send("GET", HOUSE.security_path)
    return reply.status == 200


async def test_a_password_gets_a_token_and_nothing_more(tenant):
    reply = await tenant.grant(grant_type="password", username="connector", password="connector-word")
    assert set(reply.json) == {"access_token", "refresh_token", "token_type"}
    tenant.control.change_settings({"session": {"answers_expires_in": True, "session_length_minutes": 10}})
    reply = await tenant.grant(grant_type="password", username="connector", password="connector-word")
    assert reply.json["expires_in"] == 600


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"username": "connector", "password": "wrong"}, 401),
        ({"username": "nobody", "password": "connector-word"}, 401),
        ({"username": "connector"}, 401),
        ({"client_id": "other", "username": "connector", "password": "connector-word"}, 401),
        ({"grant_type": "implicit"}, 400),
        ({"grant_type": "refresh_token", "refresh_token": "made-up"}, 401),
        ({"grant_type": "client_credentials", "client_secret": "client-word"}, 400),
    ],
)
async def test_wrong_credentials(tenant, form, status):
    reply = await tenant.grant(**{"grant_type": "password", **form})
    assert (reply.status, "access_token" in reply.json) == (status, False)


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer made-up", "Basic Y29ubmVjdG9yOng="])
async def test_without_a_token_there_is_nothing(tenant, authorization):
    async with ClientSession() as session:
        url = tenant.server.url + HOUSE.browse_path
        async with session.get(url, headers={"Authorization": authorization}) as answer:
            assert answer.status == 401
            assert (await answer.json())["errors"][0]["code"] == "401"


async def test_a_session_ends_with_its_length_however_busy_it_is(tenant):
    for _ in range(47):
        tenant.control.set_clock(advance_s=600)
        assert await works(tenant)
    tenant.control.set_clock(advance_s=600)
    assert not await works(tenant)


async def test_an_idle_session_ends_sooner(tenant):
    tenant.control.set_clock(advance_s=29 * 60)
    assert await works(tenant)
    tenant.control.set_clock(advance_s=30 * 60)
    assert not await works(tenant)


async def test_a_refresh_token_serves_once_even_after_the_session(tenant):
    first = (await tenant.sign_in()).json
    tenant.control.set_clock(advance_s=9 * 3600)
    assert not await works(tenant)
    reply = await tenant.grant(grant_type="refresh_token", refresh_token=first["refresh_token"])
    tenant.token = reply.json["access_token"]
    assert await works(tenant)
    again = await tenant.grant(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again.status == 401
    tenant.control.set_clock(advance_s=25 * 3600)
    late = await tenant.grant(grant_type="refresh_token", refresh_token=reply.json["refresh_token"])
    assert late.status == 401


async def test_secrets_and_client_credentials_where_the_site_has_them(tenant):
    tenant.control.change_settings({"session": {"requires_client_secret": True, "allows_client_credentials": True}})
    password = {"grant_type": "password", "username": "connector", "password": "connector-word"}
    assert (await tenant.grant(**password)).status == 401
    assert (await tenant.grant(**password, client_secret="client-word")).status == 200
    reply = await tenant.grant(grant_type="client_credentials", client_secret="client-word")
    tenant.token = reply.json["access_token"]
    assert await works(tenant)
    assert (await tenant.grant(grant_type="client_credentials", client_secret="wrong")).status == 401


async def test_parameters_in_the_query_are_taken_too(tenant):
    query = {"client_id": "ml-connector", "grant_type": "password", "username": "clerk", "password": "clerk-word"}
    async with tenant.session.post(tenant.server.url + HOUSE.token_path, params=query) as answer:
        assert answer.status == 200


async def test_session_limits_and_permissions_are_told(tenant):
    reply = await tenant.send("GET", HOUSE.security_path)
    assert reply.json == {
        "data": {"securityControls": [{"clientId": "ml-connector", "sessionLength": 480, "timeoutMinutes": 30}]}
    }
    uri = HOUSE.resource_of("invoice").view_uri

    async def may(action, uri=uri):
        return await tenant.send("GET", HOUSE.permission_path, params={"uri": uri, "action": action})

    assert (await may("CREATE")).json == {"data": {"hasPermission": True}}
    assert (await may("FLY")).status == 400
    assert (await may("CREATE", "urn:be:other")).status == 400
    await tenant.sign_in("reader", "reader-word")
    assert (await may("CREATE")).json == {"data": {"hasPermission": False}}
    assert (await may("READ")).json == {"data": {"hasPermission": True}}


async def test_all_sessions_can_be_ended(tenant):
    assert tenant.control.end_sessions() == 1
    assert not await works(tenant)


async def test_nothing_secret_is_in_the_log(tenant, invoice_record):
    await tenant.post("invoice", invoice_record())
    log = (await tenant.act("requests")).body + (await tenant.act("state")).body
    assert tenant.token.encode() not in log
    assert b"connector-word" not in log
