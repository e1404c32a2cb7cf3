"""Tokens: how they are given, what they say, when they end, and what is said to those without one."""

import pytest

from sandbox.zuora import Sandbox


async def test_a_token_says_whose_tenant_answers(zuora):
    reply = await zuora.ask_token()
    assert reply.status == 200
    body = reply.json
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 3598
    assert "tenant.12270" in body["scope"].split()
    assert f"entity.{zuora.sandbox.world.entity_id}" in body["scope"].split()
    assert reply.headers["X-RateLimit-Limit-minute"] == "100"
    assert reply.headers["X-RateLimit-Remaining-minute"] == "99"
    assert len(reply.headers["Zuora-Request-Id"]) == 36


async def test_the_life_of_a_token_may_be_a_string(zuora):
    await zuora.settings(expires_in="text", token_life_s=1200)
    assert (await zuora.ask_token()).json["expires_in"] == "1200"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "0" * 36}, 401),
        ({"grant_type": "password"}, 400),
    ],
)
async def test_wrong_credentials_are_refused(zuora, changes, status):
    reply = await zuora.ask_token(**changes)
    assert reply.status == status
    assert set(reply.json) == ({"message"} if status == 401 else {"code", "message"})


async def test_a_form_without_a_field_is_refused(zuora):
    reply = await zuora.call("POST", "/oauth/token", data={"client_id": "x", "grant_type": "client_credentials"})
    assert reply.status == 400
    assert "client_secret" in reply.json["message"]


async def test_json_is_no_form(zuora):
    assert (await zuora.call("POST", "/oauth/token", json={"client_id": "x"})).status == 400


async def test_an_authorization_header_has_no_place_on_the_token_call(zuora):
    reply = await zuora.call("POST", "/oauth/token", data={"a": "b"}, headers={"Authorization": "Basic eDp5"})
    assert reply.status == 400


async def test_an_address_gets_so_many_tokens_a_minute(zuora):
    await zuora.settings(limits={"token_calls": 2})
    assert [(await zuora.ask_token()).status for _ in range(3)] == [200, 200, 429]
    reply = await zuora.ask_token()
    assert reply.headers["X-RateLimit-Remaining-minute"] == "0"


async def test_token_calls_are_counted_by_the_minute(zuora, eventually):
    await zuora.settings(limits={"token_calls": 1, "window_s": 0.3})

    async def answered(status):
        return (await zuora.ask_token()).status == status

    await eventually(lambda: answered(429))
    await eventually(lambda: answered(200))


async def test_a_token_ends_by_the_clock_of_the_tenant(zuora):
    assert (await zuora.get("/object-query/accounts")).status == 200
    zuora.sandbox.clock.advance(3597)
    assert (await zuora.get("/object-query/accounts")).status == 200
    zuora.sandbox.clock.advance(1)
    assert (await zuora.get("/object-query/accounts")).status == 401


async def test_tokens_can_be_revoked(zuora):
    await zuora.token()
    assert (await zuora.control("POST", "/tokens/revoke"))["revoked"] == 1
    assert (await zuora.get("/v1/accounts/A-00000001")).status == 401


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}])
async def test_v1_and_object_query_say_how_to_sign_in(zuora, header):
    for path in ("/v1/invoices/INV1", "/object-query/invoices"):
        reply = await zuora.call("GET", path, headers=header)
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"].startswith("Basic realm=Zuora API")
        assert reply.json["reasons"][0]["code"] == 90000011
        assert ("success" in reply.json) is path.startswith("/v1")


async def test_actions_have_their_own_word_for_it(zuora):
    reply = await zuora.call("POST", "/v1/action/update", json={})
    assert (reply.status, reply.json) == (401, {"message": "Authentication error"})


async def test_error_codes_of_v1_may_be_strings(zuora):
    await zuora.settings(error_codes="text")
    reply = await zuora.call("GET", "/v1/invoices/INV1")
    assert reply.json["reasons"][0]["code"] == "90000011"


def test_the_built_in_client_has_the_form_that_zuora_prescribes():
    client = Sandbox().world.clients[0]
    assert len(client.client_id) == 36
    assert len(client.client_secret) <= 42
